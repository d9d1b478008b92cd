"""The figures of a process: where the others find them, and, of one that serves no pages, at a port of its own."""

import contextlib
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.conf import settings

from besedka.door import metrics
from besedka.figures import processes
from besedka.problems import NotFound, Problem

logger = logging.getLogger(__name__)

FOLDER = "metrics"  # in BESEDKA_HOME
UNREAD_S = 10  # seconds that somebody may take to ask


@contextlib.contextmanager
def figures(role: str, *, port: int = 0) -> Iterator[None]:
    """The figures of this process are told for as long as this lasts, where anybody may see figures at all.

    `role` is `web`, `worker` or what else there is several of; `port` is where they are served beside, 0: nowhere.
    """
    if not settings.METRICS_TOKEN:
        yield
        return
    with processes.telling(settings.HOME / FOLDER, role), _served(port):
        yield


@contextlib.contextmanager
def _served(port: int) -> Iterator[None]:
    if not port:
        yield
        return
    try:
        server = ThreadingHTTPServer((settings.HOST, port), _Answer)
    except OSError as error:  # another process of this machine has it, and tells our figures with its own
        logger.info("figures are not served at port %d: %s", port, error)
        yield
        return
    serving = threading.Thread(target=server.serve_forever, name="metrics port", daemon=True)
    serving.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Answer(BaseHTTPRequestHandler):
    """One request for our figures, and those of the processes beside us; the database is asked by the web."""

    timeout = UNREAD_S
    server_version, sys_version = "", ""

    def do_GET(self) -> None:
        """Answer it."""
        try:
            if self.path != "/metrics":
                raise NotFound()
            metrics.admit(self.headers.get("Authorization"))
        except Problem as problem:
            self._send(problem.status, b"", problem.headers())
        else:
            self._send(200, processes.text(), {"Content-Type": processes.FORMAT})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Who asks so often need not be in the log."""
