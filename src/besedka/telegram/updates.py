"""Each update once: kept before Telegram is told that we have it, handled in order, parked when it cannot be.

That it was handled is written in the same transaction as what it did. So it does not matter how often it comes, by
which way, or when we die.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from besedka.conversations import signals
from besedka.telegram import wire
from besedka.telegram.models import Carried, Update

TOPIC = "telegram"  # of our signals
KIND = "update"
TRIES = 5  # before an update is parked
BACK_OFF_S = 1.0  # after the first failure, twice as much after each further one
KEPT_DAYS = 7  # Telegram brings an update for a day
PARKED_DAYS = 30  # for an administrator to look at one; what is in it may be anybody's words
EDITED_DAYS = 3  # Telegram lets people edit for two
_LARGEST = 2**63 - 1


class Arrived(msgspec.Struct, frozen=True):
    """An update on its way in, as JSON decoded it."""

    body: Any
    source: str


class Waiting(msgspec.Struct, frozen=True):
    """An update that is to be handled now. `update` is None where it cannot be read: handling it fails."""

    id: int
    update_id: int
    tries: int
    body: str
    update: wire.Update | None


class Failed(msgspec.Struct, frozen=True):
    """Handling it failed."""

    id: int
    error: str


class Take(msgspec.Struct, frozen=True):
    """A wish for updates to handle: at most so many, none of those that are in work."""

    limit: int
    in_work: frozenset[int] = frozenset()


def bot_id() -> int:
    """The bot of this installation: the digits of its token. 0: there is none."""
    digits = settings.TELEGRAM_BOT_TOKEN.partition(":")[0]
    return int(digits) if digits.isdecimal() else 0


def id_of(body: Any) -> int | None:
    """The id of an update; None where this is none, so that it can be neither kept nor confirmed."""
    update_id = body.get("update_id") if isinstance(body, dict) else None
    if isinstance(update_id, bool) or not isinstance(update_id, int) or not 0 <= update_id <= _LARGEST:
        return None
    return update_id


@transaction.atomic(savepoint=False)
def keep_many(arrived: Sequence[Arrived], *, now: datetime | None = None) -> list[bool]:
    """Each of these is in the database, once; whether it is new. Who handles them is woken after the commit."""
    now = now or timezone.now()
    ours = bot_id()
    ids = {update_id for one in arrived if (update_id := id_of(one.body)) is not None}
    known = set(Update.objects.filter(bot_id=ours, update_id__in=ids).values_list("update_id", flat=True))
    fresh: dict[int, Update] = {}
    results = []
    for one in arrived:
        update_id = id_of(one.body)
        new = update_id is not None and update_id not in known and update_id not in fresh
        if new and update_id is not None:
            fresh[update_id] = Update(
                bot_id=ours,
                update_id=update_id,
                source=one.source,
                received_at=now,
                due_at=now,
                body=json.dumps(one.body),
            )
        results.append(new)
    # Another process may keep the same one at the same moment: what is there already is left as it is.
    Update.objects.bulk_create(fresh.values(), ignore_conflicts=True)
    if fresh:
        transaction.on_commit(lambda: signals.send_many({KIND: [TOPIC]}))
    return results


def waiting_many(takes: Sequence[Take], *, now: datetime | None = None) -> list[list[Waiting]]:
    """What is to be handled now, in order: by update, and within a chat by the messages themselves."""
    now = now or timezone.now()
    return [_waiting(take, now) for take in takes]


def _waiting(take: Take, now: datetime) -> list[Waiting]:
    due = Update.objects.filter(bot_id=bot_id(), due_at__lte=now).exclude(pk__in=take.in_work)
    found = due.order_by("update_id").values_list("pk", "update_id", "tries", "body")[: take.limit]
    return in_order([Waiting(*values, _readable(values[3])) for values in found])


def in_order(waiting: Iterable[Waiting]) -> list[Waiting]:
    """By the id of the update; but messages of one chat that wait together change places until they are in order.

    Telegram numbers updates as it likes, messages of a chat as they were written.
    """
    ordered = sorted(waiting, key=lambda one: one.update_id)
    places: dict[int, list[int]] = {}
    for place, one in enumerate(ordered):
        if one.update is not None and one.update.message is not None:
            places.setdefault(one.update.chat_id, []).append(place)
    for taken in places.values():
        messages = sorted((ordered[place] for place in taken), key=_written)
        for place, one in zip(taken, messages, strict=True):
            ordered[place] = one
    return ordered


def _written(one: Waiting) -> tuple[int, int]:
    assert one.update is not None
    assert one.update.message is not None
    return one.update.message.date, one.update.message.message_id


def _readable(body: str) -> wire.Update | None:
    try:
        return wire.read(body)
    except wire.Unreadable:
        return None


def lock_many(ids: Iterable[int]) -> set[int]:
    """Those of these updates that still are to be handled, ours until the transaction ends."""
    free = Update.objects.select_for_update().filter(pk__in=list(ids), due_at__isnull=False)
    return set(free.order_by("pk").values_list("pk", flat=True))


def handled_many(ids: Iterable[int], *, now: datetime) -> None:
    """These have had their effect, in this transaction. What was in them is in the log now, and nowhere else."""
    Update.objects.filter(pk__in=list(ids)).update(handled_at=now, due_at=None, body="", error="")


@transaction.atomic(savepoint=False)
def failed_many(failed: Sequence[Failed], *, now: datetime | None = None) -> list[bool]:
    """Each is tried again later, or parked after `TRIES`; whether it was parked."""
    now = now or timezone.now()
    rows = {row.pk: row for row in Update.objects.select_for_update().filter(pk__in=[one.id for one in failed])}
    results = []
    for one in failed:
        row = rows.get(one.id)
        if row is None or row.due_at is None:
            results.append(False)
            continue
        row.tries += 1
        row.error = one.error[:300]
        is_over = row.tries >= TRIES
        row.due_at = None if is_over else now + timedelta(seconds=BACK_OFF_S * 2 ** (row.tries - 1))
        row.parked_at = now if is_over else None
        row.save(update_fields=["tries", "error", "due_at", "parked_at"])
        results.append(is_over)
    return results


@transaction.atomic
def again_many(ids: Sequence[int], *, now: datetime | None = None) -> int:
    """Parked updates are handled once more from the beginning; how many."""
    parked = Update.objects.filter(pk__in=ids, parked_at__isnull=False)
    changed = parked.update(parked_at=None, tries=0, due_at=now or timezone.now())
    transaction.on_commit(lambda: signals.send_many({KIND: [TOPIC]}))
    return changed


def forget_many(moments: Sequence[datetime]) -> list[int]:
    """What is so old that it cannot come or be edited again is gone; how many updates. Parked ones stay longer."""
    results = []
    for now in moments:
        old = Update.objects.filter(received_at__lt=now - timedelta(days=KEPT_DAYS), handled_at__isnull=False)
        parked = Update.objects.filter(received_at__lt=now - timedelta(days=PARKED_DAYS), parked_at__isnull=False)
        results.append(old.delete()[0] + parked.delete()[0])
        Carried.objects.filter(created_at__lt=now - timedelta(days=EDITED_DAYS)).delete()
    return results
