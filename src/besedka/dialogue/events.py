"""What can happen to a walk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from besedka.dialogue.templates import Value


@dataclass(frozen=True)
class Started:
    """This scenario begins, with these variables; at its first step or at this one."""

    scenario: str
    step: str | None = None
    variables: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Said:
    """The visitor said this; `value` is what a pressed button means, if one was pressed."""

    text: str
    value: str | None = None


@dataclass(frozen=True)
class CallReturned:
    """The call with this key came back; `body` is JSON that was read, or text."""

    key: str
    status: int
    body: Any = None


@dataclass(frozen=True)
class CallFailed:
    """The call with this key has no reply; `unknown` when it may have done its work all the same."""

    key: str
    reason: str
    unknown: bool = False


@dataclass(frozen=True)
class Answered:
    """The model spoke."""

    text: str


@dataclass(frozen=True)
class Unanswered:
    """The model did not, for this reason."""

    reason: str


@dataclass(frozen=True)
class TimedOut:
    """The time that was waited for has come."""


@dataclass(frozen=True)
class Resumed:
    """A person was there, or something else came between; what was asked is asked again."""


Event = Started | Said | CallReturned | CallFailed | Answered | Unanswered | TimedOut | Resumed
