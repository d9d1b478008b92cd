"""What became of a message: whether the bot has reacted to it, and how."""

import json
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

import msgspec
from django.db.models import Q

from besedka.conversations.models import Conversation, Turn

TOGETHER = 100  # turns asked for in one statement


class Asked(msgspec.Struct, frozen=True):
    """A message of a contact."""

    conversation_id: int
    seq: int


class Reaction(msgspec.Struct, frozen=True):
    """`done` when nobody's turn is due for the message any more; `outcome` is empty where no turn covered it."""

    done: bool
    owner: str
    outcome: str = ""
    trace: dict[str, Any] = {}


def of_many(asked: Sequence[Asked]) -> list[Reaction]:
    """The reaction to each of these messages, as it stands now."""
    ids = {one.conversation_id for one in asked}
    found = Conversation.objects.filter(pk__in=ids).values_list("pk", "owner", "reacted_seq")
    stands = {pk: (owner, reacted_seq) for pk, owner, reacted_seq in found}
    done = {one for one in asked if _is_done(one, *stands.get(one.conversation_id, ("", 0)))}
    turns = _turns(list(done))
    return [
        Reaction(one in done, stands.get(one.conversation_id, ("", 0))[0], *turns.get(one, ("", {})))
        for one in asked
    ]


def _is_done(one: Asked, owner: str, reacted_seq: int) -> bool:
    return owner != "bot" or reacted_seq >= one.seq


def _turns(asked: Sequence[Asked]) -> dict[Asked, tuple[str, dict[str, Any]]]:
    """The turn that covered each of these messages, where one was not dropped."""
    turns: dict[Asked, tuple[str, dict[str, Any]]] = {}
    for start in range(0, len(asked), TOGETHER):
        some = asked[start : start + TOGETHER]
        either = reduce(
            or_, (Q(conversation_id=o.conversation_id, from_seq__lte=o.seq, upto_seq__gte=o.seq) for o in some)
        )
        found = Turn.objects.filter(either).exclude(outcome=Turn.Outcome.DROPPED).order_by("pk")
        rows = list(found.values_list("conversation_id", "from_seq", "upto_seq", "outcome", "trace"))
        for one in some:
            for conversation_id, from_seq, upto_seq, outcome, trace in rows:
                if conversation_id == one.conversation_id and from_seq <= one.seq <= upto_seq:
                    turns[one] = (outcome, json.loads(trace) if isinstance(trace, str) else trace)
    return turns
