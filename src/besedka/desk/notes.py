"""What operators tell each other beside a conversation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.conversations import audit, rows, signals, wire
from besedka.conversations.audit import Deed
from besedka.desk.models import Note
from besedka.problems import NotFound, Problem


class Remark(msgspec.Struct, frozen=True):
    """A note that an operator wants to leave; the same `client_id` again leaves no other."""

    conversation_id: int
    operator_id: int
    text: str
    client_id: str


@transaction.atomic(savepoint=False)
def note_many(remarks: Sequence[Remark], *, now: datetime | None = None) -> list[dict[str, Any] | Problem]:
    """Each note stands beside its conversation, behind what has been said by now. `NotFound` without one."""
    now = now or timezone.now()
    # Locked: a note comes before an erasure, and goes with it, or finds no conversation any more.
    there = rows.lock_many(remark.conversation_id for remark in remarks)
    results: list[dict[str, Any] | Problem] = []
    for remark in remarks:
        row = there.get(remark.conversation_id)
        if row is None:
            results.append(NotFound())
            continue
        note, is_new = Note.objects.select_related("operator").get_or_create(
            conversation_id=remark.conversation_id,
            operator_id=remark.operator_id,
            client_id=remark.client_id,
            defaults={"after_seq": row.last_seq, "text": remark.text, "created_at": now},
        )
        if is_new:
            deed = Deed("noted", remark.operator_id, remark.conversation_id, {"note": note.pk})
            audit.record_many([deed], now)
        results.append(_shown(note))
    ids = [remark.conversation_id for remark in remarks]
    transaction.on_commit(lambda: signals.send_many({"note": ids}))
    return results


def of_conversation(conversation_id: int, *, after: int = 0) -> list[dict[str, Any]]:
    """The notes beside a conversation with an id above `after`, in their order."""
    found = Note.objects.filter(conversation_id=conversation_id, pk__gt=after).select_related("operator")
    return [_shown(note) for note in found.order_by("pk")]


def _shown(note: Note) -> dict[str, Any]:
    return {
        "id": note.pk,
        "after_seq": note.after_seq,
        "operator": {
            "id": note.operator_id,
            "name": note.operator.get_full_name() or note.operator.get_username(),
        },
        "text": note.text,
        "created_at": wire.time(note.created_at),
    }
