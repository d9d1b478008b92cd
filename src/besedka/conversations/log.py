"""The one way in and out of the log. A message exists when its row is committed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.conversations import attachments, contacts, deliveries, episodes, rows, signals, sql, wire
from besedka.conversations.attachments import Kept, Taking
from besedka.conversations.contacts import Address
from besedka.conversations.rows import Row
from besedka.conversations.signals import Topic
from besedka.conversations.wire import Entry
from besedka.problems import NotFound, Problem

PAGE = 100  # messages that one read gives at most

_COLUMNS = {
    "conversation_id": "bigint",
    "seq": "int",
    "author": "text",
    "text": "text",
    "payload": "jsonb",
    "client_id": "text",
    "created_at": "timestamptz",
    "operator_id": "bigint",
}


class Stale(Problem):
    """Somebody else has become the owner of this conversation."""

    code = "stale_owner"
    status = 409


class IdempotencyKeyReused(Problem):
    """This id already belongs to a message with another text."""

    code = "idempotency_key_reused"
    status = 422


class Fence(msgspec.Struct, frozen=True):
    """What a writer saw when it began: it may write only as long as this still holds."""

    owner_version: int
    lease_key: str


class Append(msgspec.Struct, frozen=True):
    """A message that wants to be in the log of the conversation at `address`, or of the one with that id."""

    author: str
    text: str
    address: Address | None = None
    conversation_id: int | None = None
    client_id: str | None = None
    payload: dict[str, Any] | None = None
    fence: Fence | None = None
    operator_id: int | None = None  # who it was, where an operator wrote it
    file: str | None = None  # the key of a file that comes along
    settled: bool = False  # nobody owes a reaction to it


class Want(msgspec.Struct, frozen=True):
    """A wish to read: what came in a conversation after `after`, up to `upto` at most."""

    conversation_id: int
    after: int
    upto: int


@transaction.atomic(savepoint=False)
def append_many(appends: Sequence[Append], *, now: datetime | None = None) -> list[Entry | Problem]:
    """Store each message at the next `seq` of its conversation, in the order given; make who and what is new.

    One result for each, in the same order: the entry, or why it was refused (`NotFound`, also of a file, `Stale`,
    `IdempotencyKeyReused`), which touches none of the others. A client id that the same author has used in this
    conversation gives the entry that is there. What a contact says to a bot makes the bot's turn due; what it says
    in a closed conversation opens the next episode. Whoever listens is woken after the commit.
    """
    now = now or timezone.now()
    located, born = contacts.locate_many([a.address for a in appends if a.address is not None], now)
    locked = {row.id: row for row in located.values()}  # a conversation has one row here, however it is named
    named = {a.conversation_id for a in appends if a.conversation_id is not None}
    locked |= rows.lock_many(named - locked.keys())
    targets = [
        located.get(a.address) if a.address is not None else locked.get(a.conversation_id or 0) for a in appends
    ]
    present = _present(appends, targets)
    offered = _offered(appends, targets)
    taken: list[Taking] = []
    results: list[Entry | Problem] = []
    inserts: list[Entry] = []
    result: Entry | Problem | None
    for append, row in zip(appends, targets, strict=True):
        result = _refusal_or_repeat(append, row, present)
        carried = None
        if result is None and row is not None and append.file is not None:
            taken.append(Taking(append.file, row.id))
            carried = offered.pop(taken[-1], None)
            if carried is None:
                result = attachments.unknown()
                taken.pop()
        if result is None and row is not None:
            entry = _place(append, row, now, carried)
            result = entry
            inserts.append(entry)
            if append.client_id is not None:
                present[row.id, append.author, append.client_id] = entry
        results.append(result or NotFound())
    write(inserts)
    attachments.mark_many(taken, now)
    watched = [entry for entry in inserts if locked[entry.conversation_id].watched]
    if watched:
        deliveries.bring_many(watched, now)
    touched = {row.id: row for row in targets if row is not None and (row.grown or row.changed)}
    rows.save_many(touched.values(), now)
    _announce(touched, born)
    return results


def find_many(wanted: Sequence[tuple[int, str, str]]) -> list[Entry | None]:
    """The message that this author stored in this conversation under this client id, where there is one."""
    found = _stored([(conversation_id, client_id) for conversation_id, _, client_id in wanted])
    return [found.get(one) for one in wanted]


def write(entries: Sequence[Entry]) -> None:
    """Insert messages whose places were given out in this transaction."""
    if entries:
        at = sql.moment(entries[0].created_at)
        sql.insert("conversations_message", _COLUMNS, [_values(entry, at) for entry in entries])


def read_many(wants: Iterable[Want]) -> list[list[Entry]]:
    """For each wish its messages in order, at most `PAGE`. As `seq` has no hole, a page is a range."""
    asked = [(w.conversation_id, w.after, min(w.upto, w.after + PAGE)) for w in wants]
    open_ranges = sorted({want for want in asked if want[2] > want[1]})
    found: dict[tuple[int, int], Entry] = {}
    if open_ranges:
        entries = [wire.from_select(values) for values in sql.select(*sql.ranges(wire.COLUMNS, open_ranges))]
        found = {(entry.conversation_id, entry.seq): entry for entry in entries}
    return [
        [found[conversation_id, seq] for seq in range(after + 1, upto + 1) if (conversation_id, seq) in found]
        for conversation_id, after, upto in asked
    ]


def _refusal_or_repeat(
    append: Append, row: Row | None, present: dict[tuple[int, str, str], Entry]
) -> Entry | Problem | None:
    """Why this message gets no place, or the place it has already; None when it is to get one."""
    if row is None:
        return NotFound()
    if append.client_id is not None:
        earlier = present.get((row.id, append.author, append.client_id))
        if earlier is not None:
            same = earlier.text == append.text and _file_of(earlier.payload) == (
                append.file or _file_of(append.payload)
            )
            return earlier if same else IdempotencyKeyReused(client_id=append.client_id)
    fence = append.fence
    if fence is not None and (fence.owner_version != row.owner_version or fence.lease_key != row.lease_key):
        return Stale(owner=row.owner)
    if append.operator_id is not None and row.operator_id != append.operator_id:
        return Stale(owner=row.owner)
    return None


def _place(append: Append, row: Row, now: datetime, carried: Kept | None) -> Entry:
    """Give the message the next place, and note what follows from it for the conversation."""
    if append.author == "contact":
        if row.status != "open":
            episodes.go_on(row, now)
        row.heard_seq = row.last_seq + 1
        if append.settled and row.due_at is None:
            row.reacted_seq, row.changed = row.heard_seq, True
        elif row.owner == "bot" and row.due_at is None:
            row.due_at, row.changed = now, True
    row.last_seq += 1
    row.grown = True
    payload = append.payload if carried is None else {**(append.payload or {}), **attachments.payload(carried)}
    said = (append.author, append.text, append.client_id, now, payload, append.operator_id)
    return Entry(row.id, row.last_seq, *said)


def _offered(appends: Sequence[Append], targets: Sequence[Row | None]) -> dict[Taking, Kept]:
    """The files that these messages may carry."""
    takings = [
        Taking(append.file, row.id)
        for append, row in zip(appends, targets, strict=True)
        if append.file is not None and row is not None
    ]
    return attachments.look_many(takings) if takings else {}


def _file_of(payload: dict[str, Any] | None) -> str | None:
    """The key of the file that a message with this payload carries."""
    key: str | None = (payload or {}).get("file", {}).get("key")
    return key


def _present(appends: Sequence[Append], targets: Sequence[Row | None]) -> dict[tuple[int, str, str], Entry]:
    """Messages that are in the log already under one of the client ids given now."""
    asked = [
        (row.id, append.client_id)
        for append, row in zip(appends, targets, strict=True)
        if row is not None and append.client_id is not None and row.last_seq > 0
    ]
    return _stored(asked)


def _stored(asked: Sequence[tuple[int, str]]) -> dict[tuple[int, str, str], Entry]:
    """Messages of these conversations under these client ids, by whom and which they are."""
    if not asked:
        return {}
    conversations, conversation_ids = sql.any_of("m.conversation_id", sorted({c for c, _ in asked}), kind="bigint")
    clients, client_ids = sql.any_of("m.client_id", sorted({c for _, c in asked}))
    found = sql.select(
        f"SELECT {wire.COLUMNS} FROM conversations_message m WHERE {conversations} AND {clients}",
        [*conversation_ids, *client_ids],
    )
    entries = (wire.from_select(values) for values in found)
    return {(e.conversation_id, e.author, e.client_id): e for e in entries if e.client_id is not None}


def _values(entry: Entry, at: Any) -> tuple[Any, ...]:
    payload = None if entry.payload is None else msgspec.json.encode(entry.payload).decode()
    said = (entry.author, entry.text, payload, entry.client_id, at, entry.operator_id)
    return (entry.conversation_id, entry.seq, *said)


def _announce(touched: dict[int, Row], born: Sequence[Address]) -> None:
    due = [row.id for row in touched.values() if row.due_at is not None and not row.lease_key]
    new = [row.id for row in touched.values() if row.grown]
    topics = [address.topic for address in born]
    moved = [row.id for row in touched.values() if row.moved]
    desk = desk_topics(list(touched.values()))
    sent: signals.Kinds = {"new": [*new, *topics], "state": moved, "due": due, "desk": desk}
    transaction.on_commit(lambda: signals.send_many(sent))


def desk_topics(changed: Sequence[Row]) -> set[Topic]:
    """Whose lists at the desk these conversations stand in."""
    topics: set[Topic] = set()
    for row in changed:
        if row.owner == "operator":
            topics.add(f"desk:{row.operator_id}")
        elif row.owner == "queue":
            topics.add("desk:waiting")
        if row.moved:
            topics.add("desk:closed")
    return topics | {"desk:open"} if changed else topics
