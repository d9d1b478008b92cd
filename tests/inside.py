"""The door in this process: requests and sockets as the server hands them over, on the test's own database.

For what a real client cannot time: hanging up between two of our steps, a body that comes too slowly.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from starlette.types import ASGIApp, Message

from besedka.conversations import inboxes
from besedka.door.app import make_door
from besedka.door.house import Door
from besedka.project import loops

WHOLE: tuple[Message, ...] = ({"type": "http.request", "body": b"", "more_body": False},)
GONE: Message = {"type": "http.disconnect"}
EMPTY: Mapping[str, str] = {}


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
        self,
        method: str,
        target: str,
        token: str | None,
        *,
        events: tuple[Message | float, ...] = WHOLE,
        headers: Mapping[str, str] = EMPTY,
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

        raw = [(b"content-type", b"application/json"), (b"host", b"shop.example"), *_raw(headers)]
        if token is not None:
            raw.append((b"chat-token", token.encode()))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "root_path": "",
            "query_string": query.encode(),
            "headers": raw,
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


class Socket:
    """One connection of a client that says nothing but what it is told to, and is `deaf` or hears that it ends."""

    def __init__(
        self,
        inside: Inside,
        path: str,
        ticket: str = "",
        headers: Mapping[str, str] = EMPTY,
        *,
        deaf: bool = False,
    ) -> None:
        self.frames: list[dict[str, Any]] = []
        self.code = 0
        self.deaf = deaf
        self.heard = asyncio.Event()
        self._ended = asyncio.Event()
        self._inbound: asyncio.Queue[Message] = asyncio.Queue()
        self._inbound.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket",
            "path": path,
            "root_path": "",
            "query_string": f"uuid={ticket}".encode(),
            "headers": [(b"host", b"shop.example"), *_raw(headers)],
            "client": ("10.0.0.1", 1),
            "server": ("test", 80),
            "scheme": "ws",
            "subprotocols": [],
        }
        self.task = asyncio.ensure_future(inside.app(scope, self._inbound.get, self._send))

    async def _send(self, message: Message) -> None:
        if message["type"] == "websocket.close":
            self.code = message["code"]
            self._ended.set()
            if not self.deaf:
                self._leave()
        elif message["type"] == "websocket.send":
            self.frames.append(json.loads(message["text"]))
        self.heard.set()

    def _leave(self) -> None:
        self._inbound.put_nowait({"type": "websocket.disconnect", "code": 1000})

    def says(self, **frame: Any) -> None:
        """One frame of the client's."""
        self._inbound.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})

    async def greeted(self) -> None:
        """It is let in, and has been told something."""
        async with asyncio.timeout(10):
            while not self.frames:
                self.heard.clear()
                await self.heard.wait()

    async def hears(self, kind: str) -> dict[str, Any]:
        """The first frame of this kind."""
        async with asyncio.timeout(10):
            while True:
                for frame in self.frames:
                    if frame["type"] == kind:
                        return frame
                self.heard.clear()
                await self.heard.wait()

    async def settled(self) -> str | int:
        """The type of the first frame, or the code with which the server hangs up."""
        async with asyncio.timeout(10):
            while not self.code and not (self.frames and self.frames[0].get("type") != "error"):
                self.heard.clear()
                await self.heard.wait()
        await self.leave()
        return self.code or str(self.frames[0].get("type", "message"))

    async def leave(self) -> None:
        """The client is gone."""
        self._leave()
        await self.task

    async def ends(self, within_s: float = 10) -> int:
        """The code with which the server hangs up; 0 where it does not."""
        try:
            async with asyncio.timeout(within_s):
                await self._ended.wait()
        except TimeoutError:
            self._leave()
        if not self.deaf:
            await self.task
        return self.code


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def with_door(act: Callable[[Inside], Awaitable[Any]], *, rate_limits: bool = False) -> Any:
    """Run `act` with a door that is open, and close it."""

    async def nothing_behind(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError(f"{scope['path']} is not the door's")

    async def run() -> Any:
        door = Door(rate_limits=rate_limits, trusted_proxies=0)
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
