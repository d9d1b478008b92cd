"""Who is looking at a conversation just now, and who is writing in it. Kept in memory, and gone by itself.

Each process knows its own windows and hears of the others' (`hearsay`); what it has not heard again for a while is
over there as well.
"""

import time
from typing import Any

import msgspec

from besedka.conversations import signals

TYPING_S = 6  # seconds that somebody counts as writing after a key was pressed
REPEATED_S = 5  # seconds between two tellings of what has not changed
BELIEVED_S = 15  # seconds that what another process said holds: who says nothing more has died


class Looking(msgspec.Struct):
    """One operator in one conversation, perhaps in several windows."""

    name: str
    windows: int = 0
    typed_at: float = 0.0


class Elsewhere(msgspec.Struct):
    """What another process says of one conversation."""

    heard_at: float
    people: dict[int, Looking]


class Told(msgspec.Struct, array_like=True):
    """One operator, as processes tell each other; clocks differ, so it is said how long ago a key was pressed."""

    operator_id: int
    name: str
    typed_s: float | None


_looking: dict[int, dict[int, Looking]] = {}
_elsewhere: dict[int, dict[str, Elsewhere]] = {}
_changed: set[int] = set()


def come(conversation_id: int, operator_id: int, name: str) -> None:
    """This operator has opened the conversation in one more window."""
    here = _looking.setdefault(conversation_id, {})
    here.setdefault(operator_id, Looking(name)).windows += 1
    _announce(conversation_id)


def leave(conversation_id: int, operator_id: int) -> None:
    """This operator has left it in one window."""
    here = _looking.get(conversation_id, {})
    if operator_id in here:
        here[operator_id].windows -= 1
        if here[operator_id].windows <= 0:
            del here[operator_id]
        if not here:
            _looking.pop(conversation_id, None)
        _announce(conversation_id)


def types(conversation_id: int, operator_id: int) -> None:
    """This operator is writing; colleagues see it, and the contact sees that somebody is."""
    here = _looking.get(conversation_id, {}).get(operator_id)
    if here is not None:
        here.typed_at = time.monotonic()
        _announce(conversation_id)


def who(conversation_id: int) -> list[dict[str, Any]]:
    """Everybody who looks at it, here or in another process: `id`, `name`, `typing`."""
    now = time.monotonic()
    return [
        {"id": operator_id, "name": one.name, "typing": now - one.typed_at < TYPING_S and one.typed_at > 0}
        for operator_id, one in sorted(_all(conversation_id, now).items())
    ]


def fades_in_s(conversation_id: int) -> float:
    """Seconds until somebody here counts as silent or as gone; an hour where nobody writes or is elsewhere."""
    now = time.monotonic()
    ends = [one.typed_at + TYPING_S - now for one in _all(conversation_id, now).values() if one.typed_at]
    ends += [there.heard_at + BELIEVED_S - now for there in _elsewhere.get(conversation_id, {}).values()]
    return max(0.05, min((end for end in ends if end > 0), default=3600))


def _all(conversation_id: int, now: float) -> dict[int, Looking]:
    everybody = dict(_looking.get(conversation_id, {}))
    for there in _elsewhere.get(conversation_id, {}).values():
        if now - there.heard_at < BELIEVED_S:
            for operator_id, one in there.people.items():
                known = everybody.get(operator_id)
                if known is None or known.typed_at < one.typed_at:
                    everybody[operator_id] = one
    return everybody


def _announce(conversation_id: int) -> None:
    _changed.add(conversation_id)
    signals.deliver({"presence": [conversation_id]})


class Hearsay:
    """What the processes tell each other about who is looking."""

    def __init__(self) -> None:
        self._repeated_at = 0.0

    def tell(self) -> dict[str, list[Told]] | None:
        """Who looks at what has changed here; from time to time, at everything."""
        now = time.monotonic()
        told = set(_changed)
        _changed.clear()
        if now - self._repeated_at > REPEATED_S:
            self._repeated_at = now
            told |= _looking.keys()
        return {str(conversation_id): self._people(conversation_id, now) for conversation_id in told} or None

    def hear(self, sender: str, told: Any) -> None:
        """Who looks at it there, in the place of what that process said before."""
        now = time.monotonic()
        news: dict[int, list[Told]] = msgspec.convert(told, dict[int, list[Told]], strict=False)
        for conversation_id, people in news.items():
            there = _elsewhere.setdefault(conversation_id, {})
            before = there.get(sender)
            said = {one.operator_id: Looking(one.name, 1, _at(one, now)) for one in people}
            if said:
                there[sender] = Elsewhere(now, said)
            else:
                there.pop(sender, None)
            if before is None or before.people.keys() != said.keys() or any(p.typed_s is not None for p in people):
                signals.deliver({"presence": [conversation_id]})
        _forget(now)

    def _people(self, conversation_id: int, now: float) -> list[Told]:
        return [
            Told(operator_id, one.name, now - one.typed_at if now - one.typed_at < TYPING_S else None)
            for operator_id, one in _looking.get(conversation_id, {}).items()
        ]


def _at(one: Told, now: float) -> float:
    return 0.0 if one.typed_s is None else now - one.typed_s


def _forget(now: float) -> None:
    """Of processes that say nothing more, nothing is kept."""
    for conversation_id, there in list(_elsewhere.items()):
        for sender in [sender for sender, said in there.items() if now - said.heard_at >= BELIEVED_S]:
            del there[sender]
        if not there:
            del _elsewhere[conversation_id]
