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
    operator_id: int | None = None  # known only to who has just written it


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


SHOWN = ("sources", "choices")  # of a payload, beside the text: what a bot's answer rests on, what may be answered
_TOLD = ("event", "reason")  # of a system message


def message(entry: Entry) -> dict[str, Any]:
    """The message object of our own API. `sources`, `choices` and `payload` are there only when it has them."""
    seen = {
        "seq": entry.seq,
        "author": entry.author,
        "text": entry.text,
        "client_id": entry.client_id,
        "created_at": time(entry.created_at),
    }
    payload = entry.payload or {}
    seen.update({name: payload[name] for name in SHOWN if name in payload})
    told = {name: payload[name] for name in _TOLD if name in payload}
    return {**seen, "payload": told} if told else seen


def plain(entry: Entry) -> str:
    """The text for clients without buttons: choices stand below it, each with the number that chooses it."""
    choices = (entry.payload or {}).get("choices", [])
    return "\n".join([entry.text, *(f"{number}. {choice}" for number, choice in enumerate(choices, 1))])
