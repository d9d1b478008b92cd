"""Which calls outside were sent, and what came of them. A turn that begins anew finds here what it did before."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from besedka.conversations import rows
from besedka.turns.models import Call


class Opening(msgspec.Struct, frozen=True):
    """A call that is about to be sent."""

    key: str
    conversation_id: int
    method: str
    host: str


class Known(msgspec.Struct, frozen=True):
    """What is known of a call. `attempts` is 1 for one that was never sent before."""

    status: str
    attempts: int
    code: int | None = None
    body: Any = None
    reason: str = ""


_ERASED = Known(Call.Status.FAILED, 1, reason="the conversation is erased")


class Closing(msgspec.Struct, frozen=True):
    """What came of a call."""

    key: str
    status: str
    code: int | None = None
    body: Any = None
    reason: str = ""


@transaction.atomic(savepoint=False)
def open_many(openings: Sequence[Opening], *, now: datetime | None = None) -> list[Known]:
    """Write down that these are sent now, and tell what was known of each.

    A call for a conversation that is erased counts as failed before it was sent, and leaves no trace.
    """
    now = now or timezone.now()
    keys = [opening.key for opening in openings]
    there = rows.lock_many(opening.conversation_id for opening in openings)
    before = {call.key: call for call in Call.objects.select_for_update().filter(key__in=keys)}
    new = {
        opening.key: Call(
            key=opening.key,
            conversation_id=opening.conversation_id,
            method=opening.method,
            host=opening.host[:255],
            sent_at=now,
        )
        for opening in openings
        if opening.key not in before and opening.conversation_id in there
    }
    Call.objects.bulk_create(new.values())
    again = [key for key, call in before.items() if call.status == Call.Status.SENT]
    if again:
        Call.objects.filter(key__in=again).update(attempts=F("attempts") + 1)
    return [_known(before.get(one.key)) if one.conversation_id in there else _ERASED for one in openings]


@transaction.atomic(savepoint=False)
def close_many(closings: Sequence[Closing], *, now: datetime | None = None) -> list[bool]:
    """Write down what came of these; False for one that was closed before."""
    now = now or timezone.now()
    return [
        bool(
            Call.objects.filter(key=closing.key, status=Call.Status.SENT).update(
                status=closing.status,
                code=closing.code,
                body=closing.body,
                reason=closing.reason[:200],
                ended_at=now,
            )
        )
        for closing in closings
    ]


def _known(call: Call | None) -> Known:
    if call is None:
        return Known(Call.Status.SENT, 1)
    attempts = call.attempts + (call.status == Call.Status.SENT)
    return Known(call.status, attempts, call.code, call.body, call.reason)
