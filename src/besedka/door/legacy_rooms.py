"""Contract §4: the support chat over WebSocket, `/ws/chat/{room}/?uuid=…`, for customers and staff."""

import asyncio
import logging
import time

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from besedka import about
from besedka.accounts import tickets
from besedka.accounts.tickets import Person, TicketInvalid
from besedka.conversations import cursors, log, queries, rooms, signals, wire
from besedka.conversations.batcher import Batcher
from besedka.conversations.cursors import Move
from besedka.conversations.log import Append, Want
from besedka.conversations.rooms import Entrance
from besedka.desk import duty, replies
from besedka.desk.duty import Post
from besedka.desk.replies import Reply
from besedka.door.admission import Caller, decode, valid_text
from besedka.door.limits import Rate
from besedka.door.sockets import FAULTS, SEND_S, close, hang_up, next_frame
from besedka.problems import NotFound, Problem, Unavailable

logger = logging.getLogger(__name__)

RECHECK_S = 30  # seconds until who may not be here any more is shown out, where no signal says so at once
ID_LENGTH = 18
_HEARS = frozenset({"new", signals.RIGHTS})
_USERS = {"contact": "customer", "operator": "support", "bot": "bot"}  # a system message is no message of anybody


class Said(msgspec.Struct):
    """A frame of a client."""

    message: str


class Guest:
    """One connection of somebody in a room."""

    def __init__(self, ws: WebSocket, caller: Caller, person: Person, room: int, *, supports: bool) -> None:
        self.ws, self.caller, self.door = ws, caller, caller.door
        self.person, self.room, self.supports = person, room, supports
        self.frames = Rate("frames", burst=60, per_s=5)

    async def send(self, frame: dict[str, object]) -> None:
        """Send one frame. Raises TimeoutError when the client does not read."""
        async with asyncio.timeout(SEND_S):
            await self.ws.send_text(msgspec.json.encode(frame).decode())

    async def follow(self) -> None:
        """Send the history, then whatever comes; we are on the list before we first look."""
        after, checked, kinds = 0, 0.0, {signals.RIGHTS}
        topics = (self.room, signals.topic_of_user(self.person.user_id))
        with signals.listen_to_all(topics, _HEARS) as woken:
            while True:
                if signals.RIGHTS in kinds or time.monotonic() - checked > RECHECK_S:
                    checked = time.monotonic()
                    await self.recheck()
                want = Want(self.room, after, after + log.PAGE)
                page = await self.door.reader.submit(log.read_many, want)
                for entry in page:
                    if (entry.payload or {}).get("event") == "erased":
                        raise NotFound("The data of this room is erased.")
                    if entry.author in _USERS:
                        await self.send(_shown(entry, self.caller.site))
                    after = entry.seq
                if page and self.supports:
                    await self.door.writer.submit(
                        cursors.move_many, Move(self.room, rooms.STAFF, after), durable=False
                    )
                kinds = set() if page else await woken.wait(RECHECK_S)

    async def recheck(self) -> None:
        """Raise `TicketInvalid` for somebody who may not be here any more."""
        person = await self.door.reader.submit(tickets.known_many, self.person.user_id)
        if person is None or person.fingerprint != self.person.fingerprint:
            raise TicketInvalid("You are not signed in any more.")
        if self.supports and not await _supports(self.door.reader, self.person, self.room):
            raise TicketInvalid("You do not answer here any more.")

    async def obey(self, frame: str) -> None:
        """Say what the frame says. Raises `Problem`."""
        if self.door.rates.on:
            self.frames.take("")
        text = valid_text(decode(frame, Said).message, "message")
        if self.supports:
            await self.door.writer.submit(replies.reply_many, Reply(self.person.user_id, self.room, text))
        else:
            await self.door.writer.submit(log.append_many, Append("contact", text, conversation_id=self.room))


async def room_socket(ws: WebSocket) -> None:
    """Let a person with a ticket into a room that is theirs; everybody in it hears what is said."""
    caller = Caller(ws, ws.app.state.door)
    await ws.accept()
    try:
        caller.count_connection()
        guest = await _admit(ws, caller)
    except Problem as problem:
        await hang_up(ws, problem)
        return
    about.note(conversation=guest.room)
    following = asyncio.create_task(_follow(guest))
    try:
        await _listen(guest)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _admit(ws: WebSocket, caller: Caller) -> Guest:
    """Who it is, by the ticket, which is used up; and whether the room is theirs. Raises `Problem`."""
    room = ws.path_params["room"]
    person: Person = await caller.door.writer.submit(tickets.redeem_many, ws.query_params.get("uuid", "")[:100])
    if not (room.isascii() and room.isdigit() and len(room) <= ID_LENGTH):
        raise NotFound()
    supports = await _supports(caller.door.writer, person, int(room))
    entered = await caller.door.reader.submit(rooms.enter_many, Entrance(int(room), person.user_id, supports))
    return Guest(ws, caller, person, entered, supports=supports)


async def _supports(batcher: Batcher, person: Person, room: int) -> bool:
    """Whether this person answers in the inbox of this room. The first time that staff comes, it gets a post."""
    post: Post | None = await batcher.submit(duty.of_user_many, person.user_id)
    standing = await batcher.submit(queries.standings_many, room)
    return post is not None and post.is_enabled and standing is not None and post.serves(standing.inbox_id)


async def _listen(guest: Guest) -> None:
    """Obey frame by frame until the client leaves; a faulty frame gets an error, too many end the connection."""
    faults = 0
    try:
        while True:
            frame = await next_frame(guest.ws)
            try:
                await guest.obey(frame)
            except Problem as problem:
                faults += 1
                if faults >= FAULTS:
                    await hang_up(guest.ws, problem)
                    return
                await guest.send({**problem.as_json(), "type": "error"})
    except (WebSocketDisconnect, TimeoutError):
        pass  # gone, or as good as gone


async def _follow(guest: Guest) -> None:
    try:
        await guest.follow()
    except TimeoutError:
        await close(guest.ws, 1008, "You do not read.")
    except Unavailable:
        await close(guest.ws, 1013, "Come again in a moment.")
    except Problem as problem:
        await hang_up(guest.ws, problem)
    except WebSocketDisconnect:
        pass
    except Exception:
        logger.exception("a room's socket broke")
        await close(guest.ws, 1011, "Something went wrong here.")


def _shown(entry: wire.Entry, site: str) -> dict[str, object]:
    return {
        "message": wire.plain(entry, site=site),
        "user": _USERS[entry.author],
        "seq": entry.seq,
        "created_at": wire.time(entry.created_at),
    }
