"""Conversations that are older than their inbox keeps any are erased, in the way of all erasures."""

from datetime import datetime, timedelta

import msgspec
from django.db.models import QuerySet

from besedka.conversations import erasure
from besedka.conversations.models import Attachment, Conversation, Inbox

AT_ONCE = 50  # conversations behind the fence in one transaction
_ALIVE = ("open", "snoozed", "closed")  # named, so that the index in which they stand by age is of use


class Old(msgspec.Struct, frozen=True):
    """What an inbox has that is older than it keeps anything."""

    inbox_id: int
    name: str
    kept_days: int
    conversations: int
    messages: int
    files: int


def look(now: datetime) -> list[Old]:
    """What the next sweep would erase, of each inbox that keeps nothing for ever."""
    found = []
    for inbox in _inboxes():
        ends = dict(_older(inbox, now).values_list("pk", "last_seq"))
        files = sum(
            Attachment.objects.filter(conversation_id__in=some).count() for some in _portions(list(ends), 500)
        )
        found.append(Old(inbox.pk, inbox.name, inbox.kept_days or 0, len(ends), sum(ends.values()), files))
    return found


def due(inbox_id: int, now: datetime) -> int:
    """How many conversations of this inbox the next sweep would erase."""
    inbox = Inbox.objects.get(pk=inbox_id)
    return _older(inbox, now).count() if inbox.kept_days else 0


def sweep_many(now: datetime, *, limit: int | None = None) -> int:
    """Conversations without a message for as long as their inbox keeps any are behind the fence; how many.

    Closing is written down as a message, so an episode's end counts as the last one. What is removed is
    `erasure.finish`'s to do. At most `limit` conversations.
    """
    fenced = 0
    for inbox in _inboxes():
        before = _before(inbox, now)
        while limit is None or fenced < limit:
            chosen = list(_older(inbox, now).values_list("pk", flat=True)[:AT_ONCE])
            done = erasure.begin_old_many(chosen, before=before, now=now) if chosen else []
            fenced += len(done)
            if not done:
                break
    return fenced


def _inboxes() -> list[Inbox]:
    return list(Inbox.objects.filter(kept_days__isnull=False).order_by("pk"))


def _before(inbox: Inbox, now: datetime) -> datetime:
    return now - timedelta(days=inbox.kept_days or 0)


def _older(inbox: Inbox, now: datetime) -> QuerySet[Conversation]:
    older = Conversation.objects.filter(inbox=inbox, status__in=_ALIVE, active_at__lt=_before(inbox, now))
    return older.order_by("active_at", "pk")


def _portions(ids: list[int], size: int) -> list[list[int]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]
