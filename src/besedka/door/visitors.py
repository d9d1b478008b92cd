"""Our own API for visitors: write, read by cursor, ask for a person."""

from typing import Any

import msgspec
from starlette.responses import Response

from besedka.conversations import ownership, wire
from besedka.conversations.visits import Visit
from besedka.desk import places
from besedka.door import batcher, readers
from besedka.door.admission import MAX_SEQ, Caller, json_response, valid_client_id, valid_message


class NewMessage(msgspec.Struct):
    """The body of `POST …/messages`."""

    text: str = ""
    client_id: str | None = None
    file: str | None = None  # the key of one that was uploaded; then there may be no text


async def post_message(caller: Caller) -> Response:
    """`POST /api/v1/conversation/messages`: the message, once it is on disk. Sent twice, stored once."""
    address = caller.address()
    body = await caller.json(NewMessage)
    text = valid_message(body.text, body.file, "text")
    if body.client_id is not None:
        client_id = valid_client_id(body.client_id, "client_id")
    else:
        client_id = valid_client_id(caller.header(b"idempotency-key"), "Idempotency-Key")
    entry = await batcher.append(caller, address, text, client_id, body.file)
    return json_response(wire.message(entry), status=201)


async def get_messages(caller: Caller) -> Response:
    """`GET /api/v1/conversation/messages?after=&wait=`: what came after, at most 100; repeatable."""
    address = caller.address()
    caller.count_read()
    after = caller.number("after", upto=MAX_SEQ) or 0
    wait_s = caller.number("wait", upto=readers.MAX_WAIT_S) or 0
    seen = await readers.look_until_news(caller, Visit(address, after), wait_s)
    if seen is None:
        caller.count_guess()
        return json_response({"messages": []})
    return json_response({"messages": [wire.message(entry) for entry in seen.messages]})


async def get_conversation(caller: Caller) -> Response:
    """`GET /api/v1/conversation`: who answers now, and how far it goes."""
    address = caller.address()
    caller.count_read()
    seen = await readers.look(caller.door, Visit(address, after=MAX_SEQ))
    if seen is None:
        caller.count_guess()
        return json_response({"status": "open", "owner": None, "last_seq": 0, "read_seq": 0})
    shown: dict[str, Any] = {
        "status": seen.status,
        "owner": seen.owner,
        "last_seq": seen.last_seq,
        "read_seq": seen.cursor,
    }
    place = places.of(seen.conversation_id) if seen.owner == "queue" else None
    return json_response(shown if place is None else {**shown, "queue_place": place})


async def post_handoff(caller: Caller) -> Response:
    """`POST /api/v1/conversation/handoff`: the visitor wants a person. Asking again changes nothing."""
    address = caller.address()
    door = caller.door
    caller.count_write(address)
    row = await door.writer.submit(ownership.ask_for_person_many, address)
    door.remember(address, row.id)
    return json_response({"owner": row.owner, "status": row.status})


async def get_widget(caller: Caller) -> Response:
    """`GET /api/v1/widget`: how the chat of this inbox presents itself."""
    reception = caller.enter()
    return json_response(
        {
            "inbox": reception.public_key,
            "title": reception.title,
            "greeting": reception.greeting,
            "popular_questions": reception.popular_questions,
            "language": reception.language,
            "bot": reception.has_bot,
        }
    )
