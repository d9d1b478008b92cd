"""Connections of visitors who are many: HTTP that is kept alive, streams of events; little work for each."""

import asyncio
import json
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httptools

ANSWER_S = 60  # seconds that an answer may take before it counts as none


class Lost(Exception):
    """The connection broke, could not be made, or nothing came in time."""


@dataclass(frozen=True)
class Answer:
    """What came back for one request."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def promised(self) -> bool:
        """Whether it is one of the answers that a client is promised: done, or "come again later"."""
        return self.status in (200, 201) or (self.status == 503 and b"retry-after" in self.headers)


class _Wire(asyncio.Protocol):
    """What comes over one connection, cut into answers; of an endless one, every piece is passed on."""

    def __init__(self, piece: Callable[[bytes], None] | None = None) -> None:
        self.transport: asyncio.WriteTransport | None = None
        self.waiting: asyncio.Future[Answer] | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._piece = piece
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(Lost("the connection broke"))
        if not self.ended.done():
            self.ended.set_result(None)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        if self._piece is not None:
            self._answered()

    def on_body(self, body: bytes) -> None:
        if self._piece is not None:
            self._piece(body)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._piece is None:
            self._answered()
            self._begin()

    def _answered(self) -> None:
        answer = Answer(self._parser.get_status_code(), self._headers, b"".join(self._body))
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(answer)


class Line:
    """One connection to the site that is made anew when it has been closed; one request at a time."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self._wire: _Wire | None = None
        self._turn = asyncio.Lock()

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: object = None
    ) -> tuple[Answer, float]:
        """The answer, and the milliseconds from the request's first byte to the answer's last. Raises `Lost`."""
        async with self._turn:
            wire = self._wire
            if wire is None or wire.transport is None or wire.transport.is_closing():
                wire = self._wire = await _connected(self.host, self.port, None)
            assert wire.transport is not None
            wire.waiting = asyncio.get_running_loop().create_future()
            began = time.perf_counter()
            wire.transport.write(_request(method, path, headers, body, self.host))
            try:
                async with asyncio.timeout(ANSWER_S):
                    answer = await wire.waiting
            except TimeoutError as error:
                self.close()
                raise Lost("no answer") from error
            except asyncio.CancelledError:
                self.close()  # what comes now would be taken for the answer to the next request
                raise
            return answer, (time.perf_counter() - began) * 1000

    def close(self) -> None:
        """Hang up."""
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.close()
        self._wire = None


class Events:
    """A stream of server-sent events; each goes to `hear` with its kind."""

    def __init__(self, url: str, hear: Callable[[str, Any], None]) -> None:
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self._hear = hear
        self._rest, self._kind = b"", ""
        self._wire: _Wire | None = None

    async def follow(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Listen until the stream ends; its head. Raises `Lost` where there is none."""
        self._rest, self._kind = b"", ""
        self._wire = wire = await _connected(self.host, self.port, self._piece)
        assert wire.transport is not None
        wire.waiting = asyncio.get_running_loop().create_future()
        wire.transport.write(_request("GET", path, headers, None, self.host))
        answer = await wire.waiting
        if answer.status == 200:
            await wire.ended
        self.close()
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.close()

    def _piece(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            name, _, value = line.partition(b": ")
            if name == b"event":
                self._kind = value.decode()
            elif name == b"data":
                self._hear(self._kind, json.loads(value))


async def _connected(host: str, port: int, piece: Callable[[bytes], None] | None) -> _Wire:
    try:
        _, wire = await asyncio.get_running_loop().create_connection(lambda: _Wire(piece), host, port)
    except OSError as error:
        raise Lost(f"no connection: {error.strerror}") from error
    return wire


def _request(method: str, path: str, headers: Mapping[str, str], body: object, host: str) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    written = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(written)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + written
