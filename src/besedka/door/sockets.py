"""A visitor's WebSocket: write, receive, resume; typing, reading, asking for a person."""

import asyncio
import contextlib
import logging
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from besedka import about
from besedka.conversations import contacts, cursors, ownership, signals, speech, wire
from besedka.conversations.contacts import Address
from besedka.conversations.cursors import Move
from besedka.conversations.signals import Topic, Woken
from besedka.conversations.visits import Seen, Visit
from besedka.desk import places
from besedka.door import batcher, readers
from besedka.door.admission import (
    MAX_SEQ,
    Caller,
    TokenInvalid,
    decode,
    valid_client_id,
    valid_message,
    valid_token,
)
from besedka.door.limits import Rate
from besedka.problems import Invalid, Problem, Unavailable

logger = logging.getLogger(__name__)

TYPING = frozenset({"typing:bot", "typing:operator"})
HEARS = frozenset({"new", "state", "read", "delta", "place"}) | TYPING
HELLO_S = 10  # seconds until a client has to have said who it is
SEND_S = 20  # seconds that a client may leave a frame unread before we hang up
FAULTS = 20  # faulty frames before we hang up
CLOSE_CODES = {400: 4400, 401: 4401, 403: 4403, 404: 4404, 409: 4409, 429: 4429}


class Hello(msgspec.Struct, tag_field="type", tag="hello"):
    """Who I am, and the last message that I have."""

    token: str
    after: int = 0


class SendMessage(msgspec.Struct, tag_field="type", tag="send"):
    """A message of mine; `client_id` makes sending it again harmless."""

    client_id: str
    text: str = ""
    file: str | None = None  # the key of one that was uploaded


class Typing(msgspec.Struct, tag_field="type", tag="typing"):
    """I am writing."""


class Read(msgspec.Struct, tag_field="type", tag="read"):
    """I have seen everything up to here."""

    seq: int


class Handoff(msgspec.Struct, tag_field="type", tag="handoff"):
    """I want a person."""


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    """Are you there?"""


Standing = tuple[str | None, str, int | None]  # owner, status, place in the queue
Command = SendMessage | Typing | Read | Handoff | Ping


class Visitor:
    """One connection: what it is for, and how far it has come."""

    def __init__(self, ws: WebSocket, caller: Caller, address: Address, after: int) -> None:
        self.ws, self.caller, self.door = ws, caller, caller.door
        self.address, self.after = address, after
        self.frames = Rate("frames", burst=100, per_s=20)
        self.met: int | None = None  # the conversation that is followed

    async def send(self, frame: dict[str, Any]) -> None:
        """Send one frame. Raises TimeoutError when the client does not read."""
        async with asyncio.timeout(SEND_S):
            await self.ws.send_text(msgspec.json.encode(frame).decode())

    async def follow(self) -> None:
        """Send what came after `after`, then whatever comes; we are on the list before we first look."""
        state = None
        read = 0
        kinds: set[str] = set()
        hearing = speech.Listener()
        while True:
            topic = readers.topic_of(self.door, self.address)
            with signals.listen(topic, HEARS) as woken:
                while topic == readers.topic_of(self.door, self.address):
                    if kinds == readers.ONLY_SPEECH:  # nothing is in the log yet, so nobody need look there
                        kinds = await self._hear(hearing, topic, woken, state)
                        continue
                    seen = await readers.look(self.door, Visit(self.address, self.after))
                    self.met = readers.still_there(seen, self.met)
                    about.note(conversation=self.met)
                    if state is None:
                        state = await self._greet(seen)
                    if seen is not None:
                        for entry in seen.messages:
                            await self.send({"type": "message", **wire.message(entry)})
                            self.after = entry.seq
                        if state != _standing(seen):
                            state = _standing(seen)
                            await self.send({"type": "state", **_shown(state)})
                        if "read" in kinds and seen.cursor > read:
                            read = seen.cursor
                            await self.send({"type": "read", "author": "contact", "seq": read})
                        if seen.last_seq > self.after:
                            continue
                    if topic == readers.topic_of(self.door, self.address):
                        kinds = await self._hear(hearing, topic, woken, state)
                        for kind in kinds & TYPING:
                            await self.send({"type": "typing", "author": kind.partition(":")[2]})

    async def _hear(
        self, hearing: speech.Listener, topic: Topic, woken: Woken, state: Standing | None
    ) -> set[str]:
        """Bring the client up to date with what the bot is saying, and wait for the next signal."""
        for frame in hearing.news(topic, hushed=state is not None and readers.is_hushed(*state[:2])):
            await self.send(frame)
        return await woken.wait(3600)

    async def _greet(self, seen: Seen | None) -> Standing:
        """Say how things stand. Who has read further than the log goes has read one that is erased."""
        state = _standing(seen)
        last_seq = seen.last_seq if seen else 0
        if self.after > last_seq:
            self.after = 0
        await self.send(
            {
                "type": "ready",
                **_shown(state),
                "last_seq": last_seq,
                "read_seq": seen.cursor if seen else 0,
            }
        )
        return state

    async def obey(self, text: str) -> None:
        """Do what one frame asks for. Raises `Problem`; one that belongs to a message names its `client_id`."""
        if self.door.rates.on:
            self.frames.take("")
        command: Command = decode(text, Command)  # type: ignore[arg-type]  # a union is no type to mypy
        match command:
            case SendMessage():
                await self._store(command)
            case Typing():
                conversation_id = self.door.conversation_of(self.address)
                if conversation_id is not None:
                    signals.send_many({"typing:contact": [conversation_id]})
            case Read(seq=seq):
                conversation_id = self.door.conversation_of(self.address)
                if conversation_id is not None and 0 < seq <= self.after:
                    await self.door.writer.submit(cursors.move_many, Move(conversation_id, "contact", seq))
            case Handoff():
                self.caller.count_write(self.address)
                row = await self.door.writer.submit(ownership.ask_for_person_many, self.address)
                self.door.remember(self.address, row.id)
            case Ping():
                await self.send({"type": "pong"})

    async def _store(self, command: SendMessage) -> None:
        try:
            text = valid_message(command.text, command.file, "text")
            client_id = valid_client_id(command.client_id, "client_id")
            entry = await batcher.append(self.caller, self.address, text, client_id, command.file)
        except Problem as problem:
            problem.details["client_id"] = command.client_id[:255]
            raise
        sent = {
            "type": "sent",
            "client_id": entry.client_id,
            "seq": entry.seq,
            "created_at": wire.time(entry.created_at),
        }
        await self.send(sent)


def _standing(seen: Seen | None) -> Standing:
    if seen is None:
        return None, "open", None
    return seen.owner, seen.status, places.of(seen.conversation_id) if seen.owner == "queue" else None


def _shown(standing: Standing) -> dict[str, Any]:
    owner, status, place = standing
    shown: dict[str, Any] = {"owner": owner, "status": status}
    return shown if place is None else {**shown, "queue_place": place}


async def visitor_socket(ws: WebSocket) -> None:
    """`/ws/visitor`: see `docs/api/websocket.md` for the frames."""
    caller = Caller(ws, ws.app.state.door)
    await ws.accept()
    try:
        caller.count_connection()
        caller.enter()
        address, after = await _hello(ws, caller)
    except Problem as problem:
        await hang_up(ws, problem)
    except (WebSocketDisconnect, TimeoutError):
        await close(ws, 4401, "Nobody said hello.")
    else:
        visitor = Visitor(ws, caller, address, after)
        following = asyncio.create_task(_follow(visitor))
        try:
            await _listen(visitor)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def _hello(ws: WebSocket, caller: Caller) -> tuple[Address, int]:
    """Who it is: from the header where a client can set one, else from the first frame. Never from the URL."""
    if b"chat-token" in caller.headers:
        return caller.address(), caller.number("after", upto=MAX_SEQ) or 0
    async with asyncio.timeout(HELLO_S):
        frame = await next_frame(ws)
    hello = decode(frame, Hello)
    if hello.after < 0:
        raise Invalid("`after` is a whole number from 0 on.", field="after")
    reception = caller.enter()
    return contacts.address(reception.id, valid_token(hello.token.encode("utf-8", "replace"))), hello.after


async def next_frame(ws: WebSocket) -> str:
    """The next text frame. Raises `WebSocketDisconnect`; hangs up on binary ones."""
    message = await ws.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    text: str | None = message.get("text")
    if text is None:
        await close(ws, 1003, "Only text frames are read here.")
        raise WebSocketDisconnect(1003)
    return text


async def _listen(visitor: Visitor) -> None:
    """Obey frame by frame until the client leaves. A faulty frame gets an error; too many end the connection."""
    faults = 0
    try:
        while True:
            frame = await next_frame(visitor.ws)
            try:
                await visitor.obey(frame)
            except Problem as problem:
                faults += 1
                if faults >= FAULTS:
                    await hang_up(visitor.ws, problem)
                    return
                await visitor.send({**problem.as_json(), "type": "error"})
    except (WebSocketDisconnect, TimeoutError):
        pass  # gone, or as good as gone


async def _follow(visitor: Visitor) -> None:
    """Follow the log until the client is gone; where we cannot go on, the client is told to come again."""
    try:
        await visitor.follow()
    except TimeoutError:
        await close(visitor.ws, 1008, "You do not read.")
    except Unavailable:
        await close(visitor.ws, 1013, "Come again in a moment.")
    except readers.Erased as erased:
        await hang_up(visitor.ws, erased)
    except WebSocketDisconnect:
        pass
    except Exception:
        logger.exception("a visitor's socket broke")
        await close(visitor.ws, 1011, "Something went wrong here.")


async def hang_up(ws: WebSocket, problem: Problem) -> None:
    """Say why, then close with the code that belongs to the problem's status."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        async with asyncio.timeout(SEND_S):
            await ws.send_text(msgspec.json.encode({**problem.as_json(), "type": "error"}).decode())
    code = 4401 if isinstance(problem, TokenInvalid) else CLOSE_CODES.get(problem.status, 4400)
    await close(ws, code, problem.code)


async def close(ws: WebSocket, code: int, reason: str) -> None:
    """End the connection, if it has not ended."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):  # closed already, or deaf
        async with asyncio.timeout(1):
            await ws.close(code, reason)
