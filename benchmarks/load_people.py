"""Visitors of four kinds who write and read, and remember what they were promised and what they received.

The moment of writing travels inside the text, on a clock that all processes of a machine share: whoever receives
it, wherever, knows how long it was on its way.
"""

import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from load_wire import Answer, Events, Line, Lost
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

MESSAGES = "/api/v1/conversation/messages"
STREAM = "/api/v1/conversation/stream"
LEGACY_SAY, LEGACY_READ = "/api/v1/gpt", "/api/v1/message"
POLL_S = 3.0  # seconds between two polls, as the old page has it
AGAIN_S = 0.2  # until what was not answered is tried once more
KINDS = ("legacy", "after", "socket", "stream")
FOR_A_PERSON = "позовите оператора"
COME_AGAIN = "come again later"  # 503 with a time, which clients are promised instead of silence

Promise = tuple[str, str, int | None]  # client id, text, and the seq where the answer tells one
Receipt = tuple[int | None, str, str]  # seq where the reader is told it, author, text


@dataclass
class Tally:
    """Everything that one process of visitors measured: (moment, milliseconds) by name, and what went wrong."""

    times: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)  # that nobody promised
    refusals: Counter[str] = field(default_factory=Counter)  # that are part of the game
    said: int = 0

    def note(self, name: str, milliseconds: float) -> None:
        """One measurement, now."""
        self.times[name].append((time.monotonic(), milliseconds))

    def judge(self, what: str, answer: Answer) -> None:
        """Count an answer that is not what was hoped for."""
        if not answer.promised:
            self.errors[f"{what}: {answer.status}"] += 1
        elif answer.status == 503:
            self.refusals[f"{what}: {COME_AGAIN}"] += 1


def stamped(text: str) -> str:
    """The text with the moment of its writing."""
    return f"{text} @{time.monotonic():.6f}"


def age_ms(text: str) -> float | None:
    """Milliseconds since this was written; None where it carries no moment."""
    _, mark, moment = text.rpartition("@")
    try:
        return (time.monotonic() - float(moment)) * 1000 if mark else None
    except ValueError:
        return None


class Later(Exception):
    """Not now; the same again in a moment."""


class Visitor:
    """Somebody who writes over HTTP and polls with `?after=`; the other kinds do some of it otherwise."""

    kind = "after"

    def __init__(self, url: str, token: str, inbox: str, words: str, tally: Tally) -> None:
        self.url, self.token, self.words, self.tally = url, token, words, tally
        self.query = f"inbox={inbox}" if inbox else ""
        self.headers = {"chat-token": token}
        self.writing, self.reading = Line(url), Line(url)
        self.promised: list[Promise] = []
        self.received: list[Receipt] = []
        self.count = 0
        self._unanswered: float | None = None
        self._following: asyncio.Task[None] | None = None

    async def come(self) -> None:
        """From now on this visitor reads."""
        self._following = asyncio.create_task(self._follow())

    async def say(self, *, for_a_person: bool = False) -> None:
        """Write one message, again and again until it is taken."""
        self.count += 1
        number, self.tally.said = self.count, self.tally.said + 1
        client_id = f"{self.token}-{number}"
        text = stamped(FOR_A_PERSON if for_a_person else f"{self.words} {number}")
        seq = await self._insist(text, client_id)
        self.promised.append((client_id, text, seq))

    async def leave(self) -> None:
        """Stop reading; what is still missing is fetched by `catch_up`."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        self.writing.close()

    async def catch_up(self) -> None:
        """Read until nothing comes any more."""
        while await self._read("caught up"):
            pass
        self.reading.close()

    @property
    def after(self) -> int:
        """The last seq that was received."""
        return (self.received[-1][0] or 0) if self.received else 0

    def hear(self, message: dict[str, Any]) -> None:
        """Keep a message; measure how long it, or the answer to ours, was on its way."""
        author, text = message["author"], message["text"]
        self.received.append((message["seq"], author, text))
        if self.kind in ("socket", "stream"):
            age = age_ms(text)
            if age is not None and author in ("contact", "operator"):
                self.tally.note(f"delivery to a {self.kind}", age)
            if author == "contact" and age is not None and self._unanswered is None:
                self._unanswered = time.monotonic() - age / 1000
            elif author == "bot" and self._unanswered is not None:
                self.tally.note("answer of a bot", (time.monotonic() - self._unanswered) * 1000)
            if author != "contact":
                self._unanswered = None

    async def _insist(self, text: str, client_id: str) -> int | None:
        while True:
            try:
                answer, took_ms = await self._post(text, client_id)
            except Lost as lost:
                self.tally.errors[f"POST: {lost}"] += 1
            else:
                if answer.status == 201:
                    self.tally.note("POST", took_ms)
                    return answer.json().get("seq")  # type: ignore[no-any-return]
                self.tally.judge("POST", answer)
            await asyncio.sleep(AGAIN_S)

    async def _post(self, text: str, client_id: str) -> tuple[Answer, float]:
        body = {"text": text, "client_id": client_id}
        return await self.writing.ask("POST", f"{MESSAGES}?{self.query}", self.headers, body)

    async def _follow(self) -> None:
        await asyncio.sleep(random.random() * POLL_S)
        while True:
            began = time.monotonic()
            await self._read("poll")
            await asyncio.sleep(max(0.0, POLL_S - (time.monotonic() - began)))

    async def _read(self, name: str) -> int:
        """One poll; how many messages came."""
        path = f"{MESSAGES}?after={self.after}&{self.query}"
        try:
            answer, took_ms = await self.reading.ask("GET", path, self.headers)
        except Lost as lost:
            self.tally.errors[f"poll: {lost}"] += 1
            return 0
        self.tally.judge("poll", answer)
        if answer.status != 200:
            return 0
        self.tally.note(name, took_ms)
        messages = answer.json()["messages"]
        for message in messages:
            self.hear(message)
        return len(messages)


class LegacyVisitor(Visitor):
    """A client of the old site chat: each answer is handed out to it once, without a number."""

    kind = "legacy"
    USERS = {"GPT": "bot", "OPERATOR": "operator"}  # the house's own notices are an operator's to it, too

    async def _post(self, text: str, client_id: str) -> tuple[Answer, float]:
        headers = {**self.headers, "idempotency-key": client_id}
        return await self.writing.ask("POST", f"{LEGACY_SAY}?{self.query}", headers, {"message": text})

    async def _read(self, name: str) -> int:
        try:
            answer, took_ms = await self.reading.ask("GET", f"{LEGACY_READ}?{self.query}", self.headers, {})
        except Lost as lost:
            self.tally.errors[f"poll: {lost}"] += 1
            return 0
        self.tally.judge("poll", answer)
        if answer.status != 200:
            return 0
        self.tally.note(name, took_ms)
        messages = answer.json()["messages"]
        self.received += [(None, self.USERS[message["user"]], message["message"]) for message in messages]
        return len(messages)


class StreamVisitor(Visitor):
    """Somebody who writes over HTTP and reads a stream of events."""

    kind = "stream"

    async def _follow(self) -> None:
        while True:
            events = Events(self.url, lambda kind, data: self.hear(data) if kind == "message" else None)
            try:
                answer = await events.follow(f"{STREAM}?after={self.after}&{self.query}", self.headers)
            except Lost as lost:
                self.tally.errors[f"stream: {lost}"] += 1
            else:
                self.tally.errors[f"stream ended: {answer.status}"] += 1
            finally:
                events.close()
            await asyncio.sleep(AGAIN_S)


class SocketVisitor(Visitor):
    """Somebody who writes and reads over a WebSocket."""

    kind = "socket"

    def __init__(self, url: str, token: str, inbox: str, words: str, tally: Tally) -> None:
        super().__init__(url, token, inbox, words, tally)
        self._socket: ClientConnection | None = None
        self._sent: dict[str, asyncio.Future[int]] = {}
        self._there = asyncio.Event()

    async def come(self) -> None:
        await super().come()
        await self._there.wait()

    async def _insist(self, text: str, client_id: str) -> int | None:
        while True:
            await self._there.wait()
            assert self._socket is not None
            taken = self._sent[client_id] = asyncio.get_running_loop().create_future()
            began = time.perf_counter()
            try:
                frame = {"type": "send", "client_id": client_id, "text": text}
                await self._socket.send(json.dumps(frame, ensure_ascii=False))
                seq = await asyncio.wait_for(taken, 60)
            except Later:
                self.tally.refusals[f"send over a socket: {COME_AGAIN}"] += 1
                await asyncio.sleep(AGAIN_S)
                continue
            except (ConnectionClosed, TimeoutError) as error:
                self.tally.errors[f"send over a socket: {type(error).__name__}"] += 1
                await asyncio.sleep(AGAIN_S)
                continue
            finally:
                self._sent.pop(client_id, None)
            self.tally.note("send over a socket", (time.perf_counter() - began) * 1000)
            return seq

    async def _follow(self) -> None:
        address = f"{self.url.replace('http', 'ws', 1)}/ws/visitor?{self.query}"
        while True:
            options: dict[str, Any] = {"compression": None, "open_timeout": 60, "ping_interval": None}
            try:
                async with connect(
                    f"{address}&after={self.after}", additional_headers=self.headers, proxy=None, **options
                ) as self._socket:
                    async for frame in self._socket:
                        self._take(json.loads(frame))
            except (OSError, ConnectionClosed, TimeoutError) as error:
                self.tally.errors[f"socket: {type(error).__name__}"] += 1
            else:
                self.tally.errors[f"socket closed: {self._socket.close_code}"] += 1
            self._there.clear()
            for taken in self._sent.values():
                if not taken.done():
                    taken.set_exception(TimeoutError())
            await asyncio.sleep(AGAIN_S)

    def _take(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "ready":
                self._there.set()
            case "message":
                self.hear(frame)
            case "sent":
                taken = self._sent.get(frame["client_id"])
                if taken is not None and not taken.done():
                    taken.set_result(frame["seq"])
            case "error":
                taken = self._sent.get(frame.get("client_id") or "")
                if frame["status"] == 503 and taken is not None and not taken.done():
                    taken.set_exception(Later())
                else:
                    self.tally.errors[f"socket: {frame['code']}"] += 1


OF_KIND: dict[str, type[Visitor]] = {
    "legacy": LegacyVisitor,
    "after": Visitor,
    "socket": SocketVisitor,
    "stream": StreamVisitor,
}
