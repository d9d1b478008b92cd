"""Operators end an episode, put a conversation off, and take it up again."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import transaction
from django.utils import timezone

from besedka.accounts.models import User
from besedka.conversations import changes, episodes, rows
from besedka.conversations.changes import Change, Told
from besedka.conversations.models import Conversation
from besedka.conversations.rows import Row
from besedka.problems import Invalid, Problem

LATEST = datetime(9999, 1, 1, tzinfo=UTC)  # beyond it a time has no year any more in some zone


class NotClosed(Problem):
    """This conversation is not closed."""

    code = "not_closed"
    status = 409


@transaction.atomic(savepoint=False)
def close_many(wishes: Sequence[Change], *, now: datetime | None = None) -> list[Row | Problem]:
    """The running episode of each has ended; nobody owes an answer any more. What is closed already stays so.

    Refused with `Stale`, `Taken`, `NotFound`.
    """
    now = now or timezone.now()
    closed: list[Told] = []

    def close(row: Row, wish: Change) -> None:
        if row.status != "closed":
            before = row.operator_id
            row.change_owner("queue", now=now)
            row.status, row.waiting_since, row.snoozed_until, row.callback_at = "closed", None, None, None
            row.reacted_seq = row.last_seq + 1  # the message that says so is not to be reacted to, either
            closed.append(Told(row, by=wish.operator_id, before=before))

    results = changes.do_many(wishes, rows.lock_many(wish.conversation_id for wish in wishes), close)
    changes.tell("closed", closed, now)
    episodes.end_many([(told.row, told.by) for told in closed], now)
    return results


@transaction.atomic(savepoint=False)
def snooze_many(wishes: Sequence[Change], *, now: datetime | None = None) -> list[Row | Problem]:
    """Each conversation is its operator's and out of the way until `until`, or until the contact writes.

    Refused with `Stale`, `Taken`, `NotFound`, and `Invalid` for a time that is none to come.
    """
    now = now or timezone.now()
    snoozed: list[Told] = []

    def snooze(row: Row, wish: Change) -> Problem | None:
        if wish.until is None or not now < wish.until < LATEST or wish.operator_id is None:
            return Invalid("`until` is a time to come.", field="until")
        before = row.operator_id
        row.change_owner("operator", wish.operator_id, now=now)
        row.status, row.snoozed_until = "snoozed", wish.until
        snoozed.append(Told(row, by=wish.operator_id, before=before))
        return None

    results = changes.do_many(wishes, rows.lock_many(wish.conversation_id for wish in wishes), snooze)
    changes.tell("snoozed", snoozed, now)
    return results


@transaction.atomic(savepoint=False)
def reopen_many(wishes: Sequence[Change], *, now: datetime | None = None) -> list[Row | Problem]:
    """Each closed or snoozed conversation is open, and its operator's.

    Refused with `Stale`, `Taken`, `NotFound`, and `NotClosed` for one that is open.
    """
    now = now or timezone.now()
    opened: list[Told] = []

    def reopen(row: Row, wish: Change) -> Problem | None:
        if row.status == "open":
            return NotClosed()
        before = row.operator_id
        episodes.take_up(row)
        row.change_owner("operator", wish.operator_id, now=now)
        opened.append(Told(row, by=wish.operator_id, before=before))
        return None

    results = changes.do_many(wishes, rows.lock_many(wish.conversation_id for wish in wishes), reopen)
    changes.tell("reopened", opened, now)
    return results


@transaction.atomic(savepoint=False)
def wake_many(limits: Sequence[int], *, now: datetime | None = None) -> list[int]:
    """Snoozed conversations whose time has come are open again, with whoever put them off; how many.

    One whose operator can answer no more waits in the queue.
    """
    now = now or timezone.now()
    counts = []
    for limit in limits:
        asleep = Conversation.objects.filter(status="snoozed", snoozed_until__lte=now).order_by("snoozed_until")
        locked = rows.lock_many(asleep.values_list("pk", flat=True)[:limit])
        woken = [row for row in locked.values() if row.status == "snoozed"]
        active = set(
            User.objects.filter(pk__in={r.operator_id for r in woken}, is_active=True).values_list("pk", flat=True)
        )
        told = []
        for row in woken:
            told.append(Told(row, before=row.operator_id))
            row.status, row.snoozed_until = "open", None
            there = row.operator_id in active
            row.change_owner("operator" if there else "queue", row.operator_id if there else None, now=now)
        changes.tell("reopened", told, now)
        counts.append(len(woken))
    return counts
