"""Clients that send byte by byte, say nothing, or never read: they are cut off, and nobody else waits for them."""

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import make
import pytest
import running
from faults import book
from faults.readers import MESSAGES, said_hello

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("slow-clients"), pytest.mark.timeout(600)]

DEAF = int(os.environ.get("BESEDKA_SOCKETS", "100"))
CUT_S = 30  # whoever is too slow is gone by then
BUSY_S = 15  # on top of that, on a machine that is busy with other things
DEAF_S = 20  # the product's: a client may leave a frame unread for so long
HOST = b"Host: localhost\r\n"
A_BYTE_A_SECOND = {
    "says nothing": (b"", b""),
    "sends its headers byte by byte": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: ", b"a"),
    "sends its next headers byte by byte": (
        b"GET /health/ HTTP/1.1\r\n" + HOST + b"\r\nGET / HTTP/1.1\r\nX-A: ",
        b"a",
    ),
    "sends a message byte by byte": (
        b"POST /gpt HTTP/1.1\r\n" + HOST + b"chat-token: abcdefghij\r\nContent-Type: application/json\r\n"
        b"Content-Length: 5000\r\n\r\n{",
        b" ",
    ),
    "sends a file byte by byte": (
        b"POST /api/v1/conversation/files?name=a.txt HTTP/1.1\r\n" + HOST + b"chat-token: abcdefghij\r\n"
        b"Content-Type: text/plain\r\nContent-Length: 5000\r\n\r\n",
        b"a",
    ),
    "signs in byte by byte": (
        b"POST /api/token/ HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
        b"Content-Length: 5000\r\n\r\n{",
        b" ",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Server]:
    with running.server(tmp_path_factory.mktemp("slow") / "home") as site:
        yield site


def dripped(site: running.Server, first: bytes, byte: bytes, within_s: float) -> float:
    """Seconds until the server ends a connection on which this is sent, and then a byte a second."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", site.port), timeout=1) as client:
        try:
            client.sendall(first)
            while time.monotonic() - began < within_s:
                try:
                    if not client.recv(4096):
                        break
                except TimeoutError:
                    client.sendall(byte)
        except ConnectionError:
            pass
    return time.monotonic() - began


def test_whoever_sends_byte_by_byte_is_cut_off_and_others_are_served_meanwhile(site):
    cut: dict[str, list[float]] = {what: [] for what in A_BYTE_A_SECOND}
    clients = [
        threading.Thread(target=lambda what=what: cut[what].append(dripped(site, *A_BYTE_A_SECOND[what], 120)))
        for what in A_BYTE_A_SECOND
        for _ in range(10)
    ]
    for client in clients:
        client.start()
    served = []
    while any(client.is_alive() for client in clients):
        began = time.monotonic()
        told = httpx2.post(
            site.url + MESSAGES, json={"text": "hello"}, headers={"chat-token": make.token()}, timeout=60
        )
        assert told.status_code == 201
        served.append(time.monotonic() - began)
        time.sleep(0.5)
    page = httpx2.get(f"{site.url}/auth/login/", timeout=60)

    book.note(slowest_s=round(max(served), 1))
    slowest = {what: round(max(times), 1) for what, times in cut.items()}
    assert max(slowest.values()) < CUT_S + BUSY_S, slowest
    assert [len(times) for times in cut.values()] == [10] * len(A_BYTE_A_SECOND)
    assert page.status_code == 200


def test_sockets_that_never_read_are_closed_cost_little_and_delay_nobody_else(site):
    """Everybody follows one conversation, in which more is said than a line holds."""
    token, text = make.token(), "x" * 3_900
    headers = {"chat-token": token}
    httpx2.post(f"{site.url}/api/v1/conversation/handoff", headers=headers, timeout=60)
    deaf = [deaf_socket(site, token) for _ in range(DEAF)]
    there, memory = connections(site), resident_mb(site)

    async def talk() -> list[float]:
        delays: list[float] = []
        async with httpx2.AsyncClient(headers=headers, timeout=60) as client, said_hello(site.url, token, 1) as ws:
            for number in range(150):
                began = time.monotonic()
                said = await client.post(site.url + MESSAGES, json={"text": f"{number} {text}"})
                assert said.status_code == 201
                async with asyncio.timeout(60):
                    while json.loads(await ws.recv()).get("seq") != said.json()["seq"]:
                        pass
                delays.append(time.monotonic() - began)
        return delays

    delays = asyncio.run(talk())
    grown = resident_mb(site) - memory
    running.wait_until(lambda: connections(site) <= there - DEAF, within_s=DEAF_S + 3 * BUSY_S)
    for client in deaf:
        client.close()

    print(f"{DEAF} deaf: the slowest of {len(delays)} {max(delays):.2f} s, {grown:.0f} MB more")
    book.note(messages=len(delays), slowest_s=round(max(delays), 1))
    assert max(delays) < BUSY_S
    assert grown < 30 + DEAF * 0.25  # megabytes: what may wait for one line is bounded


def deaf_socket(site: running.Server, token: str) -> socket.socket:
    """A visitor's socket that has said hello and reads nothing from then on."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(60)
    client.connect(("127.0.0.1", site.port))
    client.sendall(
        b"GET /ws/visitor?after=1 HTTP/1.1\r\n" + HOST + b"chat-token: " + token.encode() + b"\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert client.recv(12) == b"HTTP/1.1 101"
    return client


def connections(site: running.Server) -> int:
    """How many sockets the server has open."""
    assert site.process is not None
    folder, count = Path(f"/proc/{site.process.pid}/fd"), 0
    for file in folder.iterdir():
        try:
            count += os.readlink(file).startswith("socket:")
        except FileNotFoundError:
            continue
    return count


def resident_mb(site: running.Server) -> float:
    """The memory that it has."""
    assert site.process is not None
    status = Path(f"/proc/{site.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
