"""Many at once: the same token from many sides, two processes on one database, cut connections."""

import asyncio
import contextlib
import json
import os
import random
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import make
import pytest
import running
import services
import websockets
from console import Colleague, operator

MESSAGES = "/api/v1/conversation/messages"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[running.Server, running.Server]]:
    """Two web processes on one database, whose signals travel by Redis."""
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("two processes are for a database of their own: PostgreSQL")
    redis = services.url("Redis")
    folder: Path = tmp_path_factory.mktemp("pair")
    with running.server(folder / "a", REDIS_URL=redis) as first:
        url = first.environment["DATABASE_URL"]
        second = running.Server(folder / "a", running.free_port(), {**first.environment, "DATABASE_URL": url})
        try:
            second.start()
            yield first, second
        finally:
            second.stop()


@pytest.mark.xdist_group("limited")
def test_fifty_first_messages_at_once_are_all_taken_and_make_one_conversation(limited_site):
    token = make.token()

    async def burst() -> list[httpx2.Response]:
        async with httpx2.AsyncClient(headers={"chat-token": token}, timeout=30) as client:
            posts = (client.post(limited_site.url + MESSAGES, json={"text": f"hello {n}"}) for n in range(50))
            return list(await asyncio.gather(*posts))

    responses = asyncio.run(burst())
    log = httpx2.get(limited_site.url + MESSAGES, headers={"chat-token": token}).json()["messages"]

    assert {response.status_code for response in responses} == {201}
    assert len([message for message in log if message["author"] == "contact"]) == 50
    assert [message["seq"] for message in log] == list(range(1, len(log) + 1))


@pytest.mark.xdist_group("site")
def test_ten_senders_and_all_readers_agree_on_one_order(site):
    token = make.token()

    async def sender(client: httpx2.AsyncClient, name: int) -> None:
        for number in range(20):
            await client.post(
                site.url + MESSAGES, json={"text": f"{name} {number}", "client_id": f"{name}-{number}"}
            )

    async def socket_reader() -> list[tuple[int, str]]:
        ws = await websockets.connect(f"ws://127.0.0.1:{site.port}/ws/visitor")
        await ws.send(json.dumps({"type": "hello", "token": token}))
        seen: list[tuple[int, str]] = []
        while len([1 for _, text in seen if text[0].isdigit()]) < 200:
            frame = json.loads(await asyncio.wait_for(ws.recv(), 20))
            if frame["type"] == "message":
                seen.append((frame["seq"], frame["text"]))
        await ws.close()
        return seen

    async def everybody() -> list[tuple[int, str]]:
        async with httpx2.AsyncClient(headers={"chat-token": token}, timeout=30) as client:
            await client.post(f"{site.url}/api/v1/conversation/handoff")
            reader = asyncio.create_task(socket_reader())
            await asyncio.gather(*(sender(client, name) for name in range(10)))
            return await reader

    by_socket = asyncio.run(everybody())
    by_pages: list[tuple[int, str]] = []
    while page := httpx2.get(
        f"{site.url}{MESSAGES}?after={by_pages[-1][0] if by_pages else 0}", headers={"chat-token": token}
    ).json()["messages"]:
        by_pages += [(message["seq"], message["text"]) for message in page]

    assert by_socket == by_pages
    assert [seq for seq, _ in by_pages] == list(range(1, 202))
    for name in range(10):
        numbers = [int(text.split()[1]) for _, text in by_pages if text.startswith(f"{name} ")]
        assert numbers == list(range(20))


def test_one_id_sent_at_once_to_two_processes_is_one_message(pair):
    token = make.token()

    async def by_http(client: httpx2.AsyncClient, site: running.Server) -> int:
        body = {"text": "hello", "client_id": "the-one"}
        seq: int = (await client.post(site.url + MESSAGES, json=body)).json()["seq"]
        return seq

    async def by_socket(site: running.Server) -> int:
        ws = await websockets.connect(f"ws://127.0.0.1:{site.port}/ws/visitor")
        await ws.send(json.dumps({"type": "hello", "token": token}))
        await ws.send(json.dumps({"type": "send", "client_id": "the-one", "text": "hello"}))
        while True:
            frame = json.loads(await asyncio.wait_for(ws.recv(), 10))
            if frame["type"] == "sent":
                await ws.close()
                seq: int = frame["seq"]
                return seq

    async def everybody() -> list[int]:
        async with httpx2.AsyncClient(headers={"chat-token": token}, timeout=30) as client:
            http = [by_http(client, pair[number % 2]) for number in range(10)]
            return list(await asyncio.gather(*http, *(by_socket(pair[number % 2]) for number in range(10))))

    seqs = asyncio.run(everybody())

    log = httpx2.get(pair[0].url + MESSAGES + "?after=1&wait=10", headers={"chat-token": token}).json()["messages"]
    assert set(seqs) == {1}
    assert [message["author"] for message in log] == ["bot"]


def test_who_is_connected_to_one_process_hears_what_the_other_stored(pair):
    token = make.token()

    async def across() -> float:
        async with httpx2.AsyncClient(headers={"chat-token": token}, timeout=30) as client:
            await client.post(pair[0].url + MESSAGES, json={"text": "позовите оператора"})
            await client.get(f"{pair[0].url}{MESSAGES}?after=1&wait=10")
            waiting = asyncio.create_task(client.get(f"{pair[1].url}{MESSAGES}?after=2&wait=20"))
            await asyncio.sleep(0.3)
            began = asyncio.get_running_loop().time()
            await client.post(pair[0].url + MESSAGES, json={"text": "news"})
            await waiting
            return asyncio.get_running_loop().time() - began

    assert asyncio.run(across()) < 0.8


class Cutter:
    """A proxy in front of the server that cuts answers at random, in the middle or before their first byte."""

    def __init__(self, site: running.Server, seed: int) -> None:
        self.site, self.dice, self.cuts = site, random.Random(seed), 0
        self._serving: list[asyncio.Future[None]] = []

    @contextlib.asynccontextmanager
    async def url(self) -> AsyncIterator[str]:
        """Where it listens; the client leaves before this ends."""
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            await asyncio.gather(*self._serving)

    async def _serve(self, client_says: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        served: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._serving.append(served)
        site_says, to_site = await asyncio.open_connection("127.0.0.1", self.site.port)
        await asyncio.gather(self._ask(client_says, to_site), self._answer(site_says, to_client, to_site))
        for end in (to_client, to_site):
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()
        served.set_result(None)

    async def _ask(self, client_says: asyncio.StreamReader, to_site: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await client_says.read(65536):
                to_site.write(data)
        to_site.close()

    async def _answer(
        self, site_says: asyncio.StreamReader, to_client: asyncio.StreamWriter, to_site: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await site_says.read(65536):
                if self.dice.random() < 0.3:
                    self.cuts += 1
                    data = data[: self.dice.randrange(len(data))]
                    to_site.close()
                to_client.write(data)
        to_client.close()


async def insist(client: httpx2.AsyncClient, method: str, url: str, **options: object) -> Any:
    """The JSON of the first answer that comes through whole."""
    for _ in range(50):
        with contextlib.suppress(httpx2.HTTPError, json.JSONDecodeError):
            return (await client.request(method, url, **options)).json()
    raise AssertionError("fifty cuts in a row")


@pytest.mark.xdist_group("site")
def test_cut_responses_lose_nothing_and_double_nothing(site):
    """The client sends again under the same id and reads by cursor: its ledger and the log are equal."""
    token, cutter, rounds = make.token(), Cutter(site, seed=7), 300

    async def run() -> tuple[list[int], list[str]]:
        seqs, read, after = [], [], 0
        async with cutter.url() as url, httpx2.AsyncClient(headers={"chat-token": token}, timeout=10) as client:
            await insist(client, "POST", f"{url}/api/v1/conversation/handoff")
            for number in range(rounds):
                body = {"text": f"m{number}", "client_id": f"id-{number}"}
                seqs.append((await insist(client, "POST", url + MESSAGES, json=body))["seq"])
                page = (await insist(client, "GET", f"{url}{MESSAGES}?after={after}"))["messages"]
                read += [message["text"] for message in page if message["author"] == "contact"]
                after = page[-1]["seq"] if page else after
        return seqs, read

    seqs, read = asyncio.run(run())

    assert cutter.cuts > 50
    assert read == [f"m{number}" for number in range(rounds)]
    assert seqs == list(range(2, rounds + 2))


@pytest.mark.xdist_group("site")
def test_the_old_page_with_a_cursor_reads_every_answer_through_cuts(site):
    token, cutter = make.token(), Cutter(site, seed=11)

    async def run() -> list[int]:
        read: list[int] = []
        async with cutter.url() as url, httpx2.AsyncClient(headers={"chat-token": token}, timeout=30) as client:
            for number in range(60):
                headers = {"Idempotency-Key": f"id-{number}"}
                await insist(client, "POST", f"{url}/gpt", json={"message": f"Привет {number}"}, headers=headers)
                after = read[-1] if read else 0
                page = await insist(client, "GET", f"{url}/message?after={after}&wait=5")
                read += [message["seq"] for message in page["messages"]]
        return read

    read = asyncio.run(run())
    with httpx2.Client(headers={"chat-token": token}) as client:
        log = client.get(f"{site.url}{MESSAGES}").json()["messages"]
        log += client.get(f"{site.url}{MESSAGES}?after=100").json()["messages"]

    assert [m["client_id"] for m in log if m["author"] == "contact"] == [f"id-{number}" for number in range(60)]
    shown = [message["seq"] for message in log if message["author"] != "contact"]
    assert read == shown[: len(read)]
    assert len(shown) - len(read) <= 1


@pytest.mark.xdist_group("site")
def test_the_old_page_without_a_cursor_loses_nothing_when_it_leaves_while_it_is_held(site):
    token = make.token()

    async def run() -> list[dict[str, str]]:
        async with httpx2.AsyncClient(headers={"chat-token": token}, timeout=30) as client:
            for _ in range(5):
                _, leaving = await asyncio.open_connection("127.0.0.1", site.port)
                head = f"GET /message?wait=20 HTTP/1.1\r\nHost: x\r\nchat-token: {token}\r\n\r\n"
                leaving.write(head.encode())
                await asyncio.sleep(0.1)
                leaving.transport.abort()
                with contextlib.suppress(OSError):
                    await leaving.wait_closed()
            await asyncio.sleep(0.1)
            await client.post(f"{site.url}/gpt", json={"message": "Сколько стоит доставка?"})
            response = await client.get(f"{site.url}/message?wait=10")
            found: list[dict[str, str]] = response.json()["messages"]
            return found

    assert [message["user"] for message in asyncio.run(run())] == ["GPT"]


@pytest.mark.xdist_group("site")
def test_ten_senders_by_http_and_by_socket_agree_with_all_readers(site):
    """E03 once more, both ways of sending mixed, and read by cursor, by stream and by the old page."""
    token = make.token()

    async def by_http(client: httpx2.AsyncClient, name: int) -> None:
        for number in range(20):
            await client.post(site.url + MESSAGES, json={"text": f"{name} {number}"})

    async def by_socket(name: int) -> None:
        async with websockets.connect(f"ws://127.0.0.1:{site.port}/ws/visitor") as ws:
            await ws.send(json.dumps({"type": "hello", "token": token}))
            for number in range(20):
                frame = {"type": "send", "client_id": f"{name}-{number}", "text": f"{name} {number}"}
                await ws.send(json.dumps(frame))
                while json.loads(await ws.recv())["type"] != "sent":
                    pass

    async def by_stream(client: httpx2.AsyncClient) -> list[tuple[int, str]]:
        seen: list[tuple[int, str]] = []
        async with client.stream("GET", f"{site.url}/api/v1/conversation/stream") as stream:
            async for line in stream.aiter_lines():
                if line.startswith('data: {"seq"'):
                    message = json.loads(line.removeprefix("data: "))
                    seen.append((message["seq"], message["text"]))
                if len(seen) == 201:
                    return seen
        raise AssertionError("the stream ended")

    async def everybody() -> list[tuple[int, str]]:
        async with httpx2.AsyncClient(headers={"chat-token": token}, timeout=30) as client:
            await client.post(f"{site.url}/api/v1/conversation/handoff")
            reader = asyncio.create_task(by_stream(client))
            await asyncio.gather(*(by_http(client, n) for n in range(5)), *(by_socket(n) for n in range(5, 10)))
            async with asyncio.timeout(20):
                return await reader

    streamed = asyncio.run(everybody())
    pages: list[tuple[int, str]] = []
    while page := httpx2.get(f"{site.url}{MESSAGES}?after={len(pages)}", headers={"chat-token": token}).json()[
        "messages"
    ]:
        pages += [(message["seq"], message["text"]) for message in page]

    assert streamed == pages
    assert [seq for seq, _ in pages] == list(range(1, 202))
    for name in range(10):
        assert [t for _, t in pages if t.startswith(f"{name} ")] == [f"{name} {number}" for number in range(20)]


def test_colleagues_at_two_processes_see_each_other_look_write_and_leave(pair):
    name = f"anna-{uuid.uuid4().hex[:6]}"
    anna = operator(pair[0], name)
    there = Colleague(pair[1], name, anna.user_id)
    boris = operator(pair[0], f"boris-{uuid.uuid4().hex[:6]}")
    said = httpx2.post(
        f"{pair[0].url}/gpt", json={"message": "позовите оператора"}, headers={"chat-token": make.token()}
    )
    assert said.status_code == 201
    [(conversation,)] = pair[0].select("SELECT max(id) FROM conversations_conversation")

    with there.sit_down() as first, boris.sit_down() as second:
        first.asks("open", conversation=conversation)
        second.asks("open", conversation=conversation)
        while len(first.hears("presence")["people"]) < 2:
            pass
        second.tells(type="typing", conversation=conversation)
        while not (writing := [one["id"] for one in first.hears("presence")["people"] if one["typing"]]):
            pass
        second.asks("leave", conversation=conversation)
        while len(alone := first.hears("presence")["people"]) > 1:
            pass

    assert writing == [boris.user_id]
    assert [one["id"] for one in alone] == [anna.user_id]


def test_two_processes_let_no_more_through_than_one(tmp_path):
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("two processes are for a database of their own: PostgreSQL")
    redis = services.url("Redis")
    headers = {"chat-token": make.token()}
    with running.server(tmp_path / "a", REDIS_URL=redis, BESEDKA_RATE_LIMITS="on") as first:
        second = running.Server(tmp_path / "a", running.free_port(), first.environment)
        try:
            second.start()
            here = [httpx2.post(first.url + MESSAGES, json={"text": "hello"}, headers=headers) for _ in range(60)]
            until = time.monotonic() + 20
            there, refused = 0, False
            while not refused and time.monotonic() < until:
                status = httpx2.post(second.url + MESSAGES, json={"text": "hello"}, headers=headers).status_code
                refused = status == 429
                there += not refused
        finally:
            second.stop()

    assert {response.status_code for response in here} == {201}
    assert refused
    assert there < 55  # alone it would have let sixty through, and one more a second
