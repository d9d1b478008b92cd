"""The real server, in a process of its own, over real HTTP and real databases."""

import atexit
import contextlib
import functools
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pymysql
import services

BESEDKA = str(Path(sys.executable).with_name("besedka"))
STARTED_S = 150  # on a machine that is busy with seven other things
ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "a-password-for-tests"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


MAKE_READY = "from besedka.project import serve; serve.make_ready()"
SHAPING = ("BESEDKA_DEMO_BOT", "SECRET_KEY")  # with one of these a first start leaves something else


def first_start(home: Path, url: str, **environment: str) -> None:
    """Do to a home and a database what a first start does: it takes seconds, so that copies are made of it."""
    home.mkdir(parents=True)
    subprocess.run(
        [BESEDKA, "manage", "shell", "--no-imports", "--command", MAKE_READY],
        env=Server(home, free_port(), {"DATABASE_URL": url, **environment}).surroundings(),
        cwd=home.parent,
        check=True,
        capture_output=True,
    )
    (home / "secret_key").unlink()  # each installation makes its own


@functools.cache
def _begun_home() -> Path:
    """A home with its SQLite, as a first start leaves them."""
    home = Path(tempfile.mkdtemp(prefix="besedka-begun-")) / "home"
    atexit.register(shutil.rmtree, home.parent, ignore_errors=True)
    first_start(home, "")
    return home


@functools.cache
def _begun_database(url: str) -> str:
    """The name of a PostgreSQL database beside this one, as a first start leaves it; nobody is connected to it."""
    parts, name = urllib.parse.urlsplit(url), f"besedka_begun_{secrets.token_hex(6)}"
    _administer(parts, f"CREATE DATABASE {name}")
    atexit.register(_administer, parts, f"DROP DATABASE IF EXISTS {name}")
    with tempfile.TemporaryDirectory(prefix="besedka-begun-") as folder:
        first_start(Path(folder) / "home", parts._replace(path=f"/{name}").geturl())
    return name


@contextlib.contextmanager
def scratch_database(url: str | None = None, *, begun: bool = False) -> Iterator[str]:
    """The URL of an empty database beside the one in `url` (default: `DATABASE_URL`); "" is SQLite.

    `begun`: where it can be copied, one that a first start has been through.
    """
    url = os.environ.get("DATABASE_URL", "") if url is None else url
    if not url:
        yield ""
        return
    parts = urllib.parse.urlsplit(url)
    name = f"besedka_{secrets.token_hex(6)}"
    standard = urllib.parse.urlsplit(services.address("PostgreSQL"))  # others may be gone before what is copied
    like = f" TEMPLATE {_begun_database(url)}" if begun and parts.netloc == standard.netloc else ""
    _administer(parts, f"CREATE DATABASE {name}{like}")
    try:
        yield parts._replace(path=f"/{name}").geturl()
    finally:
        force = " WITH (FORCE)" if parts.scheme.startswith("postgres") else ""
        _administer(parts, f"DROP DATABASE {name}{force}")


def _administer(parts: urllib.parse.SplitResult, statement: str) -> None:
    if parts.scheme.startswith("postgres"):
        with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as connection:
            connection.execute(statement.encode())
        return
    with _mysql(parts._replace(path="")) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def _mysql(parts: urllib.parse.SplitResult) -> "pymysql.Connection[Any]":
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
        database=parts.path.strip("/") or None,
    )


def wait_for_port(port: int) -> None:
    """Somebody listens there when this returns."""
    until = time.monotonic() + STARTED_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens on {port}")


def wait_until(true: Callable[[], object], within_s: float = STARTED_S) -> None:
    """It is true when this returns."""
    until = time.monotonic() + within_s
    while not true():
        if time.monotonic() > until:
            raise AssertionError(f"not true within {within_s} s")
        time.sleep(0.05)


@dataclass
class Server:
    """One `besedka run`; its log is the file `log`."""

    home: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=lambda: [BESEDKA, "run"])
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it said."""
        return self.home.parent / f"{self.home.name}-{self.port}.log"

    def start(self) -> None:
        """It answers when this returns."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.surroundings(), stdout=log, stderr=log, cwd=self.home.parent
            )
        until = time.monotonic() + STARTED_S
        while time.monotonic() < until:
            with contextlib.suppress(httpx2.HTTPError):
                if httpx2.get(f"{self.url}/health/ready/", timeout=5).status_code == 200:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()

    def surroundings(self) -> dict[str, str]:
        """Its environment."""
        return {
            "PATH": os.environ["PATH"],
            "BESEDKA_HOME": str(self.home),
            "PORT": str(self.port),
            "BESEDKA_ADMIN_PASSWORD": PASSWORD,
            **self.environment,
        }

    def shell(self, code: str) -> str:
        """What Python prints beside the server, with its settings and its database."""
        command = [BESEDKA, "manage", "shell", "--no-imports", "--command", code]
        return subprocess.run(
            command, env=self.surroundings(), cwd=self.home.parent, check=True, capture_output=True, text=True
        ).stdout

    def beside(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`besedka …` beside the server, with its settings and its database."""
        return subprocess.run(
            [BESEDKA, *arguments],
            env={**self.surroundings(), "PYTHONIOENCODING": "utf-8"},
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def select(self, query: str) -> list[tuple[Any, ...]]:
        """What its database says, read past the server."""
        url = self.environment.get("DATABASE_URL", "")
        if url.startswith("postgres"):
            with psycopg.connect(url) as connection:
                return connection.execute(query.encode()).fetchall()
        if url:
            with _mysql(urllib.parse.urlsplit(url)) as connection, connection.cursor() as cursor:
                cursor.execute(query)
                return list(cursor.fetchall())
        with contextlib.closing(sqlite3.connect(self.home / "besedka.sqlite3")) as database:
            return database.execute(query).fetchall()

    def died(self, *, within_s: float) -> bool:
        """Whether it ends by itself within so many seconds."""
        try:
            return self.process is not None and self.process.wait(timeout=within_s) is not None
        except subprocess.TimeoutExpired:
            return False

    def kill(self) -> None:
        """`kill -9`."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Line:
    """A bare connection: for requests that no client library makes."""

    def __init__(self, socket: socket.socket) -> None:
        self._socket = socket

    def ask(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, and body of the answer."""
        asked = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        self._socket.sendall(asked.encode())
        answer = b""
        while came := self._socket.recv(65536):
            answer += came
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(first.split()[1]), headers, body


@contextlib.contextmanager
def raw(site: Server) -> Iterator[Line]:
    """A bare connection to this server."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=30) as connection:
        yield Line(connection)


@contextlib.contextmanager
def server(home: Path, **environment: str) -> Iterator[Server]:
    """A running server with an empty database of the kind that the tests run on."""
    begun = not any(name in environment for name in SHAPING)
    with scratch_database(environment.pop("DATABASE_URL", None), begun=begun) as url:
        home.mkdir(parents=True, exist_ok=True)
        if begun and not url and not any(home.iterdir()):
            shutil.copytree(_begun_home(), home, dirs_exist_ok=True)
        running = Server(home, free_port(), {"DATABASE_URL": url, "BESEDKA_RATE_LIMITS": "off", **environment})
        try:
            running.start()
            yield running
        finally:
            running.stop()
