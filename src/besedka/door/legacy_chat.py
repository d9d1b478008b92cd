"""Contract §1, site chat with AI first, a human behind it: translate, nothing else."""

import asyncio
import logging
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from besedka.conversations import cursors, log, wire
from besedka.conversations.cursors import Move
from besedka.conversations.visits import Visit
from besedka.conversations.wire import Entry
from besedka.door import batcher, readers
from besedka.door.admission import MAX_SEQ, Caller, TokenInvalid, json_response, valid_client_id, valid_text
from besedka.door.house import Door
from besedka.problems import Unavailable

logger = logging.getLogger(__name__)

STORED = msgspec.json.encode({"message": "Успех"})
CHAT_ENDED = "Чат окончен."  # byte for byte: the old page waits for it
NO_TOKEN = "Токен не был передан в заголовках"

REMEMBERED_S = 30  # after the cursor has moved: whoever has read before that may answer after it
READER = "site_chat"  # the cursor of clients that cannot say how far they have read
# Our own notices are shown as an operator's: the old page stops asking once the newest message is by GPT.
USERS = {"bot": "GPT", "operator": "OPERATOR", "system": "OPERATOR"}
SHOWN = frozenset(USERS)


class TokenMissing(TokenInvalid):
    """The header `chat-token` is missing."""


class Question(msgspec.Struct):
    """The body of `POST /gpt`."""

    message: str


async def post_gpt(caller: Caller) -> Response:
    """`POST /api/v1/gpt`: store the question; the reply is made in the background."""
    _insist_on_token(caller)
    address = caller.address()
    question = await caller.json(Question)
    text = valid_text(question.message, "message")
    client_id = valid_client_id(caller.header(b"idempotency-key"), "Idempotency-Key")
    await batcher.append(caller, address, text, client_id)
    return Response(STORED, status_code=201, media_type="application/json")


async def get_message(caller: Caller) -> Response:
    """`GET /api/v1/message`: what was not yet handed out, once; with `?after=` what came after, repeatably."""
    _insist_on_token(caller)
    address = caller.address()
    door = caller.door
    caller.count_read()
    after = caller.number("after", upto=MAX_SEQ) if caller.request.scope["query_string"] else None
    wait_s = (caller.number("wait", upto=readers.MAX_WAIT_S) or 0) if caller.request.scope["query_string"] else 0
    seen = await readers.look_until_news(caller, Visit(address, after, READER), wait_s, SHOWN)
    if seen is None:
        caller.count_guess()
        return json_response({"messages": []})
    shown = [entry for entry in seen.messages if entry.author in SHOWN]
    site = caller.site
    if after is not None:
        return json_response({"messages": [{**_shown(entry, site), "seq": entry.seq} for entry in shown]})
    gone = door.handed_out.get(seen.conversation_id, 0)
    fresh = [_shown(entry, site) for entry in shown if entry.seq > gone]
    if not shown and len(seen.messages) < log.PAGE:
        return json_response({"messages": []})
    return HandedOut({"messages": fresh}, door, Move(seen.conversation_id, READER, seen.messages[-1].seq))


class HandedOut(Response):
    """A response whose messages count as handed out once it has gone out whole."""

    media_type = "application/json"

    def __init__(self, content: dict[str, Any], door: Door, move: Move) -> None:
        super().__init__(msgspec.json.encode(content), headers={"Cache-Control": "no-store"})
        self._door, self._move = door, move

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send, then move the cursor. Meanwhile, and for a while after, this process remembers it itself.

        A HEAD takes nothing along, and who has hung up gets nothing: the server would not tell us afterwards.
        """
        if scope["method"] != "HEAD" and await Request(scope, receive).is_disconnected():
            return
        await super().__call__(scope, receive, send)
        if scope["method"] == "HEAD":
            return
        door, move = self._door, self._move
        door.handed_out[move.conversation_id] = max(move.seq, door.handed_out.get(move.conversation_id, 0))
        remembered_s = REMEMBERED_S
        try:
            await door.writer.submit(cursors.move_many, move, durable=False)
        except Unavailable:
            logger.warning("conversation %d: no cursor stored; these messages come again", move.conversation_id)
            remembered_s = 0
        finally:
            asyncio.get_running_loop().call_later(remembered_s, _forget, door, move)


def _forget(door: Door, move: Move) -> None:
    if door.handed_out.get(move.conversation_id) == move.seq:
        del door.handed_out[move.conversation_id]


def _shown(entry: Entry, site: str) -> dict[str, str]:
    closed = entry.author == "system" and (entry.payload or {}).get("event") == "closed"
    text = CHAT_ENDED if closed else wire.plain(entry, site=site)
    return {"message": text, "date_create": wire.time(entry.created_at), "user": USERS[entry.author]}


def _insist_on_token(caller: Caller) -> None:
    if b"chat-token" not in caller.headers:
        raise TokenMissing(message=NO_TOKEN)
