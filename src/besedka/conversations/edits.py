"""Edits: entries of the log that stand, where it is shown, in the place of an earlier one of the same operator."""

from collections.abc import Sequence

import msgspec
from django.db.models import Max

from besedka.conversations.models import Message


class Version(msgspec.Struct, frozen=True):
    """A message of an operator, and the entry that it is shown by now: itself, or its last edit."""

    root: int
    latest: int
    operator_id: int


def versions_many(named: Sequence[tuple[int, int]]) -> list[Version | None]:
    """For each conversation and seq, of a message or of one of its edits, how that message stands.

    None for what is no operator's message. Whoever wants it to stay so holds the conversation's lock.
    """
    return [_version(conversation_id, seq) for conversation_id, seq in named]


def _version(conversation_id: int, seq: int) -> Version | None:
    log = Message.objects.filter(conversation_id=conversation_id, author="operator")
    payload = log.filter(seq=seq).values_list("payload", flat=True).first() or {}
    root = payload.get("edits", seq)
    operator_id = log.filter(seq=root).values_list("operator_id", flat=True).first()
    if operator_id is None:
        return None
    later = log.filter(seq__gt=root, operator_id=operator_id, payload__edits=root)
    return Version(root, later.aggregate(last=Max("seq"))["last"] or root, operator_id)
