"""How a message looks everywhere: over HTTP, SSE and WebSocket, in a prompt, in an export."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """One message of a log, as it was read or as it has just been written."""

    conversation_id: int
    seq: int
    author: str
    text: str
    client_id: str | None
    created_at: datetime
    payload: dict[str, Any] | None = None


COLUMNS = "m.conversation_id, m.seq, m.author, m.text, m.client_id, m.created_at, m.payload"


def from_select(values: tuple[Any, ...]) -> Entry:
    """An entry from the values of `COLUMNS`; the databases give JSON as text."""
    conversation_id, seq, author, text, client_id, created_at, payload = values
    if created_at.tzinfo is None:
        created_at = created_at.replace(tzinfo=UTC)
    if isinstance(payload, str):
        payload = json.loads(payload)
    return Entry(conversation_id, seq, author, text, client_id, created_at, payload)


def time(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and `Z`."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def message(entry: Entry) -> dict[str, Any]:
    """The message object of our own API. `payload` is there only when the message has one."""
    seen = {
        "seq": entry.seq,
        "author": entry.author,
        "text": entry.text,
        "client_id": entry.client_id,
        "created_at": time(entry.created_at),
    }
    return {**seen, "payload": entry.payload} if entry.payload else seen
