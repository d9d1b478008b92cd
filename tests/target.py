"""A server somewhere in the world that scenarios call: it remembers what it was asked."""

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator
from typing import Any


class Target(http.server.ThreadingHTTPServer):
    """A server somewhere in the world; remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.reply: tuple[int, dict[str, str], bytes] = (200, {"Content-Type": "application/json"}, b'{"id": 5}')
        self.replies: dict[str, tuple[int, dict[str, str], bytes]] = {}  # by path, where another one is wanted
        self.slow_s = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The other side hung up: expected."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Target

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            return  # whoever asked died in the middle of it
        self.server.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        path = self.path.partition("?")[0]
        status, headers, content = self.server.replies.get(path, self.server.reply)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for at in range(0, len(content), 65_536):
            time.sleep(self.server.slow_s)
            self.wfile.write(content[at : at + 65_536])

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


@contextlib.contextmanager
def running() -> Iterator[Target]:
    """A target on a port of its own."""
    server = Target()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
