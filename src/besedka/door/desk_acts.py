"""The commands of operators: from a frame to the function of the heart or the desk that does it."""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

from starlette.responses import Response

from besedka.accounts import tickets
from besedka.accounts.tickets import Person
from besedka.conversations import audit, closing, cursors, details, ownership, queries, signals
from besedka.conversations.audit import Deed
from besedka.conversations.changes import Change
from besedka.conversations.cursors import Move
from besedka.conversations.details import Description
from besedka.conversations.log import Want
from besedka.conversations.queries import Listing
from besedka.conversations.rows import Row
from besedka.desk import duty, notes, outside, presence, reading, replies, searching
from besedka.desk.duty import Post
from besedka.desk.notes import Remark
from besedka.desk.reading import Opened, Opening
from besedka.desk.replies import Reply
from besedka.desk.searching import Query
from besedka.door import desk_commands as commands
from besedka.door import desk_stream, files
from besedka.door.admission import MAX_SEQ, Caller, OriginNotAllowed, is_own, json_response
from besedka.door.house import Door
from besedka.problems import NotFound, Problem

_CHANGES: dict[type, Callable[[list[Change]], Sequence[Row | Problem]]] = {
    commands.Claim: ownership.claim_many,
    commands.Return: ownership.return_many,
    commands.Transfer: outside.transfer_many,
    commands.Close: closing.close_many,
    commands.Reopen: closing.reopen_many,
    commands.Snooze: closing.snooze_many,
}


class NotAtDesk(Problem):
    """Only operators whom an administrator has enabled sit here."""

    code = "not_at_desk"
    status = 403


async def admit(door: Door, post: Post, conversation_id: int) -> None:
    """Raise `NotFound` for a conversation that is not there, or not of an inbox that this operator serves."""
    standing = await door.desk_reader.submit(queries.standings_many, conversation_id)
    if standing is None or not post.serves(standing.inbox_id):
        raise NotFound()


def inboxes(post: Post, wanted: int | None) -> tuple[int, ...] | None:
    """The inboxes of a list: the wanted one, or all that this operator serves."""
    if wanted is None:
        return post.inbox_ids
    return (wanted,) if post.serves(wanted) else ()


async def open_one(door: Door, post: Post, command: commands.Open) -> Opened:
    """What there is to see of a conversation; that it was looked at is put on record."""
    opening = Opening(command.conversation, post.user_id, command.after)
    opened: Opened = await door.desk_reader.submit(reading.open_many, opening)
    await door.writer.submit(audit.record_many, Deed("read", post.user_id, command.conversation), durable=False)
    return opened


def types(post: Post, conversation_id: int) -> None:
    """The operator is writing: colleagues see who, the contact sees that somebody is."""
    presence.types(conversation_id, post.user_id)
    signals.send_many({"typing:operator": [conversation_id]})


async def do(door: Door, post: Post, command: commands.Command) -> dict[str, Any]:
    """Do it; what belongs to the answer. Raises `Problem`."""
    match command:
        case commands.GetPage():
            where = (command.list, post.user_id, inboxes(post, command.inbox), command.after, command.size)
            page = await door.desk_reader.submit(queries.list_many, Listing(*where))
            return {"cards": page.cards, "more": page.more}
        case commands.Search():
            query = Query(command.q, post.user_id, inboxes(post, command.inbox), command.before)
            return await door.desk_reader.submit(searching.find_many, query)
        case commands.Earlier():
            want = Want(command.conversation, command.after, max(0, command.before - 1))
            return {"messages": await door.desk_reader.submit(reading.read_many, want)}
        case commands.SendReply():
            return await _send(door, post, command)
        case commands.WriteNote():
            remark = Remark(command.conversation, post.user_id, command.text, command.id)
            return {"note": await door.writer.submit(notes.note_many, remark)}
        case commands.Describe():
            wish = Description(command.conversation, post.user_id, command.name, command.email, command.phone)
            await door.writer.submit(details.describe_many, wish)
            return {"contact": await door.desk_reader.submit(reading.contact_many, command.conversation)}
        case commands.Read():
            move = Move(command.conversation, queries.reader(post.user_id), command.seq)
            await door.writer.submit(cursors.move_many, move, durable=False)
            signals.send_many({"desk": [desk_stream.read_topic(post.user_id)]})
            return {}
        case commands.Duty(on=on):
            done = await door.writer.submit(duty.start_many if on else duty.end_many, post.user_id)
            return {"was": done} if on else {}
        case _:
            return await _change(door, post, command)


async def _change(door: Door, post: Post, command: Any) -> dict[str, Any]:
    until = getattr(command, "until", None)
    change = Change(
        conversation_id=command.conversation,
        operator_id=post.user_id,
        owner_version=command.owner_version,
        over=post.is_supervisor and not isinstance(command, commands.Claim),
        to=getattr(command, "to", None),
        until=until.astimezone(UTC) if until is not None else None,
    )
    row: Row = await door.writer.submit(_CHANGES[type(command)], change)
    return await _card(door, post, row.id)


async def _send(door: Door, post: Post, command: commands.SendReply) -> dict[str, Any]:
    reply = Reply(
        operator_id=post.user_id,
        conversation_id=command.conversation,
        text=command.text,
        payload={"edits": command.edits} if command.edits is not None else None,
        client_id=command.id,
        owner_version=command.owner_version,
        file=command.file,
    )
    entry = await door.writer.submit(replies.reply_many, reply)
    standing = await door.desk_reader.submit(queries.standings_many, entry.conversation_id)
    if standing is not None and standing.owner_version == command.owner_version:
        return {"seq": entry.seq}
    return {"seq": entry.seq, **await _card(door, post, entry.conversation_id)}


async def post_file(caller: Caller) -> Response:
    """`POST /api/v1/desk/files?conversation=&name=`: the body is the file, the header `ticket` says whose."""
    origin = caller.header(b"origin")
    if origin is not None and not is_own(caller.request, origin):
        raise OriginNotAllowed("Pages of other sites may not sit at the desk.", origin=origin)
    ticket = (caller.header(b"ticket") or "")[:100]
    person: Person = await caller.door.writer.submit(tickets.redeem_many, ticket)
    post: Post | None = await caller.door.writer.submit(duty.of_user_many, person.user_id)
    if post is None or not post.is_enabled:
        raise NotAtDesk()
    conversation_id = caller.number("conversation", upto=MAX_SEQ) or 0
    await admit(caller.door, post, conversation_id)
    return json_response(files.shown(await files.receive(caller, conversation_id=conversation_id)), status=201)


async def _card(door: Door, post: Post, conversation_id: int) -> dict[str, Any]:
    return {"card": await door.desk_reader.submit(desk_stream.card_many, (conversation_id, post.user_id))}
