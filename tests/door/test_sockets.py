"""A visitor's socket as it is meant to be used, and as nobody should use it."""

import asyncio
import base64
import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import make
import pytest
import running
import websockets
from websockets.asyncio.client import ClientConnection

pytestmark = pytest.mark.xdist_group("site")

MESSAGES = "/api/v1/conversation/messages"
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


@contextlib.asynccontextmanager
async def connected(site: running.Server, token: str, after: int = 0) -> AsyncIterator[ClientConnection]:
    """A socket that has said hello and been greeted."""
    async with (
        asyncio.timeout(20),
        websockets.connect(f"ws://127.0.0.1:{site.port}/ws/visitor", max_size=None) as ws,
    ):
        await say(ws, type="hello", token=token, after=after)
        assert (await frame(ws, "ready"))["type"] == "ready"
        yield ws


async def say(ws: ClientConnection, **fields: Any) -> None:
    await ws.send(json.dumps(fields))


async def frame(ws: ClientConnection, kind: str) -> dict[str, Any]:
    """The next frame of this kind; others are passed over."""
    while True:
        found: dict[str, Any] = json.loads(await ws.recv())
        if found["type"] == kind:
            return found


class Wire:
    """A connection on which any bytes can be sent, those that no library would send too."""

    def __init__(self, site: running.Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", site.port), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET /ws/visitor HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        self.socket.sendall(f"{head}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode())
        self.read = self.socket.makefile("rb")
        while self.read.readline() != b"\r\n":
            pass

    def send(self, opcode: int, payload: bytes, *, final: bool = True) -> None:
        """One masked frame."""
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else b"\xfe" + struct.pack("!H", length)
        mask = b"\1\2\3\4"
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        self.socket.sendall(bytes([(0x80 if final else 0) | opcode]) + size + mask + masked)

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """What the server sends, until it closes."""
        while head := self.read.read(2):
            length = head[1] & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", self.read.read(2))
            yield head[0] & 0x0F, self.read.read(length)

    def close_code(self) -> int:
        """The code with which the server hangs up."""
        return next(struct.unpack("!H", payload[:2])[0] for opcode, payload in self.frames() if opcode == CLOSE)


@pytest.fixture
def wire(site: running.Server) -> Iterator[Wire]:
    """A wire on which hello was said."""
    wire = Wire(site)
    wire.send(TEXT, json.dumps({"type": "hello", "token": make.token()}).encode())
    yield wire
    wire.read.close()
    wire.socket.close()


def test_a_client_that_can_set_headers_needs_no_hello(site):
    token = make.token()
    httpx2.post(site.url + MESSAGES, json={"text": "позовите оператора"}, headers={"chat-token": token})
    httpx2.get(f"{site.url}{MESSAGES}?after=1&wait=10", headers={"chat-token": token}, timeout=20)

    async def talk() -> list[int]:
        url = f"ws://127.0.0.1:{site.port}/ws/visitor/?after=1"
        async with asyncio.timeout(10), websockets.connect(url, additional_headers={"chat-token": token}) as ws:
            ready = json.loads(await ws.recv())
            return [ready["last_seq"], (await frame(ws, "message"))["seq"]]

    assert asyncio.run(talk()) == [2, 2]


@pytest.mark.parametrize(
    "hello",
    [
        '{"type": "hello"}',
        '{"type": "hello", "token": null}',
        '{"type": "hello", "token": "long enough", "after": -1}',
        '{"type": "hello", "token": "long enough", "after": 1e400}',
        f'{{"type": "hello", "token": "long enough", "after": {"9" * 5_000}}}',
        '{"type": "hello", "token": "long enough", "after": NaN}',
        '{"type": "send", "text": "before hello", "client_id": "1"}',
        "nonsense",
        "",
    ],
)
def test_who_says_hello_wrongly_is_told_why_and_hung_up_on(site, hello):
    async def talk() -> tuple[str, int | None]:
        async with (
            asyncio.timeout(5),
            websockets.connect(f"ws://127.0.0.1:{site.port}/ws/visitor") as ws,
        ):
            await ws.send(hello)
            error = json.loads(await ws.recv())
            await ws.wait_closed()
            return error["code"], ws.close_code

    assert asyncio.run(talk()) == ("invalid", 4400)


@pytest.mark.parametrize("token", ["short", "x" * 101, "токен-длинный", "with space", "nul\u0000nulnul"])
def test_a_bad_token_is_4401(site, token):
    async def talk() -> tuple[str, int | None]:
        async with (
            asyncio.timeout(5),
            websockets.connect(f"ws://127.0.0.1:{site.port}/ws/visitor") as ws,
        ):
            await say(ws, type="hello", token=token)
            error = json.loads(await ws.recv())
            await ws.wait_closed()
            return error["code"], ws.close_code

    assert asyncio.run(talk()) == ("token_invalid", 4401)


def test_who_says_nothing_is_hung_up_on(site):
    async def talk() -> int | None:
        async with (
            asyncio.timeout(15),
            websockets.connect(f"ws://127.0.0.1:{site.port}/ws/visitor") as ws,
        ):
            await ws.wait_closed()
            return ws.close_code

    assert asyncio.run(talk()) == 4401


def test_a_message_sent_twice_is_stored_once_and_with_another_text_refused(site):
    async def talk() -> list[dict[str, Any]]:
        async with connected(site, make.token()) as ws:
            await say(ws, type="send", client_id="one", text="hello")
            await say(ws, type="send", client_id="one", text="hello")
            await say(ws, type="send", client_id="one", text="bye")
            return [await frame(ws, "sent"), await frame(ws, "sent"), await frame(ws, "error")]

    first, again, other = asyncio.run(talk())

    assert first == again
    assert (other["status"], other["code"], other["client_id"]) == (422, "idempotency_key_reused", "one")


@pytest.mark.parametrize("text", ["", "   ", "a\u0000b", "x" * 4_001])
def test_a_text_that_is_none_is_refused_by_its_id(site, text):
    async def talk() -> dict[str, Any]:
        async with connected(site, make.token()) as ws:
            await say(ws, type="send", client_id="one", text=text)
            return await frame(ws, "error")

    error = asyncio.run(talk())

    assert (error["status"], error["client_id"], error["field"]) == (400, "one", "text")


@pytest.mark.parametrize("client_id", ["", "a b", "я", "x" * 256])
def test_an_id_that_is_none_is_refused(site, client_id):
    async def talk() -> dict[str, Any]:
        async with connected(site, make.token()) as ws:
            await say(ws, type="send", client_id=client_id, text="hello")
            return await frame(ws, "error")

    assert asyncio.run(talk())["field"] == "client_id"


@pytest.mark.parametrize("seq", [0, -1, 99, 2**31, 2**63])
def test_nobody_has_read_what_was_not_sent_to_them(site, seq):
    token = make.token()

    async def talk() -> None:
        async with connected(site, token) as ws:
            await say(ws, type="send", client_id="one", text="hello")
            await frame(ws, "sent")
            await say(ws, type="read", seq=seq)
            await say(ws, type="ping")
            await frame(ws, "pong")

    asyncio.run(talk())
    state = httpx2.get(f"{site.url}/api/v1/conversation", headers={"chat-token": token}).json()

    assert state["read_seq"] == 0


async def answer(ws: ClientConnection) -> dict[str, Any]:
    while (message := await frame(ws, "message"))["author"] != "bot":
        pass
    return message


def test_the_bot_is_seen_writing_before_it_answers(site):
    """From the second question on: before the first there is no conversation that one could listen to."""

    async def talk() -> list[str]:
        async with connected(site, make.token()) as ws:
            await say(ws, type="send", client_id="one", text="Привет!")
            await answer(ws)
            await say(ws, type="send", client_id="two", text="Сколько стоит доставка?")
            return [(await frame(ws, "typing"))["author"], (await answer(ws))["author"]]

    assert asyncio.run(talk()) == ["bot", "bot"]


def test_who_is_connected_before_anything_was_said_hears_the_first_word_of_another_tab(site):
    token = make.token()

    async def talk() -> list[str]:
        async with connected(site, token) as here, connected(site, token) as there:
            await say(there, type="send", client_id="one", text="first")
            return [(await frame(here, "message"))["text"]]

    assert asyncio.run(talk()) == ["first"]


def test_nobody_hears_what_another_visitor_says(site):
    async def talk() -> list[str]:
        async with connected(site, make.token()) as anna, connected(site, make.token()) as boris:
            await say(anna, type="send", client_id="one", text="private")
            await frame(anna, "message")
            await say(boris, type="ping")
            return [json.loads(await boris.recv())["type"]]

    assert asyncio.run(talk()) == ["pong"]


def test_connections_that_break_again_and_again_leave_no_gap_and_no_repeat(site):
    token, count = make.token(), 60

    async def writer() -> None:
        async with httpx2.AsyncClient(headers={"chat-token": token}, timeout=20) as client:
            await client.post(f"{site.url}/api/v1/conversation/handoff")
            for number in range(count):
                await client.post(site.url + MESSAGES, json={"text": str(number)})

    async def reader() -> list[int]:
        seqs: list[int] = []
        while len(seqs) < count + 1:
            async with connected(site, token, seqs[-1] if seqs else 0) as ws:
                for _ in range(7):
                    if len(seqs) < count + 1:
                        seqs.append((await frame(ws, "message"))["seq"])
                ws.transport.abort()
        return seqs

    async def both() -> list[int]:
        _, seqs = await asyncio.gather(writer(), reader())
        return seqs

    assert asyncio.run(both()) == list(range(1, count + 2))


def test_a_message_in_pieces_is_one_message(wire):
    whole = json.dumps({"type": "send", "client_id": "one", "text": "привет"}, ensure_ascii=False).encode()
    pieces = [whole[place : place + 1] for place in range(len(whole))]

    for place, piece in enumerate(pieces):
        wire.send(TEXT if place == 0 else 0, piece, final=place == len(pieces) - 1)
        if place == 5:
            wire.send(PING, b"between")
    sent = next(
        json.loads(payload) for opcode, payload in wire.frames() if opcode == TEXT and b'"sent"' in payload
    )

    assert sent["seq"] == 1


@pytest.mark.parametrize(
    ("opcode", "payload", "code"),
    [
        (3, b"reserved", 1002),
        (11, b"reserved", 1002),
        (TEXT, b"\xff\xfe", 1007),
        (BINARY, b"", 1003),
        (BINARY, b"\0" * 1000, 1003),
        (PING, b"x" * 126, 1002),
        (0, b"the rest of nothing", 1002),
    ],
)
def test_what_is_no_frame_of_ours_ends_the_line(wire, opcode, payload, code):
    wire.send(opcode, payload)

    assert wire.close_code() == code


def test_pieces_without_end_are_cut(wire):
    wire.send(TEXT, b"x" * 60_000, final=False)
    with contextlib.suppress(OSError):
        for _ in range(20):
            wire.send(0, b"x" * 60_000, final=False)

    assert wire.close_code() == 1009


def test_a_flood_of_pings_harms_nobody_else(site, wire):
    token = make.token()

    async def talk() -> float:
        async with connected(site, token) as ws:
            began = time.perf_counter()
            await say(ws, type="send", client_id="one", text="hello")
            await frame(ws, "sent")
            return time.perf_counter() - began

    for _ in range(2_000):
        wire.send(PING, b"x" * 100)

    assert asyncio.run(talk()) < 2


def test_who_leaves_in_the_middle_of_a_frame_is_forgotten(site, wire):
    wire.socket.sendall(b"\x81\xfe\xff\xff")
    wire.socket.close()

    assert httpx2.get(f"{site.url}/health/").status_code == 200


@pytest.mark.parametrize("path", ["/ws/nothing", "/gpt", MESSAGES, "/admin/", "/"])
def test_there_is_no_socket_anywhere_else(site, path):
    async def connect() -> int:
        try:
            async with websockets.connect(f"ws://127.0.0.1:{site.port}{path}"):
                return 101
        except websockets.InvalidStatus as refusal:
            return refusal.response.status_code

    assert asyncio.run(connect()) in (403, 404)


def test_nothing_that_was_said_here_broke_anything(site):
    """The last of this file: what the server wrote about all of the above."""
    log = site.log.read_text(errors="replace")

    assert "Traceback" not in log
    assert "ERROR" not in log
