"""Clients who take their time over a request, and a server that stood still itself."""

import collections
import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import running

IMPATIENT = """
import sys
import uvicorn
from besedka.project import listening

async def well(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})

listening.HEAD_S, listening.LOOK_S = 0.6, 0.1
uvicorn.run(well, port=int(sys.argv[1]), loop="uvloop", http=listening.Listening, lifespan="off")
"""
HEAD = b"GET / HTTP/1.1\r\nHost: here\r\n"
ROUNDS = 4


@dataclass
class Called:
    """A server that waits for 0.6 s."""

    process: "subprocess.Popen[bytes]"
    port: int

    def call(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Others ask all the time."""
        over = threading.Event()

        def ask() -> None:
            with self.call() as connection:
                while not over.is_set():
                    connection.sendall(HEAD + b"\r\n")
                    connection.recv(1000)

        others = [threading.Thread(target=ask) for _ in range(3)]
        for other in others:
            other.start()
        try:
            yield
        finally:
            over.set()
            for other in others:
                other.join()


@pytest.fixture
def server() -> Iterator[Called]:
    """A server that takes calls."""
    port = running.free_port()
    with subprocess.Popen([sys.executable, "-c", IMPATIENT, str(port)]) as process:
        try:
            running.wait_until(lambda: takes_calls(port))
            yield Called(process, port)
        finally:
            process.kill()


def takes_calls(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def answer(connection: socket.socket) -> bytes:
    """Its first line."""
    with connection.makefile("rb") as told:
        return told.readline()


def test_who_does_not_say_in_time_what_they_want_is_hung_up_on(server):
    with server.busy(), server.call() as connection:
        connection.sendall(HEAD)

        assert answer(connection) == b"HTTP/1.1 408 Request Timeout\r\n"


def test_who_said_it_while_the_server_stood_still_is_answered(server):
    told = collections.Counter[bytes]()
    with server.busy():
        for _ in range(ROUNDS):
            with contextlib.ExitStack() as calls:
                connections = [calls.enter_context(server.call()) for _ in range(10)]
                time.sleep(0.2)  # it has taken the calls
                server.process.send_signal(signal.SIGSTOP)
                for connection in connections:
                    connection.sendall(HEAD + b"\r\n")
                time.sleep(1)
                server.process.send_signal(signal.SIGCONT)
                told.update(answer(connection) for connection in connections)

    assert told == {b"HTTP/1.1 200 OK\r\n": ROUNDS * 10}
