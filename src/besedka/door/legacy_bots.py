"""Contract §2–3: `POST /api/bots/{id}/chat/`. It waits for the bot: that is cheap here, in Django a thread."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import msgspec
from starlette.responses import Response, StreamingResponse

from besedka.conversations import signals, speech
from besedka.conversations.contacts import Address
from besedka.conversations.reactions import Asked
from besedka.door.admission import Caller, json_response, render, valid_client_id, valid_text
from besedka.door.house import Door
from besedka.door.streams import event
from besedka.problems import Invalid, NotFound, Problem, Unavailable
from besedka.turns import chats
from besedka.turns.chats import Outcome, Post
from besedka.turns.run import DEADLINE_S

SESSION_LENGTH = 200
ID_LENGTH = 18  # digits: what every database takes for an id
LOOK_S = 1  # seconds until the outcome is looked for without a signal
GRACE_S = 10  # beyond a turn's own deadline: a worker that died is missed, and another one takes over

_HEARS = frozenset({"new", "state", "delta"})


class Said(msgspec.Struct):
    """The body."""

    message: str
    user_session: str


class TurnUnfinished(Unavailable):
    """The bot has not answered in time. What you said is stored: ask again with the same Idempotency-Key."""

    code = "turn_unfinished"


async def post_chat(caller: Caller) -> Response:
    """Say something to a bot; what it answers, when its turn is done, or as it speaks to who accepts a stream."""
    written = caller.request.path_params["bot_id"]
    if not (written.isascii() and written.isdigit() and len(written) <= ID_LENGTH):
        raise NotFound()
    body = await caller.json(Said)
    post = Post(
        int(written),
        _valid_session(body.user_session),
        valid_text(body.message, "message"),
        valid_client_id(caller.header(b"idempotency-key"), "Idempotency-Key"),
    )
    address = Address(-post.bot_id, post.user_session, kind="session")  # for the rates: one of each name and bot
    caller.count_write(address)
    asked = await caller.door.writer.submit(chats.post_many, post)
    caller.door.remember(address, asked.conversation_id)
    if "text/event-stream" in (caller.header(b"accept") or ""):
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_events(caller.door, asked), media_type="text/event-stream", headers=headers)
    outcome = await _outcome(caller.door, asked)
    return json_response(_shown(outcome))


async def _outcome(door: Door, asked: Asked) -> Outcome:
    """What came of it, as soon as something did. Raises `TurnUnfinished`."""
    async with contextlib.aclosing(_looks(door, asked)) as looks:
        async for outcome in looks:
            if outcome.done:
                return outcome
    raise TurnUnfinished


async def _looks(door: Door, asked: Asked) -> AsyncGenerator[Outcome, None]:
    """The outcome each time that something is new, until it is done or time is up. Listens before it looks."""
    deadline = asyncio.get_running_loop().time() + DEADLINE_S + GRACE_S
    with signals.listen(asked.conversation_id, _HEARS) as woken:
        while True:
            outcome = await door.reader.submit(chats.outcome_many, asked)
            yield outcome
            if outcome.done or asyncio.get_running_loop().time() > deadline:
                return
            await woken.wait(LOOK_S)


async def _events(door: Door, asked: Asked) -> AsyncIterator[bytes]:
    """What the bot is saying while it speaks, then what it said; a refusal in the place of that."""
    hearing = speech.Listener()
    try:
        async with contextlib.aclosing(_looks(door, asked)) as looks:
            async for outcome in looks:
                for frame in hearing.news(asked.conversation_id):
                    yield event(frame.pop("type"), frame)
                if outcome.done:
                    yield event("done", _shown(outcome))
                    return
        raise TurnUnfinished
    except Problem as problem:
        yield event("problem", msgspec.json.decode(render(problem).body))


def _shown(outcome: Outcome) -> dict[str, object]:
    return {
        "response": outcome.response,
        "execution_id": outcome.execution_id,
        "tokens_used": outcome.tokens_used,
    }


def _valid_session(session: str) -> str:
    if not session.strip() or len(session) > SESSION_LENGTH or "\0" in session:
        raise Invalid(f"`user_session` is a name of 1 to {SESSION_LENGTH} characters.", field="user_session")
    return session
