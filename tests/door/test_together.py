"""Many at once: the same token from many sides, two processes on one database, cut connections."""

import asyncio
import contextlib
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import httpx2
import make
import pytest
import running
import websockets

MESSAGES = "/api/v1/conversation/messages"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[running.Server, running.Server]]:
    """Two web processes on one database, whose signals travel by Redis."""
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("two processes are for a database of their own: PostgreSQL")
    redis = os.environ.get("BESEDKA_TEST_REDIS", "redis://127.0.0.1:6379/15")
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


@pytest.mark.xdist_group("site")
def test_cut_responses_lose_nothing_and_double_nothing(site):
    """A proxy that cuts answers at random: the client sends again under the same id and reads by cursor."""
    token, dice = make.token(), random.Random(7)

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", site.port)

        async def forward() -> None:
            while data := await reader.read(65536):
                upstream.write(data)

        forwarding = asyncio.create_task(forward())
        try:
            while data := await upstream_reader.read(65536):
                if dice.random() < 0.3:
                    writer.write(data[: dice.randrange(len(data))])
                    break
                writer.write(data)
        finally:
            forwarding.cancel()
            for end in (writer, upstream):
                end.close()
                with contextlib.suppress(ConnectionError):
                    await end.wait_closed()

    async def insist(client: httpx2.AsyncClient, method: str, url: str, **options: object) -> httpx2.Response:
        for _ in range(50):
            try:
                response = await client.request(method, url, **options)
                response.json()
            except (httpx2.HTTPError, json.JSONDecodeError):
                continue
            return response
        raise AssertionError("fifty cuts in a row")

    async def run() -> tuple[list[int], list[str]]:
        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        seqs, read, after = [], [], 0
        async with httpx2.AsyncClient(headers={"chat-token": token}, timeout=10) as client:
            await insist(client, "POST", f"{url}/api/v1/conversation/handoff")
            for number in range(150):
                body = {"text": f"m{number}", "client_id": f"id-{number}"}
                seqs.append((await insist(client, "POST", url + MESSAGES, json=body)).json()["seq"])
                page = (await insist(client, "GET", f"{url}{MESSAGES}?after={after}")).json()["messages"]
                read += [message["text"] for message in page if message["author"] == "contact"]
                after = page[-1]["seq"] if page else after
        server.close()
        await asyncio.sleep(0.2)  # the proxy's ends close
        return seqs, read

    seqs, read = asyncio.run(run())

    assert read == [f"m{number}" for number in range(150)]
    assert seqs == list(range(2, 152))


@pytest.mark.xdist_group("site")
def test_what_was_handed_to_a_client_that_hung_up_is_handed_out_again(site):
    token = make.token()
    headers = {"chat-token": token}

    async def run() -> list[dict[str, str]]:
        async with httpx2.AsyncClient(headers=headers, timeout=30) as client:
            await client.post(f"{site.url}/api/v1/conversation/handoff")
            await client.get(f"{site.url}/api/v1/message")
            _, gone = await asyncio.open_connection("127.0.0.1", site.port)
            gone.write(f"GET /api/v1/message?wait=20 HTTP/1.1\r\nHost: x\r\nchat-token: {token}\r\n\r\n".encode())
            await asyncio.sleep(0.3)
            gone.transport.abort()
            with contextlib.suppress(ConnectionError):
                await gone.wait_closed()
            await asyncio.sleep(0.3)
            await client.post(f"{site.url}/api/v1/conversation/messages", json={"text": "hello"})
            response = await client.get(f"{site.url}/api/v1/message?after=0")
            found: list[dict[str, str]] = response.json()["messages"]
            return found

    assert [message["user"] for message in asyncio.run(run())] == ["OPERATOR"]
