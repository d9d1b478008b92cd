"""Who is looking at a conversation just now, and who is writing in it. Kept in memory, and gone by itself."""

import time
from typing import Any

import msgspec

from besedka.conversations import signals

TYPING_S = 6  # seconds that somebody counts as writing after a key was pressed


class Looking(msgspec.Struct):
    """One operator in one conversation, perhaps in several windows."""

    name: str
    windows: int = 0
    typed_at: float = 0.0


_looking: dict[int, dict[int, Looking]] = {}


def come(conversation_id: int, operator_id: int, name: str) -> None:
    """This operator has opened the conversation in one more window."""
    here = _looking.setdefault(conversation_id, {})
    here.setdefault(operator_id, Looking(name)).windows += 1
    signals.deliver({"presence": [conversation_id]})


def leave(conversation_id: int, operator_id: int) -> None:
    """This operator has left it in one window."""
    here = _looking.get(conversation_id, {})
    if operator_id in here:
        here[operator_id].windows -= 1
        if here[operator_id].windows <= 0:
            del here[operator_id]
        if not here:
            _looking.pop(conversation_id, None)
        signals.deliver({"presence": [conversation_id]})


def types(conversation_id: int, operator_id: int) -> None:
    """This operator is writing; colleagues see it, and the contact sees that somebody is."""
    here = _looking.get(conversation_id, {}).get(operator_id)
    if here is not None:
        here.typed_at = time.monotonic()
        signals.deliver({"presence": [conversation_id]})


def who(conversation_id: int) -> list[dict[str, Any]]:
    """Everybody who looks at it: `id`, `name`, `typing`."""
    now = time.monotonic()
    here = _looking.get(conversation_id, {})
    return [
        {"id": operator_id, "name": one.name, "typing": now - one.typed_at < TYPING_S and one.typed_at > 0}
        for operator_id, one in sorted(here.items())
    ]


def fades_in_s(conversation_id: int) -> float:
    """Seconds until somebody who writes here counts as silent; an hour where nobody writes."""
    now = time.monotonic()
    ends = [one.typed_at + TYPING_S - now for one in _looking.get(conversation_id, {}).values() if one.typed_at]
    return max(0.05, min((end for end in ends if end > 0), default=3600))
