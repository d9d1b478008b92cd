"""Bodies for whoever stands behind the door: there as a whole before one of their few threads is taken."""

import asyncio
import tempfile
from typing import IO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from besedka.door import limits
from besedka.door.admission import Gone, render
from besedka.door.files import SLOWEST
from besedka.problems import BodyTooLarge, Invalid, Problem

IN_MEMORY = 1024 * 1024  # bytes of a body; what is longer waits in a file
PIECE = 64 * 1024  # bytes that are handed on at once


class Arriving:
    """An app whose requests come with their bodies: who sends slowly, or for ever, keeps no thread waiting."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse a body that is too large or too slow."""
        names = {name for name, _ in scope.get("headers", ())}
        if scope["type"] != "http" or not names & {b"content-length", b"transfer-encoding"}:
            await self.app(scope, receive, send)
            return
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            try:
                await _take(receive, body)
            except Problem as problem:
                await render(problem)(scope, receive, send)
            except Gone:
                return
            else:
                await self.app(scope, _replayed(body, receive), send)


async def _take(receive: Receive, body: IO[bytes]) -> None:
    """Write the body down. Raises `BodyTooLarge`, `Invalid` for one that is too slow, `Gone`."""
    began, received, more = asyncio.get_running_loop().time(), 0, True
    try:
        async with asyncio.timeout_at(began + limits.BODY_S) as limit:
            while more:
                event = await receive()
                if event["type"] == "http.disconnect":
                    raise Gone
                received += body.write(event.get("body", b""))
                if received > limits.LARGEST:
                    raise BodyTooLarge(limit_bytes=limits.LARGEST)
                limit.reschedule(began + limits.BODY_S + received / SLOWEST)
                more = event.get("more_body", False)
    except TimeoutError:
        raise Invalid("The body does not arrive fast enough.") from None
    body.seek(0)


def _replayed(body: IO[bytes], receive: Receive) -> Receive:
    """The same events again, the body from where it was written down."""
    over = False

    async def again() -> Message:
        nonlocal over
        if over:
            return await receive()
        piece = body.read(PIECE)
        over = len(piece) < PIECE
        return {"type": "http.request", "body": piece, "more_body": not over}

    return again
