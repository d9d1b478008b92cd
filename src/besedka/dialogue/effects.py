"""What a walk wants done. Whoever performs them gives the result back as an event, where there is one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from besedka.dialogue.steps import Button

# Why a walk hands over by itself; an author's step may name any other reason.
SCENARIO = "scenario"
NO_FIT = "no_fitting_answer"
TOO_LONG = "too_many_steps"
TOO_DEEP = "too_many_jumps"
CALL_FAILED = "call_failed"
CALL_UNKNOWN = "call_unknown"


@dataclass(frozen=True)
class Say:
    """Say this."""

    text: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True)
class Ask:
    """Say this and wait for what the visitor says."""

    text: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True)
class Call:
    """Call this address. The key is the same whenever the walk is replayed, and no other call of it has it."""

    key: str
    method: str
    url: str
    headers: Mapping[str, str]
    json: Any
    form: Mapping[str, str] | None
    timeout_s: float


@dataclass(frozen=True)
class Answer:
    """Let the model speak, to this prompt or to what the visitor said."""

    prompt: str | None


@dataclass(frozen=True)
class HandOff:
    """Call a person, for this reason; the text, if there is one, is said before."""

    reason: str
    text: str | None = None


@dataclass(frozen=True)
class Wait:
    """Say `TimedOut` after so many seconds, unless something else happens."""

    seconds: int


@dataclass(frozen=True)
class Finish:
    """The scenario is complete."""


Effect = Say | Ask | Call | Answer | HandOff | Wait | Finish
