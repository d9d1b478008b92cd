"""The stretches of a conversation: from opening to closing. A bot's memory and every metric stop at a border."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from besedka.conversations.models import Episode, Inbox
from besedka.conversations.rows import Row


class Past(msgspec.Struct, frozen=True):
    """An episode that has ended."""

    number: int
    after_seq: int
    upto_seq: int
    closed_at: datetime
    closed_by: str


def go_on(row: Row, now: datetime) -> None:
    """A contact writes again: a snoozed conversation goes on, a closed one begins its next episode.

    The next episode begins with whoever answers first in this inbox, before the message that opens it.
    """
    closed = row.status == "closed"
    row.status, row.snoozed_until, row.changed, row.moved = "open", None, True, True
    if closed:
        begin(row)
        row.change_owner(Inbox.objects.values_list("first_owner", flat=True).get(pk=row.inbox_id), now=now)


def take_up(row: Row) -> None:
    """An operator opens it: a closed one begins its next episode. Its owner is the caller's to change."""
    if row.status == "closed":
        begin(row)
    row.status, row.snoozed_until, row.changed = "open", None, True


def begin(row: Row) -> None:
    """The next episode begins: nothing of the last one counts any more."""
    row.episode += 1
    row.episode_after = row.reacted_seq = row.last_seq
    row.reason, row.hand_offs, row.details_asked, row.callback_at = "", 0, False, None


def end_many(ended: Sequence[tuple[Row, int | None]], now: datetime) -> None:
    """Remember the episode of each row, which ends with its last message, and who ended it."""
    Episode.objects.bulk_create(
        [
            Episode(
                conversation_id=row.id,
                number=row.episode,
                after_seq=row.episode_after,
                upto_seq=row.last_seq,
                closed_at=now,
                closed_by_id=operator_id,
            )
            for row, operator_id in ended
        ],
        ignore_conflicts=True,
    )


def past(conversation_id: int) -> list[Past]:
    """The episodes of a conversation that have ended, the newest first, at most 100."""
    found = Episode.objects.filter(conversation_id=conversation_id).select_related("closed_by").order_by("-number")
    return [
        Past(
            one.number,
            one.after_seq,
            one.upto_seq,
            one.closed_at,
            (one.closed_by.get_full_name() or one.closed_by.get_username()) if one.closed_by else "",
        )
        for one in found[:100]
    ]
