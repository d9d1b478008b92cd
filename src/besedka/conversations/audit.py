"""Who did what: written beside the deed, in its transaction, and never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.utils import timezone

from besedka.conversations import sql


class Deed(msgspec.Struct, frozen=True):
    """Something that a person did (`actor_id` None: that the house did by itself), perhaps in a conversation."""

    act: str
    actor_id: int | None
    conversation_id: int | None = None
    details: dict[str, Any] = {}


_COLUMNS = {
    "act": "text",
    "actor_id": "bigint",
    "conversation_id": "bigint",
    "details": "jsonb",
    "at": "timestamptz",
}


def record_many(deeds: Sequence[Deed], now: datetime | None = None) -> list[None]:
    """All of these are on record, if the transaction is."""
    if deeds:
        at = sql.moment(now or timezone.now())
        rows = [
            (deed.act, deed.actor_id, deed.conversation_id, msgspec.json.encode(deed.details).decode(), at)
            for deed in deeds
        ]
        sql.insert("conversations_act", _COLUMNS, rows)
    return [None] * len(deeds)
