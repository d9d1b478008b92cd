"""Where a walk stands and what it remembers: a value, to and from JSON."""

from typing import Literal

import msgspec

from besedka.dialogue.templates import Value

VERSION = 1
MAX_VARIABLES = 200
MAX_VALUE = 10_000  # characters

Waits = Literal["", "answer", "call", "model", "time"]


class Place(msgspec.Struct, frozen=True):
    """Where to go on. `asks` when it is a question that was interrupted, with what it had heard in vain."""

    scenario: str
    step: str | None
    asks: bool = False
    attempts: int = 0


class State(msgspec.Struct, frozen=True):
    """One walk. `waits` says what for; nothing when it is over, or has not begun."""

    scenario: str = ""
    step: str | None = None
    waits: Waits = ""
    answer: str = ""  # the last one
    variables: dict[str, Value] = {}
    attempts: int = 0  # answers to this question that did not fit
    trodden: int = 0  # steps since the visitor last said something
    calls: int = 0  # so far: what the next one's key is made of
    places: tuple[Place, ...] = ()  # to come back to, the last one first
    over: bool = False
    version: int = VERSION


def dump(state: State) -> dict[str, object]:
    """Return the state as JSON."""
    builtins: dict[str, object] = msgspec.to_builtins(state)
    return builtins


def load(written: object) -> State:
    """Return the state that was written; raises `ValueError` for what is none."""
    try:
        state = msgspec.convert(written, State, strict=True)
    except msgspec.ValidationError as error:
        raise ValueError(f"this is no state of a walk: {error}") from None
    if state.version != VERSION:
        raise ValueError(f"the state of a walk has the version {state.version}, we know {VERSION}")
    return state
