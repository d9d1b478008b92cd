"""An S3 server that is away, refuses, breaks off or drips: bounded, told, and over when it is."""

import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import running
import s3
from django.core.files.storage import default_storage
from faults import proxy

from besedka.media import bucket as media_bucket
from besedka.media import store
from besedka.problems import Unavailable

BOUND_S = 60  # of what takes some ten seconds on a machine that has nothing else to do

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    monkeypatch.setattr(media_bucket, "CONNECT_S", 1)
    monkeypatch.setattr(media_bucket, "ANSWER_S", 1)


@contextlib.contextmanager
def answering(answer: Answer) -> Iterator[tuple[int, list[str]]]:
    """A server that answers every request so; its port, and what it was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with contextlib.suppress(OSError):
                answer(self)

        do_GET = do_PUT = do_DELETE = do_HEAD = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def saying(status: int, code: str) -> Answer:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def sending(*pieces: bytes | float, length: int) -> Answer:
    """The beginning of a file of so many bytes, with pauses."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(length))
        request.send_header("Last-Modified", "Wed, 21 Oct 2026 07:28:00 GMT")
        request.end_headers()
        for piece in pieces:
            if isinstance(piece, bytes):
                request.wfile.write(piece)
                request.wfile.flush()
            else:
                time.sleep(piece)

    return answer


def refusal(act: Callable[[], object]) -> Unavailable:
    began = time.monotonic()
    with pytest.raises(Unavailable) as told:
        act()
    assert time.monotonic() - began < BOUND_S
    assert int(told.value.headers()["Retry-After"]) > 0
    return told.value


def everything() -> list[Callable[[], object]]:
    return [
        lambda: store.write("files/ab/abc", b"one"),
        lambda: store.read("files/ab/abc"),
        lambda: store.remove("files/ab/abc"),
        lambda: list(store.stored("files")),
        lambda: default_storage.listdir("files"),
    ]


@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_a_server_that_hangs_up_or_hangs_is_away_until_it_is_back(fault, s3_server, settings, monkeypatch):
    monkeypatch.setattr(media_bucket, "PAUSE_S", 1.0)
    monkeypatch.setattr(media_bucket, "PROBED_S", 0.0)
    with proxy.proxy_to("127.0.0.1", s3_server.port) as line:
        settings.STORAGES = s3.storages(s3_server.bucket(), line.port)
        store.write("files/ab/abc", b"one")

        getattr(line, fault)()
        for act in everything():
            refusal(act)
        word = store.state()
        line.mend()
        running.wait_until(lambda: store.state() == "ok")

        assert word == "away"
        assert store.read("files/ab/abc") == b"one"


def test_while_it_is_away_nobody_waits_for_what_another_has_waited_for(settings, s3_server, monkeypatch):
    monkeypatch.setattr(media_bucket, "PAUSE_S", 600.0)
    with answering(saying(500, "InternalError")) as (port, asked):
        settings.STORAGES = s3.storages("x", port)
        refusal(lambda: store.read("files/ab/abc"))
        tried = len(asked)
        refusal(lambda: store.read("files/ab/abc"))  # the one that may try
        again = len(asked)
        for act in everything():
            refusal(act)

    assert tried == media_bucket.TRIES
    assert len(asked) == again


@pytest.mark.parametrize(
    ("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket"), (400, "AuthorizationHeaderMalformed")]
)
def test_a_server_that_does_not_let_us_in_is_no_file_that_is_missing(status, code, settings):
    with answering(saying(status, code)) as (port, _):
        settings.STORAGES = s3.storages("x", port)
        told = [refusal(act) for act in everything()]
        word = store.state()

    assert word == "refused"
    assert not any("127.0.0.1" in problem.detail or s3.KEY in problem.detail for problem in told)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(sending(b"x" * 500, length=100_000), id="breaks off"),
        pytest.param(sending(b"x" * 500, 3.0, length=100_000), id="stalls"),
        pytest.param(sending(*[b"x", 0.3] * 30, length=100_000), id="drips"),
    ],
)
def test_half_a_file_is_none(answer, settings, monkeypatch):
    monkeypatch.setattr(media_bucket, "WHOLE_S", 2)
    with answering(answer) as (port, _):
        settings.STORAGES = s3.storages("x", port)

        refusal(lambda: store.read("files/ab/abc"))


def test_what_is_removed_need_not_be_there(settings):
    with answering(saying(404, "NoSuchKey")) as (port, _):
        settings.STORAGES = s3.storages("x", port)

        assert store.remove("files/ab/abc") is True


def test_a_bucket_in_which_we_may_not_write_is_refused_by_a_probe(settings, bucket, s3_server):
    assert store.state() == "ok"
    assert s3_server.client().list_objects_v2(Bucket=bucket)["KeyCount"] == 0
