"""What turns and logs tell in sum. For people who look back; nothing here is on the way of a message."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from besedka.conversations.models import Message, Turn

NEWEST = 5_000  # turns that a report looks at


class Ended(msgspec.Struct, frozen=True):
    """One turn as it ended."""

    conversation_id: int
    upto_seq: int
    outcome: str
    reason: str
    trace: dict[str, Any]
    finished_at: datetime


def turns_since(since: datetime, *, reasons: Collection[str] | None = None) -> list[Ended]:
    """The newest turns that ended after `since`, at most `NEWEST`, newest first; with `reasons`, those only."""
    ended = Turn.objects.filter(finished_at__gte=since)
    if reasons is not None:
        ended = ended.filter(reason__in=reasons)
    fields = ("conversation_id", "upto_seq", "outcome", "reason", "trace", "finished_at")
    return [Ended(*values) for values in ended.order_by("-pk").values_list(*fields)[:NEWEST]]


def replies_of_operators(after: Sequence[tuple[int, int]]) -> dict[int, str]:
    """For conversations with a seq: what an operator wrote first after it, up to the contact's next message."""
    seqs = dict(after)
    said = Message.objects.filter(conversation_id__in=seqs, author__in=("operator", "contact")).order_by("seq")
    replies: dict[int, list[str]] = {}
    done: set[int] = set()
    for conversation_id, seq, author, text in said.values_list("conversation_id", "seq", "author", "text"):
        if seq <= seqs[conversation_id] or conversation_id in done:
            continue
        if author == "operator":
            replies.setdefault(conversation_id, []).append(text)
        elif conversation_id in replies:
            done.add(conversation_id)
    return {conversation_id: "\n".join(texts) for conversation_id, texts in replies.items()}


def traces(conversation_id: int, *, after: int, upto: int | None) -> list[dict[str, Any]]:
    """Why each turn of this part of a log came to what it came to, in their order, at most `NEWEST`."""
    turns = Turn.objects.filter(conversation_id=conversation_id, upto_seq__gt=after)
    if upto is not None:
        turns = turns.filter(upto_seq__lte=upto)
    return list(turns.exclude(outcome="dropped").order_by("pk").values_list("trace", flat=True)[:NEWEST])
