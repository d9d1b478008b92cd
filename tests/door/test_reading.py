"""Reading by cursor, waiting, following: nothing is skipped, nothing comes twice."""

import asyncio
import base64
import json
import secrets
import socket
import time
from typing import Any

import httpx2
import make
import pytest
import running
import websockets
from websockets.asyncio.client import ClientConnection

pytestmark = pytest.mark.xdist_group("site")

MESSAGES = "/api/v1/conversation/messages"


def write(site: running.Server, token: str, text: str, **fields: Any) -> httpx2.Response:
    return httpx2.post(site.url + MESSAGES, json={"text": text, **fields}, headers={"chat-token": token})


def read(site: running.Server, token: str, query: str = "") -> list[dict[str, Any]]:
    response = httpx2.get(site.url + MESSAGES + query, headers={"chat-token": token}, timeout=30)
    messages: list[dict[str, Any]] = response.json()["messages"]
    return messages


async def connect(site: running.Server, token: str, after: int = 0) -> ClientConnection:
    ws = await websockets.connect(f"ws://127.0.0.1:{site.port}/ws/visitor")
    await ws.send(json.dumps({"type": "hello", "token": token, "after": after}))
    ready = json.loads(await ws.recv())
    assert ready["type"] == "ready"
    return ws


async def frame(ws: ClientConnection, kind: str) -> dict[str, Any]:
    """The next frame of this kind; others are passed over."""
    async with asyncio.timeout(10):
        while True:
            found: dict[str, Any] = json.loads(await ws.recv())
            if found["type"] == kind:
                return found


def test_reading_consumes_nothing(site):
    token = make.token()
    write(site, token, "one")
    time.sleep(0.3)

    assert read(site, token) == read(site, token)


def test_two_devices_both_get_everything(site):
    token = make.token()
    write(site, token, "hello")

    first = read(site, token, "?after=1&wait=10")
    second = read(site, token, "?after=1&wait=10")

    assert first == second != []


def test_a_held_call_ends_as_soon_as_there_is_news(site):
    token = make.token()
    write(site, token, "позовите оператора")
    last = read(site, token, "?after=1&wait=10")[-1]["seq"]

    async def held() -> float:
        async with httpx2.AsyncClient(headers={"chat-token": token}, timeout=30) as client:
            waiting = asyncio.create_task(client.get(f"{site.url}{MESSAGES}?after={last}&wait=20"))
            await asyncio.sleep(0.5)
            began = time.perf_counter()
            await client.post(site.url + MESSAGES, json={"text": "news"})
            response = await waiting
            assert [message["text"] for message in response.json()["messages"]] == ["news"]
            return time.perf_counter() - began

    assert asyncio.run(held()) < 0.5


def test_a_held_call_ends_empty_when_nothing_comes(site):
    began = time.perf_counter()

    assert read(site, make.token(), "?wait=1") == []
    assert 0.9 < time.perf_counter() - began < 3


def test_a_second_tab_hears_the_first_message_of_the_first_one(site):
    token = make.token()

    async def tabs() -> list[dict[str, Any]]:
        async with httpx2.AsyncClient(headers={"chat-token": token}, timeout=30) as client:
            waiting = asyncio.create_task(client.get(f"{site.url}{MESSAGES}?wait=20"))
            await asyncio.sleep(0.3)
            await client.post(site.url + MESSAGES, json={"text": "first"})
            async with asyncio.timeout(1):
                found: list[dict[str, Any]] = (await waiting).json()["messages"]
                return found

    assert [message["text"] for message in asyncio.run(tabs())] == ["first"]


def test_a_long_history_comes_in_pages(site):
    token = make.token()

    async def fill() -> None:
        async with httpx2.AsyncClient(headers={"chat-token": token}) as client:
            await client.post(f"{site.url}/api/v1/conversation/handoff")
            for _ in range(13):
                await asyncio.gather(*(client.post(site.url + MESSAGES, json={"text": "x"}) for _ in range(10)))

    asyncio.run(fill())
    first = read(site, token)
    second = read(site, token, f"?after={first[-1]['seq']}")

    assert [message["seq"] for message in first + second] == list(range(1, 132))
    assert len(first) == 100


def test_the_same_id_gives_the_same_message_and_another_text_is_refused(site):
    token = make.token()

    first = write(site, token, "hello", client_id="one")
    again = write(site, token, "hello", client_id="one")
    other = write(site, token, "bye", client_id="one")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_the_header_does_what_the_field_does(site):
    headers = {"chat-token": make.token(), "Idempotency-Key": "one"}

    first = httpx2.post(site.url + MESSAGES, json={"text": "hello"}, headers=headers)
    again = httpx2.post(f"{site.url}/gpt", json={"message": "hello"}, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert [m["text"] for m in read(site, headers["chat-token"]) if m["author"] == "contact"] == ["hello"]


def test_asking_for_a_person_is_told_once(site):
    headers = {"chat-token": make.token()}

    answers = [httpx2.post(f"{site.url}/api/v1/conversation/handoff", headers=headers).json() for _ in range(2)]

    assert answers == [{"owner": "queue", "status": "open"}] * 2
    assert [message["author"] for message in read(site, headers["chat-token"])] == ["system"]
    state = httpx2.get(f"{site.url}/api/v1/conversation", headers=headers).json()
    place = state.pop("queue_place", 1)  # there as soon as the queue has been looked at
    assert state == {"status": "open", "owner": "queue", "last_seq": 1, "read_seq": 0}
    assert place >= 1


def test_server_sent_events_resume_after_the_last_one(site):
    token = make.token()
    write(site, token, "hello")
    read(site, token, "?after=1&wait=10")
    headers = {"chat-token": token, "Last-Event-ID": "1"}

    with httpx2.stream("GET", f"{site.url}/api/v1/conversation/stream", headers=headers, timeout=10) as stream:
        lines = stream.iter_lines()
        received = [next(lines) for _ in range(5)]

    assert stream.headers["content-type"].startswith("text/event-stream")
    assert received[:4] == ["retry: 2000", "", "id: 2", "event: message"]
    assert json.loads(received[4].removeprefix("data: "))["author"] == "bot"


def test_a_socket_writes_and_receives(site):
    async def talk() -> None:
        ws = await connect(site, make.token())
        await ws.send(json.dumps({"type": "send", "client_id": "one", "text": "Сколько стоит доставка?"}))
        sent = await frame(ws, "sent")
        answer = await frame(ws, "message")
        while answer["author"] != "bot":
            answer = await frame(ws, "message")
        await ws.close()
        assert (sent["client_id"], sent["seq"]) == ("one", 1)
        assert answer["seq"] == 2

    asyncio.run(talk())


def test_a_socket_resumes_after_what_it_has(site):
    token = make.token()
    write(site, token, "hello")
    read(site, token, "?after=1&wait=10")

    async def resume(after: int) -> list[int]:
        ws = await connect(site, token, after)
        write(site, token, "hello again")
        seqs = [(await frame(ws, "message"))["seq"]]
        while seqs[-1] < 4:
            seqs.append((await frame(ws, "message"))["seq"])
        await ws.close()
        return seqs

    assert asyncio.run(resume(1)) == [2, 3, 4]


def test_sockets_of_one_token_hear_each_other(site):
    token = make.token()

    async def both() -> None:
        here, there = await connect(site, token), await connect(site, token)
        await here.send(json.dumps({"type": "send", "client_id": "one", "text": "привет"}))
        assert (await frame(there, "message"))["text"] == "привет"
        await frame(there, "message")
        await there.send(json.dumps({"type": "read", "seq": 2}))
        assert (await frame(here, "read"))["seq"] == 2
        await here.send(json.dumps({"type": "handoff"}))
        while (await frame(there, "state"))["owner"] != "queue":
            pass
        await here.close()
        await there.close()

    asyncio.run(both())


def test_a_ping_is_answered(site):
    async def ping() -> None:
        ws = await connect(site, make.token())
        await ws.send('{"type": "ping"}')
        await frame(ws, "pong")
        await ws.close()

    asyncio.run(ping())


@pytest.mark.parametrize(
    "sent",
    ["not json", "{}", "[]", '{"type": "chat_message"}', '{"type": "send"}', '{"type": "send", "text": NaN}', ""],
)
def test_a_faulty_frame_gets_an_error_and_the_line_stays(site, sent):
    async def talk() -> None:
        ws = await connect(site, make.token())
        await ws.send(sent)
        assert (await frame(ws, "error"))["code"] == "invalid"
        await ws.send('{"type": "ping"}')
        await frame(ws, "pong")
        await ws.close()

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("sent", "code"),
    [(b"binary", 1003), ("x" * 1_000_000, 1009), ('{"type": "hello", "token": "short"}', 4401)],
)
def test_what_cannot_be_spoken_with_is_hung_up_on(site, sent, code):
    async def talk() -> int:
        ws = await websockets.connect(f"ws://127.0.0.1:{site.port}/ws/visitor", max_size=None)
        if code != 4401:
            await ws.send(json.dumps({"type": "hello", "token": make.token()}))
            await ws.recv()
        await ws.send(sent)
        async with asyncio.timeout(10):
            await ws.wait_closed()
        return ws.close_code or 0

    assert asyncio.run(talk()) == code


def test_a_message_in_fragments_and_a_flood_of_pings_are_borne(site):
    async def talk() -> str:
        ws = await connect(site, make.token())
        await asyncio.gather(*[await ws.ping() for _ in range(500)])
        await ws.send(['{"type": "send", "cli', 'ent_id": "one", "te', 'xt": "привет"}'])
        text: str = (await frame(ws, "message"))["text"]
        await ws.close()
        return text

    assert asyncio.run(talk()) == "привет"


def test_a_frame_of_a_kind_that_is_reserved_ends_the_line(site):
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    request = (
        f"GET /ws/visitor HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as line:
        line.sendall(request.encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 101")
        line.sendall(b"\x83\x80\0\0\0\0")  # opcode 3 (RFC 6455 §5.2: reserved), masked, empty
        answer = line.recv(4096)

    assert answer[0] == 0x88
    assert int.from_bytes(answer[2:4]) == 1002


def test_too_many_faults_end_a_line_and_nobody_elses(site):
    token = make.token()

    async def talk() -> int:
        other, bad = await connect(site, token), await connect(site, token)
        for _ in range(40):
            await bad.send("nonsense")
        async with asyncio.timeout(10):
            while True:
                try:
                    await bad.recv()
                except websockets.ConnectionClosed:
                    break
        await other.send('{"type": "ping"}')
        await frame(other, "pong")
        await other.close()
        return bad.close_code or 0

    assert asyncio.run(talk()) == 4400


def test_no_secret_stands_in_the_log(site):
    token = "a-very-secret-token-of-a-visitor"
    write(site, token, "hello")
    read(site, token, "?after=0")
    httpx2.get(f"{site.url}{MESSAGES}?chat-token={token}&uuid=secret-ticket", headers={"chat-token": token})
    asyncio.run(connect_and_leave(site, token))

    log = site.log.read_text(errors="replace")

    assert "GET /api/v1/conversation/messages 200" in log
    assert "secret" not in log
    assert running.PASSWORD not in log


async def connect_and_leave(site: running.Server, token: str) -> None:
    await (await connect(site, token)).close()
