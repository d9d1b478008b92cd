"""The stretches of a conversation: from opening to closing. A bot's memory and every metric stop at a border."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from besedka.conversations import rows, signals
from besedka.conversations.models import Inbox
from besedka.conversations.rows import Row


def reopen(row: Row) -> None:
    """A contact writes again: a snoozed conversation goes on, a closed one begins its next episode.

    The next episode begins with whoever answers first in this inbox, before the message that opens it.
    """
    closed = row.status == "closed"
    row.status, row.changed = "open", True
    if closed:
        row.episode += 1
        row.episode_after = row.reacted_seq = row.last_seq
        row.change_owner(Inbox.objects.values_list("first_owner", flat=True).get(pk=row.inbox_id))


@transaction.atomic(savepoint=False)
def close_many(conversation_ids: Iterable[int], *, now: datetime | None = None) -> int:
    """End the running episode of each; nobody owes an answer any more. How many were not closed already."""
    closing = [row for row in rows.lock_many(conversation_ids).values() if row.status != "closed"]
    for row in closing:
        row.change_owner("queue")
        row.status, row.reacted_seq = "closed", row.last_seq
    rows.save_many(closing, now or timezone.now())
    ids = [row.id for row in closing]
    transaction.on_commit(lambda: signals.send_many({"state": ids}))
    return len(closing)
