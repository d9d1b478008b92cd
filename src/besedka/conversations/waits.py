"""Who waits for a person: their order, their places, and what is done when nobody comes."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.db import transaction

from besedka.conversations import changes, ownership, rows, signals
from besedka.conversations.changes import Told
from besedka.conversations.models import Conversation, Inbox
from besedka.conversations.rows import Row

PLACES = 20_000  # that are told apart


class Wait(msgspec.Struct, frozen=True):
    """A conversation that waits, since when, and how far the ladder has called."""

    conversation_id: int
    inbox_id: int
    owner_version: int
    since: datetime
    stage: int


class Step(msgspec.Struct, frozen=True):
    """The ladder calls further. With `give_up` nobody is left to call: until `opens_at`, where that is known."""

    conversation_id: int
    owner_version: int
    stage: int
    give_up: bool = False
    opens_at: datetime | None = None


def longest(limit: int, *, below: int | None = None) -> list[Wait]:
    """Who waits, the longest first; with `below`, of those for whom the ladder has not called so far."""
    found = Conversation.objects.filter(waiting_since__isnull=False).order_by("waiting_since", "pk")
    if below is not None:
        found = found.filter(stage__lt=below)
    values = found.values_list("pk", "inbox_id", "owner_version", "waiting_since", "stage")[:limit]
    return [Wait(pk, inbox_id, version, since, stage) for pk, inbox_id, version, since, stage in values if since]


def places_many(limits: Sequence[int]) -> list[dict[int, int]]:
    """The place of each conversation in its inbox's queue, from 1 on."""
    found = Conversation.objects.filter(waiting_since__isnull=False).order_by("waiting_since", "pk")
    results = []
    for limit in limits:
        ahead: dict[int, int] = {}
        places = {}
        for pk, inbox_id in found.values_list("pk", "inbox_id")[:limit]:
            places[pk] = ahead[inbox_id] = ahead.get(inbox_id, 0) + 1
        results.append(places)
    return results


def climb(steps: Sequence[Step], now: datetime) -> int:
    """Do these steps where their conversation still waits as it did; how many. For the caller's transaction."""
    locked = rows.lock_many(step.conversation_id for step in steps)
    with_bot = set(Inbox.objects.filter(first_owner="bot").values_list("pk", flat=True)) if steps else set()
    called: list[Row] = []
    told: dict[datetime | None, list[Told]] = {}
    for step in steps:
        row = locked.get(step.conversation_id)
        if row is None or row.owner_version != step.owner_version or row.waiting_since is None:
            continue
        row.stage, row.changed = step.stage, True
        if not step.give_up:
            called.append(row)
            continue
        if row.inbox_id in with_bot and row.hand_offs < ownership.OFTEN:
            row.change_owner("bot", now=now)
            row.reacted_seq = row.last_seq + 1  # the message that asks for an address is nobody's to react to
        row.details_asked = True
        told.setdefault(step.opens_at, []).append(Told(row))
    rows.save_many(called, now)
    for opens_at, some in told.items():
        changes.tell("details_asked", some, now, opens_at=opens_at)
    if called:
        transaction.on_commit(lambda: signals.send_many({"desk": ["desk:waiting"]}))
    return len(called) + sum(len(some) for some in told.values())
