"""The internal HTTP interface: a secret, two addresses, no content; and who calls it."""

import asyncio
import contextlib
import itertools
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest
import running

from besedka.conversations import signals
from besedka.conversations.batcher import Batcher
from besedka.project import loops
from besedka.telegram import calling, checks, internal, updates

SECRET = "a-secret-of-our-own"
BEARER = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
def address(settings):
    """Where the interface listens."""
    settings.BOT_SECRET, settings.BOT_HOST, settings.BOT_PORT = SECRET, "127.0.0.1", running.free_port()
    return f"http://127.0.0.1:{settings.BOT_PORT}"


@contextlib.contextmanager
def listening(*, heard=None):
    """The interface listens in a thread beside the test; whoever is woken by it stands in `heard`."""
    loop, over, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def hear(woken):
        while True:
            for kind in await woken.wait(60):
                heard.append(kind)

    async def run():
        reader = Batcher("reader", writes=False)
        reader.start()
        signals.attach(asyncio.get_running_loop())
        with signals.listen_to_all(("telegram", "mirror"), frozenset({"deliver", updates.KIND})) as woken:
            tasks = [asyncio.create_task(internal.serve(reader)), asyncio.create_task(hear(woken))]
            ready.set()
            await over.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(reader.stop)
        signals.detach()

    heard = [] if heard is None else heard
    thread = threading.Thread(target=lambda: (loop.run_until_complete(run()), loop.close()))
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


@pytest.fixture
def heard(address, transactional_db):
    """What the interface has woken."""
    found = []
    with listening(heard=found):
        running.wait_for_port(int(address.rpartition(":")[2]))
        yield found


def test_with_the_secret_one_wakes_the_sender_and_sees_how_it_goes(address, heard):
    woken = httpx2.post(f"{address}/wake", headers=BEARER)
    slashed = httpx2.post(f"{address}/wake/", headers=BEARER, content=b"x" * internal.MAX_BODY)
    health = httpx2.get(f"{address}/health", headers=BEARER)

    assert (woken.status_code, woken.content, slashed.status_code) == (204, b"", 204)
    assert (health.status_code, health.json()) == (200, {"status": "ok", "telegram": "off"})
    assert set(heard) == {"deliver", updates.KIND}


def test_a_container_asks_it_whether_it_is_well(address, heard):
    asking = [sys.executable, str(Path(__file__).parents[2] / "deploy/healthy.py"), "telegram"]
    port = address.rpartition(":")[2]

    codes = [
        subprocess.run(asking, env={"BOT_PORT": port, "BOT_SECRET": secret}, timeout=30).returncode
        for secret in (SECRET, f"{SECRET}x")
    ]

    assert codes == [0, 1]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {SECRET}x"},
        {"Authorization": f"Bearer {SECRET[:-1]}"},
        {"Authorization": f"bearer {SECRET}"},
        {"Authorization": f"Basic {SECRET}"},
        {"Authorization": b"Bearer \xff\xfe"},
        {"X-Secret": SECRET},
    ],
)
def test_without_the_secret_everything_is_refused_alike_and_nobody_is_woken(address, heard, headers):
    for method, path in (("POST", "/wake"), ("GET", "/health"), ("GET", "/"), ("POST", f"/wake?secret={SECRET}")):
        answer = httpx2.request(method, address + path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "bot_secret_invalid")
        assert answer.headers["content-type"] == "application/problem+json"
        assert SECRET not in answer.text
    assert heard == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 404),
        ("POST", "/wake/x", 404),
        ("POST", "/wake%00", 404),
        ("POST", "/send", 404),
        ("GET", "/wake", 405),
        ("PUT", "/wake", 405),
        ("POST", "/health", 405),
    ],
)
def test_with_the_secret_there_is_nothing_else(address, heard, method, path, status):
    answer = httpx2.request(method, address + path, headers=BEARER)

    assert answer.status_code == status
    assert heard == []


def test_a_body_that_is_too_large_wakes_nobody_however_long_it_says_it_is(address, heard):
    def pieces():
        yield from (b"x" * 500 for _ in range(3))

    said = httpx2.post(f"{address}/wake", headers=BEARER, content=b"x" * (internal.MAX_BODY + 1))
    unsaid = httpx2.post(f"{address}/wake", headers=BEARER, content=pieces())
    port = int(address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as liar:
        liar.sendall(f"POST /wake HTTP/1.1\r\nHost: x\r\nAuthorization: {BEARER['Authorization']}\r\n".encode())
        liar.sendall(b"Content-Length: 9999999999999999\r\n\r\nxxx")
        told = liar.recv(1000)

    assert (said.status_code, unsaid.status_code, told.split()[1]) == (413, 413, b"413")
    assert heard == []


def test_a_body_that_never_comes_is_not_waited_for_without_end(address, heard, monkeypatch):
    monkeypatch.setattr(internal, "BODY_S", 0.2)
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=10) as slow:
        slow.sendall(f"POST /wake HTTP/1.1\r\nHost: x\r\nAuthorization: {BEARER['Authorization']}\r\n".encode())
        slow.sendall(b"Content-Length: 100\r\n\r\nxxx")
        told = slow.recv(1000)

    assert told.split()[1] == b"400"
    assert heard == []


def test_a_place_that_is_taken_is_waited_for(address, transactional_db, monkeypatch, caplog):
    monkeypatch.setattr(internal, "AGAIN_S", 0.05)
    port = int(address.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)) as other, listening():
        while not caplog.messages:
            threading.Event().wait(0.02)
        other.close()
        running.wait_for_port(port)

        assert httpx2.get(f"{address}/health", headers=BEARER).status_code == 200

    assert len(caplog.messages) == 1


@pytest.fixture
def called(address):
    """Run something with whoever calls, and a server in the interface's place; what it was asked, and answers."""

    def called(act, *statuses):
        asked, answers = [], list(statuses)

        async def answer(reader, writer):
            with contextlib.suppress(asyncio.IncompleteReadError):
                while True:
                    asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
                    status = answers.pop(0) if answers else 204
                    length = "" if status == 204 else "Content-Length: 0\r\n"
                    writer.write(f"HTTP/1.1 {status} So\r\n{length}\r\n".encode())
            writer.close()

        async def run():
            signals.attach(asyncio.get_running_loop())
            server = await asyncio.start_server(answer, "127.0.0.1", int(address.rpartition(":")[2]))
            working = asyncio.create_task(calling.run())
            await asyncio.sleep(0)
            try:
                async with asyncio.timeout(60):
                    await act(asked)
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
                server.close()
                signals.detach()

        asyncio.run(run())
        return asked

    return called


async def until(holds):
    while not holds():
        await asyncio.sleep(0.01)


def test_who_has_something_to_send_calls_and_brings_nothing_but_the_secret(called):
    async def act(asked):
        signals.send_many({"new": [7], "deliver": ["webhook"], "due": [], "desk": ["telegram"]})
        signals.send_many({"deliver": {"mirror"}})
        await until(lambda: len(asked) == 1)
        signals.send_many({updates.KIND: [updates.TOPIC]})
        await until(lambda: len(asked) == 2)

    asked = called(act)

    assert len(asked) == 2
    for head in asked:
        assert head.startswith("POST /wake HTTP/1.1\r\n")
        assert f"Authorization: {BEARER['Authorization']}" in head
        assert "Content-Length: 0" in head


def test_many_news_at_once_are_few_calls(called):
    async def act(asked):
        for _ in range(1_000):
            signals.send_many({"deliver": ["telegram"]})
        await until(lambda: asked)
        await asyncio.sleep(0.2)

    assert 1 <= len(called(act)) <= 2


def test_a_call_that_fails_is_told_once_and_others_follow_later_and_later(called, monkeypatch, caplog):
    monkeypatch.setattr(calling, "FIRST_PAUSE_S", 0.05)
    at = []

    async def act(asked):
        for number in range(1, 5):
            signals.send_many({"deliver": ["telegram"]})
            await until(lambda n=number: len(asked) == n)
            at.append(time.monotonic())

    called(act, 401, 500, 302)

    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert all(gap > least for gap, least in zip(gaps, (0.04, 0.08, 0.16), strict=True)), gaps
    assert [message.partition(": ")[2] for message in caplog.messages] == ["HTTP 401"]
    assert SECRET not in caplog.text


@pytest.mark.parametrize("secret", ["", "short", SECRET])
def test_the_process_that_talks_to_telegram_listens_only_with_a_secret(
    address, telegram, settings, transactional_db, secret
):
    settings.BOT_SECRET = secret
    port = int(address.rpartition(":")[2])
    taken = socket.socket()
    if secret != SECRET:
        taken.bind(("127.0.0.1", port))  # by nobody else meanwhile

    async def apart():
        working = asyncio.create_task(loops.telegram_apart(redis_url=None))
        try:
            async with asyncio.timeout(60):
                await until(lambda: telegram.polls)
            return await asyncio.to_thread(is_open, port)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    with taken:
        assert asyncio.run(apart()) is (secret == SECRET)


def is_open(port):
    """Whether somebody listens there."""
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=10):
        return True
    return False


def test_settings_that_contradict_themselves_are_told(settings):
    settings.BOT_SECRET, settings.BOT_HOST, settings.BOT_PORT = "short", settings.HOST, settings.PORT

    assert {fault.id for fault in checks.telegram_settings(None)} == {"telegram.E004", "telegram.E005"}
    assert json.dumps([fault.msg for fault in checks.telegram_settings(None)]).count("short") == 0
