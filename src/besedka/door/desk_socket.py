"""The console's WebSocket, `/ws/desk?uuid=…`: snapshots and streams without a hole, commands with ids."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from besedka.accounts import tickets
from besedka.accounts.tickets import Person, TicketInvalid
from besedka.conversations import signals
from besedka.desk import duty, presence
from besedka.desk.duty import Post
from besedka.door import desk_acts, desk_commands, desk_stream
from besedka.door.admission import Caller, OriginNotAllowed, decode, is_own
from besedka.door.desk_acts import NotAtDesk
from besedka.door.desk_commands import Command, InConversation, Leave, Open, Ping, Typing, Watch
from besedka.door.desk_counts import Counted
from besedka.door.limits import Rate
from besedka.door.sockets import FAULTS, SEND_S, close, hang_up, next_frame
from besedka.problems import Problem, Unavailable

logger = logging.getLogger(__name__)

RECHECK_S = 30  # seconds until somebody who may not be here any more is shown out
RIGHTS = frozenset({signals.RIGHTS})
OPEN_AT_ONCE = 20  # conversations that one window may look at


class Console:
    """One window of an operator: what it looks at, and the tasks that keep it fresh."""

    def __init__(self, ws: WebSocket, caller: Caller, person: Person, post: Post) -> None:
        self.ws, self.door = ws, caller.door
        self.person, self.post = person, post
        self.frames = Rate("frames", burst=200, per_s=50)
        self.watching: asyncio.Task[None] | None = None
        self.open: dict[int, asyncio.Task[None]] = {}

    async def send(self, frame: dict[str, Any]) -> None:
        """Send one frame. Raises `WebSocketDisconnect` when we have hung up, TimeoutError when nobody reads."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnect(1006)
        async with asyncio.timeout(SEND_S):
            await self.ws.send_text(msgspec.json.encode(frame).decode())

    async def obey(self, frame: str) -> None:
        """Do what one frame asks for, and say that it is done. Raises `Problem`."""
        if self.door.rates.on:
            self.frames.take("")
        command: Command = decode(frame, Command)  # type: ignore[arg-type]  # a union is no type to mypy
        try:
            desk_commands.check(command)
            done = await self._do(command)
        except Problem as problem:
            problem.details["id"] = getattr(command, "id", None)
            raise
        if done is not None:
            await self.send({"type": "done", "id": getattr(command, "id", None), **done})

    async def _do(self, command: Command) -> dict[str, Any] | None:
        if isinstance(command, InConversation):
            await desk_acts.admit(self.door, self.post, command.conversation)
        match command:
            case Ping():
                await self.send({"type": "pong"})
                return None
            case Typing(conversation=conversation_id):
                desk_acts.types(self.post, conversation_id)
                return None
            case Watch():
                self._watch(command)
                return {}
            case Open():
                await self._open(command)
                return None
            case Leave(conversation=conversation_id):
                self._leave(conversation_id)
                return {}
            case _:
                return await desk_acts.do(self.door, self.post, command)

    def _watch(self, watch: Watch) -> None:
        if self.watching is not None:
            self.watching.cancel()
        inbox_ids = desk_acts.inboxes(self.post, watch.inbox)
        follow = partial(desk_stream.follow_list, self.door, self.send, watch, self.post.user_id, inbox_ids)
        self.watching = asyncio.create_task(self._guarded(follow))

    async def _open(self, command: Open) -> None:
        """Answer with what there is, and only then begin to tell what comes."""
        self._leave(command.conversation)
        if len(self.open) >= OPEN_AT_ONCE:
            self._leave(next(iter(self.open)))
        opened = await desk_acts.open_one(self.door, self.post, command)
        people = presence.who(command.conversation)
        await self.send({"type": "done", "id": command.id, **msgspec.structs.asdict(opened), "people": people})
        presence.come(command.conversation, self.post.user_id, self.post.name)
        follow = partial(desk_stream.follow_conversation, self.door, self.send, opened, self.post.user_id)
        self.open[command.conversation] = asyncio.create_task(self._guarded(follow))

    def _leave(self, conversation_id: int) -> None:
        following = self.open.pop(conversation_id, None)
        if following is not None:
            following.cancel()
            presence.leave(conversation_id, self.post.user_id)

    async def stay(self, known: Counted) -> None:
        """Keep the counters fresh, and look at each change of their rights whether they may still be here.

        And now and then without one: a signal can be lost, and not every change gives one.
        """
        post = self.post
        follow = partial(desk_stream.follow_counts, self.door, self.send, known, post.user_id, post.inbox_ids)
        counting = asyncio.create_task(self._guarded(follow))
        try:
            with signals.listen(signals.topic_of_user(post.user_id), RIGHTS) as woken:
                while await self._may_stay():
                    await woken.wait(RECHECK_S)
        finally:
            counting.cancel()

    async def _may_stay(self) -> bool:
        """Whether everything is as it was; if it is not, this window is closed with what has become of it."""
        post: Post | None = await self.door.desk_reader.submit(duty.of_user_many, self.person.user_id)
        # After the post, which a person who is switched off between the two has no more either.
        person = await self.door.desk_reader.submit(tickets.known_many, self.person.user_id)
        if person is not None and (post is None or not post.is_enabled):
            await hang_up(self.ws, NotAtDesk())
        elif person is None or person.fingerprint != self.person.fingerprint:
            await hang_up(self.ws, TicketInvalid("You are not signed in any more."))
        elif post is None or _reach(post) != _reach(self.post):
            await close(self.ws, 1012, "You may see something else now: come again.")
        else:
            return True
        return False

    async def _guarded(self, follow: Callable[[], Awaitable[None]]) -> None:
        """Follow until the client is gone; where we cannot go on, the client is told to come again."""
        try:
            await follow()
        except TimeoutError:
            await close(self.ws, 1008, "You do not read.")
        except Unavailable:
            await close(self.ws, 1013, "Come again in a moment.")
        except WebSocketDisconnect:
            pass  # gone
        except Exception:
            logger.exception("the console's stream broke")
            await close(self.ws, 1011, "Something went wrong here.")

    def shut(self) -> None:
        """Nothing is followed any more."""
        if self.watching is not None:
            self.watching.cancel()
        for conversation_id in list(self.open):
            self._leave(conversation_id)


async def desk_socket(ws: WebSocket) -> None:
    """Let an operator with a ticket in; see `docs/api/desk.md` for the frames."""
    caller = Caller(ws, ws.app.state.door)
    await ws.accept()
    try:
        caller.count_connection()
        console = await _admit(ws, caller)
        known = await desk_stream.ready(caller.door, console.send, console.post)
    except Problem as problem:
        await hang_up(ws, problem)
        return
    except (WebSocketDisconnect, TimeoutError):
        return
    staying = asyncio.create_task(console._guarded(partial(console.stay, known)))
    try:
        await _listen(console)
    finally:
        staying.cancel()
        console.shut()


async def _admit(ws: WebSocket, caller: Caller) -> Console:
    """Who it is, by the ticket, which is used up. Raises `OriginNotAllowed`, `TicketInvalid`, `NotAtDesk`."""
    origin = caller.header(b"origin")
    if origin is not None and not is_own(ws, origin):
        raise OriginNotAllowed("Pages of other sites may not sit at the desk.", origin=origin)
    person: Person = await caller.door.writer.submit(tickets.redeem_many, ws.query_params.get("uuid", "")[:100])
    post: Post | None = await caller.door.writer.submit(duty.of_user_many, person.user_id)
    if post is None or not post.is_enabled:
        raise NotAtDesk()
    return Console(ws, caller, person, post)


def _reach(post: Post) -> tuple[bool, tuple[int, ...] | None]:
    """What an operator may see and do beside being one."""
    return post.is_supervisor, post.inbox_ids


async def _listen(console: Console) -> None:
    """Obey frame by frame until the client leaves; a faulty frame gets an error, too many end the connection."""
    faults = 0
    try:
        while True:
            frame = await next_frame(console.ws)
            try:
                await console.obey(frame)
            except Problem as problem:
                faults += problem.status == 400
                if faults >= FAULTS:
                    await hang_up(console.ws, problem)
                    return
                await console.send({**problem.as_json(), "type": "error"})
    except (WebSocketDisconnect, TimeoutError):
        pass  # gone, or as good as gone
