"""Logs as somebody else's history: stretches of them to read, and what was said elsewhere to be kept here."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.conversations import contacts, log, rows, signals
from besedka.conversations.contacts import Address
from besedka.conversations.log import Want
from besedka.conversations.models import Conversation
from besedka.conversations.wire import Entry
from besedka.problems import NotFound

NEWEST = 100  # messages of each of many histories that are read at once


class Stretch(msgspec.Struct, frozen=True):
    """A part of a log; without `upto` as far as it goes."""

    conversation_id: int
    after: int = 0
    upto: int | None = None


def read_many(stretches: Sequence[Stretch], *, newest: int = NEWEST) -> list[list[Entry]]:
    """The newest messages of each stretch, at most `newest`, in their order."""
    open_ended = {s.conversation_id for s in stretches if s.upto is None}
    found = Conversation.objects.filter(pk__in=open_ended).values_list("pk", "last_seq")
    ends = dict(found) if open_ended else {}
    spans = []
    for stretch in stretches:
        upto = stretch.upto if stretch.upto is not None else ends.get(stretch.conversation_id, 0)
        spans.append((stretch.conversation_id, max(stretch.after, upto - newest), upto))
    pages = [
        Want(conversation_id, start, min(start + log.PAGE, upto))
        for conversation_id, after, upto in spans
        for start in range(after, upto, log.PAGE)
    ]
    read = iter(log.read_many(pages))
    return [
        [entry for _ in range(after, upto, log.PAGE) for entry in next(read)]
        for _conversation, after, upto in spans
    ]


@transaction.atomic(savepoint=False)
def extend(address: Address, said: Sequence[tuple[str, str]], *, now: datetime | None = None) -> tuple[int, int]:
    """What was said elsewhere (author, text) stands at the end of this log; nobody owes a reaction to it.

    Gives the conversation's id and its last `seq` before. Raises `NotFound` for an inbox that is gone.
    """
    now = now or timezone.now()
    located, _ = contacts.locate_many([address], now)
    row = located.get(address)
    if row is None:
        raise NotFound()
    before = row.last_seq
    entries = [
        Entry(row.id, before + number, author, text, None, now) for number, (author, text) in enumerate(said, 1)
    ]
    if entries:
        log.write(entries)
        row.last_seq = before + len(entries)
        row.grown = row.changed = True
        if row.due_at is None:
            row.heard_seq = row.reacted_seq = row.last_seq
        rows.save_many([row], now)
        ids = [row.id]
        transaction.on_commit(lambda: signals.send_many({"new": ids}))
    return row.id, before
