"""A contact comes back to read: from an address to what is new in its conversation."""

from collections.abc import Sequence

import msgspec

from besedka.conversations import log, sql
from besedka.conversations.contacts import Address
from besedka.conversations.wire import Entry


class Visit(msgspec.Struct, frozen=True):
    """A wish to read after `after`; without it, after the cursor of `reader`."""

    address: Address
    after: int | None = None
    reader: str = "contact"


class Seen(msgspec.Struct, frozen=True):
    """The conversation as this visit finds it, and at most a page of its log."""

    conversation_id: int
    status: str
    owner: str
    last_seq: int
    cursor: int  # where `reader` stands
    messages: list[Entry]


def look_many(visits: Sequence[Visit]) -> list[Seen | None]:
    """For each visit what it sees, in two statements for all; None where this contact has not written yet."""
    wanted = list(dict.fromkeys(visit.address.known_as for visit in visits))
    condition, parameters = sql.any_of("i.known_as", wanted)
    found = sql.select(
        "SELECT i.kind, i.known_as, c.inbox_id, c.id, c.status, c.owner, c.last_seq, u.reader, u.seq "
        "FROM conversations_identity i JOIN conversations_conversation c ON c.contact_id = i.contact_id "
        f"LEFT JOIN conversations_cursor u ON u.conversation_id = c.id WHERE {condition}",
        parameters,
    )
    places: dict[tuple[str, str, int], tuple[int, str, str, int]] = {}
    cursors: dict[tuple[int, str], int] = {}
    for kind, known_as, inbox_id, conversation_id, status, owner, last_seq, reader, seq in found:
        places[kind, known_as, inbox_id] = (conversation_id, status, owner, last_seq)
        if reader is not None:
            cursors[conversation_id, reader] = seq
    ends = [places.get((v.address.kind, v.address.known_as, v.address.inbox_id)) for v in visits]
    pages = iter(log.read_many([_want(v, end, cursors) for v, end in zip(visits, ends, strict=True) if end]))
    return [
        None if end is None else Seen(*end, cursor=cursors.get((end[0], visit.reader), 0), messages=next(pages))
        for visit, end in zip(visits, ends, strict=True)
    ]


def _want(visit: Visit, end: tuple[int, str, str, int], cursors: dict[tuple[int, str], int]) -> log.Want:
    conversation_id, _, _, last_seq = end
    after = cursors.get((conversation_id, visit.reader), 0) if visit.after is None else visit.after
    return log.Want(conversation_id, after, last_seq)
