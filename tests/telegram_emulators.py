"""Bot API servers that nobody here wrote: telegram-test-api from npm (polling), telemelya from PyPI (webhook)."""

import contextlib
import fcntl
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import running
import services

TEST_API = Path(__file__).with_name("telegram_test_api")
TELEMELYA = Path(__file__).with_name("telemelya")
KEY = "a-key-of-the-tests"
_START = """
const TelegramServer = require('telegram-test-api');
new TelegramServer({port: Number(process.argv[1]), host: '127.0.0.1', storeTimeout: 600}).start();
"""


@contextlib.contextmanager
def test_api(folder: Path) -> Iterator[str]:
    """The address of a server that one polls. Skips the test where there is no Node to run it."""
    with _installing(TEST_API):
        if shutil.which("npm") is None or shutil.which("node") is None:
            _missing("telegram-test-api needs Node and npm")
        if not (TEST_API / "node_modules" / "telegram-test-api").exists():
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=TEST_API, check=True)
    port = running.free_port()
    with _process(["node", "-e", _START, str(port)], folder / "test-api.log", cwd=TEST_API):
        running.wait_for_port(port)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def telemelya(folder: Path) -> Iterator[str]:
    """The address of a server that calls one. Skips the test where there is no Redis for it."""
    redis = services.url("Redis")
    bin_ = TELEMELYA / ".venv" / "bin"
    with _installing(TELEMELYA):
        if not (bin_ / "telemelya-server").exists():
            uv = [str(Path(sys.executable).with_name("uv")), "--system-certs"]
            subprocess.run([*uv, "venv", "--quiet", str(TELEMELYA / ".venv")], check=True)
            given = {**os.environ, "VIRTUAL_ENV": str(TELEMELYA / ".venv")}
            given.pop("UV_PROJECT_ENVIRONMENT", None)
            listed = ["-r", str(TELEMELYA / "requirements.txt")]
            subprocess.run([*uv, "pip", "install", "--quiet", *listed], check=True, env=given)
    files, port = running.free_port(), running.free_port()
    environment = {
        "MOCK_SERVER_HOST": "127.0.0.1",
        "MOCK_SERVER_PORT": str(port),
        "REDIS_URL": redis,
        "MINIO_ENDPOINT": f"127.0.0.1:{files}",
        "AUTH_KEYS": KEY,
    }
    with (
        _process([str(bin_ / "moto_server"), "-H", "127.0.0.1", "-p", str(files)], folder / "moto.log"),
        _process([str(bin_ / "telemelya-server")], folder / "telemelya.log", **environment),
    ):
        running.wait_for_port(port)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def completer(target: str, header: dict[str, str]) -> Iterator[str]:
    """An address that passes every POST on to `target` with one more header: telemelya knows no secrets."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = httpx2.post(target, content=body, headers={"Content-Type": "application/json", **header})
            self.send_response(answer.status_code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/telegram/webhook"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def _process(command: list[str], log: Path, *, cwd: Path | None = None, **environment: str) -> Iterator[None]:
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=said, cwd=cwd or log.parent, env={**os.environ, **environment}
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def _installing(folder: Path) -> Iterator[None]:
    """The first test that needs it fetches it, the others wait."""
    with (folder / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _missing(sentence: str) -> None:
    if os.environ.get("BESEDKA_REQUIRE_ALL") == "on":
        pytest.fail(sentence)
    pytest.skip(sentence)
