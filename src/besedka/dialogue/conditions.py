"""Rules as data, and what they come to. They are read, never run: there is no language here to break out of."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from besedka.dialogue import patterns
from besedka.dialogue.readings import number_in

Value = str | int | float | bool | None
OPERATIONS = (
    "equals", "contains", "one_of", "less", "more", "at_least", "at_most", "matches", "is_set"
)  # fmt: skip


class Subject(BaseModel):
    """What is compared: a variable, or the last answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    variable: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    answer: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "Subject":
        if (self.variable is None) == (self.answer is None):
            raise ValueError("a value is a variable or the answer")
        return self


class Rule(BaseModel):
    """One of: `all`, `any` and `not` of other rules, or a value compared `with` another."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    every: Annotated[tuple["Rule", ...] | None, Field(alias="all", min_length=1, max_length=50)] = None
    some: Annotated[tuple["Rule", ...] | None, Field(alias="any", min_length=1, max_length=50)] = None
    never: Annotated["Rule | None", Field(alias="not")] = None
    value: Subject | None = None
    op: Literal[OPERATIONS] | None = None  # type: ignore[valid-type]
    other: Annotated[Any, Field(alias="with")] = None

    @model_validator(mode="after")
    def _one_form(self) -> "Rule":
        given = [form for form in (self.every, self.some, self.never, self.value) if form is not None]
        if len(given) != 1:
            raise ValueError("a rule is one of all, any, not, or a value with an op")
        if (self.value is None) != (self.op is None):
            raise ValueError("a value needs an op, and an op a value")
        if self.op is not None:
            self._check_other()
        elif self.other is not None:
            raise ValueError("only a value is compared with something")
        return self

    def _check_other(self) -> None:
        if self.op == "is_set":
            if self.other is not None:
                raise ValueError("is_set is compared with nothing")
        elif self.op == "one_of":
            if not isinstance(self.other, list) or not 1 <= len(self.other) <= 200:
                raise ValueError("one_of is compared with a list of 1 to 200 values")
            if not all(isinstance(one, str | int | float | bool) for one in self.other):
                raise ValueError("one_of is compared with texts and numbers")
        elif self.op in ("less", "more", "at_least", "at_most"):
            if isinstance(self.other, bool) or not isinstance(self.other, int | float):
                raise ValueError(f"{self.op} is compared with a number")
        elif not isinstance(self.other, str | int | float | bool) and not (
            self.op == "equals" and self.other is None
        ):
            raise ValueError(f"{self.op} is compared with a text or a number")
        if self.op == "matches":
            patterns.check(str(self.other))


def holds(rule: Rule, answer: str, variables: Mapping[str, Value]) -> bool:
    """Whether the rule holds. Texts are compared without regard to case and outer space.

    A variable that is not set is null: it equals null, and no other comparison with it holds. A text that is no
    number is neither less nor more than one.
    """
    if rule.every is not None:
        return all(holds(part, answer, variables) for part in rule.every)
    if rule.some is not None:
        return any(holds(part, answer, variables) for part in rule.some)
    if rule.never is not None:
        return not holds(rule.never, answer, variables)
    subject = rule.value
    held: Value = answer
    if subject is not None and subject.variable is not None:
        held = variables.get(subject.variable)
    return _compare(rule.op or "", held, rule.other)


def _compare(op: str, held: Value, other: Any) -> bool:
    if op == "is_set":
        return held is not None and held != ""
    if op == "equals" and other is None:
        return held is None
    if held is None:
        return False
    if op == "equals":
        return _same(held, other)
    if op == "one_of":
        return any(_same(held, one) for one in other)
    if op == "contains":
        return _plain(other) in _plain(held)
    if op == "matches":
        return patterns.matches(str(other), _text(held).strip())
    number = held if isinstance(held, int | float) else number_in(held)
    if number is None or isinstance(held, bool):
        return False
    return bool(
        {"less": number < other, "more": number > other, "at_least": number >= other, "at_most": number <= other}[
            op
        ]
    )


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return _plain(one) == _plain(other)
    if isinstance(other, int | float) and isinstance(one, str):
        return number_in(one) == other
    if isinstance(one, int | float) and isinstance(other, str):
        return number_in(other) == one
    if isinstance(one, str) or isinstance(other, str):
        return _plain(one) == _plain(other)
    return one == other


def _plain(value: Value) -> str:
    return _text(value).strip().casefold().replace("ё", "е")


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
