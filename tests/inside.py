"""The door in this process: requests and sockets as the server hands them over, on the test's own database.

For what a real client cannot time: hanging up between two of our steps, a body that comes too slowly.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from starlette.types import ASGIApp, Message

from besedka.conversations import inboxes
from besedka.conversations.batcher import Batcher
from besedka.door.app import make_door
from besedka.door.house import Door
from besedka.project import loops

WHOLE: tuple[Message, ...] = ({"type": "http.request", "body": b"", "more_body": False},)
GONE: Message = {"type": "http.disconnect"}


@dataclass
class Answer:
    """What went out for one request."""

    events: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The status; 0 where nothing went out."""
        return self.events[0]["status"] if self.events else 0

    @property
    def body(self) -> Any:
        """The body as JSON."""
        return json.loads(b"".join(event.get("body", b"") for event in self.events))


class Inside:
    """The door and everything that lives behind it."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app, self.door = app, door

    async def ask(
        self, method: str, target: str, token: str, *, events: tuple[Message | float, ...] = WHOLE
    ) -> Answer:
        """One request; after `events` the client says no more, and after `GONE` it has hung up.

        A number among the events is a pause, in seconds.
        """
        path, _, query = target.partition("?")
        left = list(events)
        answer = Answer()

        async def receive() -> Message:
            while left and isinstance(left[0], float):
                await asyncio.sleep(left.pop(0))  # type: ignore[arg-type]
            if not left:
                await asyncio.Event().wait()
            return left[0] if left[0] is GONE else left.pop(0)

        async def send(message: Message) -> None:
            answer.events.append(message)

        headers = [(b"chat-token", token.encode()), (b"content-type", b"application/json")]
        headers.append((b"host", b"shop.example"))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "root_path": "",
            "query_string": query.encode(),
            "headers": headers,
            "client": ("10.0.0.1", 1),
            "server": ("test", 80),
            "scheme": "http",
        }
        try:
            await self.app(scope, receive, send)
        except Exception:  # a server logs it and goes on, once the client has its answer
            if answer.status != 500:
                raise
        return answer


def with_door(act: Callable[[Inside], Awaitable[Any]], *, rate_limits: bool = False) -> Any:
    """Run `act` with a door that is open, and close it."""

    async def nothing_behind(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError(f"{scope['path']} is not the door's")

    async def run() -> Any:
        door = Door(
            Batcher("writer", writes=True),
            Batcher("reader", writes=False),
            rate_limits=rate_limits,
            trusted_proxies=0,
        )
        app = make_door(door, behind=nothing_behind, lifespan=None)  # type: ignore[arg-type]
        async with loops.running(door, redis_url=None):
            door.directory = await asyncio.to_thread(_directory)
            return await act(Inside(app, door))

    return asyncio.run(run())


def _directory() -> inboxes.Directory:
    try:
        return inboxes.directory()
    finally:
        connection.close()  # this thread's own
