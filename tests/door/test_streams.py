"""Server-sent events: resume after the last one, then live, for as long as somebody listens."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import make
import pytest
import running

pytestmark = pytest.mark.xdist_group("site")

MESSAGES = "/api/v1/conversation/messages"
STREAM = "/api/v1/conversation/stream"


async def events(response: httpx2.Response) -> AsyncIterator[dict[str, str]]:
    """Each event with its fields, as the HTML standard reads them; comments are passed over."""
    waiting = ""
    async for text in response.aiter_text():
        *blocks, waiting = (waiting + text).split("\n\n")
        for block in blocks:
            yield dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))


async def listen(site: running.Server, token: str, count: int, **options: Any) -> list[dict[str, str]]:
    """The first so many messages of a stream."""
    headers = {"chat-token": token} | options.pop("headers", {})
    found: list[dict[str, str]] = []
    async with (
        asyncio.timeout(15),
        httpx2.AsyncClient(headers=headers, timeout=20) as client,
        client.stream("GET", site.url + STREAM, **options) as stream,
    ):
        async for event in events(stream):
            if event.get("event") == "message":
                found.append(event)
            if len(found) == count:
                return found
    raise AssertionError("the stream ended")


@pytest.fixture
def token(site: running.Server) -> str:
    """A visitor who waits for a person and has said five things."""
    token = make.token()
    with httpx2.Client(headers={"chat-token": token}) as client:
        client.post(f"{site.url}/api/v1/conversation/handoff")
        for number in range(5):
            client.post(site.url + MESSAGES, json={"text": f"m{number}"})
    return token


def test_a_stream_begins_with_all_there_is_and_each_event_has_its_seq(site, token):
    found = asyncio.run(listen(site, token, 6))

    assert [event["id"] for event in found] == ["1", "2", "3", "4", "5", "6"]
    assert [json.loads(event["data"])["seq"] for event in found] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "options",
    [{"headers": {"Last-Event-ID": "4"}}, {"params": {"after": "4"}}, {"params": {"after": "4", "x": "y"}}],
)
def test_a_stream_resumes_after_what_the_client_has(site, token, options):
    found = asyncio.run(listen(site, token, 2, **options))

    assert [event["id"] for event in found] == ["5", "6"]


def test_the_header_of_a_browser_that_reconnects_counts_more_than_its_address(site, token):
    found = asyncio.run(listen(site, token, 1, headers={"Last-Event-ID": "5"}, params={"after": "0"}))

    assert [event["id"] for event in found] == ["6"]


@pytest.mark.parametrize("last", ["abc", "-1", "1e9", "9" * 5_000, "٣"])
def test_a_last_event_that_is_none_of_ours_is_refused(site, token, last):
    headers = {b"chat-token": token.encode(), b"last-event-id": last.encode()}

    response = httpx2.get(site.url + STREAM, headers=headers)

    assert (response.status_code, response.json()["code"]) == (400, "invalid")


def test_a_text_with_line_ends_is_one_event(site):
    token, text = make.token(), "one\ntwo\r\nthree\rdata: four\n\nevent: state\u2028end"
    httpx2.post(site.url + MESSAGES, json={"text": text}, headers={"chat-token": token})

    [found] = asyncio.run(listen(site, token, 1))

    assert json.loads(found["data"])["text"] == text


def test_a_stream_that_began_before_the_conversation_hears_its_first_word(site):
    token = make.token()

    async def both() -> list[dict[str, str]]:
        listening = asyncio.create_task(listen(site, token, 1))
        await asyncio.sleep(0.3)
        async with httpx2.AsyncClient(headers={"chat-token": token}) as client:
            await client.post(site.url + MESSAGES, json={"text": "first"})
        return await listening

    assert json.loads(asyncio.run(both())[0]["data"])["text"] == "first"


def test_streams_that_break_again_and_again_leave_no_gap_and_no_repeat(site, token):
    async def reader() -> list[int]:
        seqs = [0]
        while seqs[-1] < 46:
            found = await listen(site, token, min(3, 46 - seqs[-1]), headers={"Last-Event-ID": str(seqs[-1])})
            seqs += [int(event["id"]) for event in found]
        return seqs[1:]

    async def writer() -> None:
        async with httpx2.AsyncClient(headers={"chat-token": token}) as client:
            for number in range(40):
                await client.post(site.url + MESSAGES, json={"text": f"live {number}"})

    async def both() -> list[int]:
        _, seqs = await asyncio.gather(writer(), reader())
        return seqs

    assert asyncio.run(both()) == list(range(1, 47))


def test_a_head_ends_and_the_connection_can_be_used_again(site, token):
    with socket.create_connection(("127.0.0.1", site.port), timeout=5) as connection:
        for method, path in (("HEAD", STREAM), ("HEAD", "/health/")):
            request = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nchat-token: {token}\r\n\r\n"
            connection.sendall(request.encode())
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("path", ["/message", MESSAGES])
def test_a_held_call_is_woken_at_once(site, path):
    """Ten times: half of them within a tenth of a second."""
    token = make.token()
    httpx2.post(f"{site.url}/gpt", json={"message": "Привет!"}, headers={"chat-token": token})

    async def delays() -> list[float]:
        took = []
        loop = asyncio.get_running_loop()
        async with httpx2.AsyncClient(headers={"chat-token": token}, timeout=30) as client:
            after = 2
            await client.get(f"{site.url}{MESSAGES}?after=1&wait=10")
            for number in range(10):
                held = asyncio.create_task(client.get(f"{site.url}{path}?after={after}&wait=20"))
                await asyncio.sleep(0.1)
                began = loop.time()
                await client.post(f"{site.url}/gpt", json={"message": f"Привет {number}"})
                await held
                took.append(loop.time() - began)
                log = await client.get(f"{site.url}{MESSAGES}?after={after + 1}&wait=10")
                after = log.json()["messages"][-1]["seq"]
        return sorted(took)

    assert asyncio.run(delays())[5] < 0.5  # a sweep would take a second
