"""HTTP from clients who take their time: whoever does not say what they want in time is hung up on."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 20  # seconds for a request's line and headers, from its first byte; and for the first byte of all
BODY_S = 25  # seconds for everything of a request, and more where it goes on coming at
SLOWEST = 32 * 1024  # bytes a second. The door's bounds are a little narrower: it says why, we hang up
LOOK_S = 2  # seconds between two looks at a connection; a timer for each request would cost more
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Listening(HttpToolsProtocol):
    """One connection. A client that sends byte by byte would keep it, and a thread of Django's, for ever."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._began_at = 0.0  # when the request that is coming in began, or the connection
        self._has_head = self._is_whole = False
        self._came = 0  # bytes of its body
        self._look: asyncio.TimerHandle | None = None
        self._planned = 0.0  # when that look is to be

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Somebody calls."""
        super().connection_made(transport)
        self._began_at = self.loop.time()
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        self._stop_looking()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """From now on it is a socket, and the door's."""
        self._stop_looking()
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._began_at, self._came = self.loop.time(), 0
        self._has_head = self._is_whole = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is here."""
        self._has_head = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of its body."""
        self._came += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is here."""
        self._is_whole = True
        super().on_message_complete()

    def _look_again(self) -> None:
        self._planned = self.loop.time() + LOOK_S
        self._look = self.loop.call_at(self._planned, self._look_at_it)

    def _look_at_it(self) -> None:
        # While we stood still ourselves, what they said may have come in unread: that time is not theirs.
        self._began_at += self.loop.time() - self._planned
        waited_s = self.loop.time() - self._began_at
        if not self._has_head and waited_s > HEAD_S:
            self.transport.write(TOO_SLOW)
            self.transport.close()
        elif self._owes_body() and waited_s > BODY_S + self._came / SLOWEST:
            self.transport.abort()  # whoever reads the body hears that the client is gone
        else:
            self._look_again()

    def _owes_body(self) -> bool:
        """Whether we wait for the client, be it answered or not; one whose bytes we do not read waits for us."""
        return self._has_head and not self._is_whole and not self.flow.read_paused

    def _stop_looking(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
