"""Who follows one conversation, in each of the ways that clients have, whatever happens to their lines."""

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2
import websockets

MESSAGES = "/api/v1/conversation/messages"
STREAM = "/api/v1/conversation/stream"
OLD_PAGE = "/api/v1/message"
SOCKET = "/ws/visitor"
WAYS = ("poll", "stream", "socket", "fallback")
SHOWN_AS = {"bot": "GPT", "operator": "OPERATOR", "system": "OPERATOR"}  # to the old page
READ_S = 60  # everything is read by then, when it is quiet again
AGAIN_S = 0.05  # between two tries
SILENT_S = 45  # a line on which nothing is heard so long is dead

Message = dict[str, Any]
TROUBLE = (httpx2.HTTPError, websockets.WebSocketException, OSError, EOFError, json.JSONDecodeError, TimeoutError)


@dataclass
class Reader:
    """Follows one log by cursor: by long polls, by an event stream, by a socket, or by these last two in turn."""

    url: str
    token: str
    client: httpx2.AsyncClient
    way: str = "poll"
    received: list[Message] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def after(self) -> int:
        """The last seq it has."""
        return int(self.received[-1]["seq"]) if self.received else 0

    async def follow(self) -> None:
        """Read for ever."""
        ways = {
            "poll": [self._long_poll],
            "stream": [self._stream],
            "socket": [self._socket],
            "fallback": [self._socket, self._long_poll],  # as the widget does where sockets break
        }[self.way]
        for read in itertools.cycle(ways):
            self.connections += 1
            try:
                await read()
            except TROUBLE:
                await asyncio.sleep(AGAIN_S)

    async def catch_up(self) -> None:
        """Read what came since, until there is no more."""
        until = time.monotonic() + READ_S
        while time.monotonic() < until:
            try:
                if not await self._poll(wait_s=0):
                    return
            except TROUBLE:
                await asyncio.sleep(AGAIN_S)
        self.surprises.append("could not catch up")

    def faults(self, log: list[Message]) -> list[str]:
        """What it should have received, and has not; and what it should not."""
        return [*self.surprises, *differing(list(map(essence, self.received)), list(map(essence, log)))]

    async def _long_poll(self) -> None:
        await self._poll(wait_s=5)

    async def _poll(self, wait_s: int) -> int:
        query = f"?after={self.after}&wait={wait_s}"
        response = await self.client.get(self.url + MESSAGES + query, headers={"chat-token": self.token})
        if response.status_code != 200:
            note(self.surprises, response)
            raise httpx2.HTTPError("refused")
        messages = response.json()["messages"]
        self.received += messages
        return len(messages)

    async def _stream(self) -> None:
        address, headers = f"{self.url}{STREAM}?after={self.after}", {"chat-token": self.token}
        async with self.client.stream("GET", address, headers=headers, timeout=SILENT_S) as response:
            if response.status_code != 200:
                note(self.surprises, response)
                raise httpx2.HTTPError("refused")
            kind = ""
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                kind = value if name == "event" else kind
                if name == "data" and kind == "message":
                    self.received.append(json.loads(value))

    async def _socket(self) -> None:
        async with said_hello(self.url, self.token, self.after) as ws:
            async for frame in ws:
                told = json.loads(frame)
                if told["type"] == "message":
                    self.received.append(told)
                elif told["type"] == "error" and told["status"] != 503:
                    self.surprises.append(f"the socket was told {told['code']}")


@dataclass
class OldPage:
    """Asks for what it has not been given yet, without a cursor; so it never leaves before it has its answer."""

    url: str
    token: str
    client: httpx2.AsyncClient
    received: list[Message] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    over: bool = False

    async def follow(self) -> None:
        """Read until it is over."""
        while not self.over:
            try:
                await self._poll(wait_s=2)
            except TROUBLE:
                await asyncio.sleep(AGAIN_S)

    async def catch_up(self) -> None:
        """Read what came since, until there is no more."""
        while await self._poll(wait_s=0):
            pass

    def faults(self, log: list[Message]) -> list[str]:
        """What it should have been given, and was not; and what it should not."""
        shown = [(SHOWN_AS[one["author"]], one["text"]) for one in log if one["author"] in SHOWN_AS]
        given = [(one["user"], one["message"]) for one in self.received]
        return [*self.surprises, *differing(given, shown)]

    async def _poll(self, wait_s: int) -> int:
        address = f"{self.url}{OLD_PAGE}?wait={wait_s}"
        response = await self.client.get(address, headers={"chat-token": self.token})
        if response.status_code != 200:
            note(self.surprises, response)
            raise httpx2.HTTPError("refused")
        messages = response.json()["messages"]
        self.received += messages
        return len(messages)


class said_hello(websockets.connect):
    """A visitor's socket on which hello was said: `async with said_hello(url, token, after) as ws`."""

    def __init__(self, url: str, token: str, after: int = 0) -> None:
        address = url.replace("http", "ws", 1) + SOCKET
        super().__init__(address, max_size=None, open_timeout=SILENT_S, proxy=None, close_timeout=1)
        self._hello = json.dumps({"type": "hello", "token": token, "after": after})

    async def __aenter__(self) -> websockets.ClientConnection:
        """Connected, and introduced."""
        ws = await super().__aenter__()
        await ws.send(self._hello)
        return ws


def note(surprises: list[str], response: httpx2.Response) -> None:
    """Keep a refusal that is no promised one: only "come again later" is."""
    if response.status_code != 503 or "retry-after" not in response.headers:
        surprises.append(f"{response.request.method} {response.request.url.path}: {response.status_code}")


def essence(message: Message) -> tuple[int, str, str]:
    """What of a message the database and a reader both know."""
    return message["seq"], message["author"], message["text"]


def differing(received: list[Any], expected: list[Any]) -> list[str]:
    """How what a reader received differs from what it should have, in a word that says which promise is broken."""
    if received == expected:
        return []
    short = f"a reader received {received[-5:]} at the end of {len(received)}, expected {len(expected)}"
    if len(received) < len(expected) or any(one not in received for one in expected):
        return [f"lost: {short}"]
    if len(received) > len(expected):
        return [f"doubled: {short}"]
    return [f"disordered: {short}"]
