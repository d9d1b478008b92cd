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
    operator_id: int | None = None  # who it was, where an operator wrote it


COLUMNS = "m.conversation_id, m.seq, m.author, m.text, m.client_id, m.created_at, m.payload, m.operator_id"


def from_select(values: tuple[Any, ...]) -> Entry:
    """An entry from the values of `COLUMNS`; the databases give JSON as text."""
    conversation_id, seq, author, text, client_id, created_at, payload, operator_id = values
    if created_at.tzinfo is None:
        created_at = created_at.replace(tzinfo=UTC)
    if isinstance(payload, str):
        payload = json.loads(payload)
    return Entry(conversation_id, seq, author, text, client_id, created_at, payload, operator_id)


def time(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and `Z`."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


# Of a payload, beside the text: what a bot's answer rests on, what may be answered, the file that comes along, and
# the `seq` of the author's earlier message whose text this one replaces.
SHOWN = ("sources", "choices", "file", "edits")
FILES = "/files/"  # where files are fetched
_TOLD = ("event", "reason")  # of a system message


def message(entry: Entry) -> dict[str, Any]:
    """The message object of our own API. What is in `SHOWN`, and `payload`, are there only when it has them."""
    seen: dict[str, Any] = {
        "seq": entry.seq,
        "author": entry.author,
        "text": entry.text,
        "client_id": entry.client_id,
        "created_at": time(entry.created_at),
    }
    payload = entry.payload or {}
    seen.update({name: payload[name] for name in SHOWN if name in payload})
    if "file" in seen:
        seen["file"] = file(seen["file"])
    told = {name: payload[name] for name in _TOLD if name in payload}
    return {**seen, "payload": told} if told else seen


def file(kept: dict[str, Any]) -> dict[str, Any]:
    """A file as a payload has it, with where it is fetched: a path on our own site."""
    return {**kept, "url": FILES + kept["key"]}


def in_words(entry: Entry) -> str:
    """What was said, for a model: of a file it hears the name."""
    carried = (entry.payload or {}).get("file")
    return entry.text if carried is None else f"{entry.text}\n[{carried['name']}]".lstrip()


def plain(entry: Entry, *, site: str = "") -> str:
    """The text for clients that show nothing else: a file is its address, on `site` (as https://chat.example).

    Choices stand below it, each with the number that chooses it.
    """
    payload = entry.payload or {}
    lines = [entry.text] if entry.text or "file" not in payload else []
    if "file" in payload:
        lines.append(f"{payload['file']['name']}: {site}{FILES}{payload['file']['key']}")
    return "\n".join(
        [*lines, *(f"{number}. {choice}" for number, choice in enumerate(payload.get("choices", []), 1))]
    )
