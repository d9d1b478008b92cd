"""The kinds of steps and what each holds, as authors write it. What is read here is right in form, alone."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from besedka.dialogue import patterns, templates
from besedka.dialogue.conditions import Rule

MAX_TEXT = 10_000  # characters of a text that is said
LONGEST_WAIT_S = 2_592_000  # thirty days
MAX_FIELDS = 100  # headers, form fields, variables of one step

_HOST = re.compile(r"https?://[^/?#{}@\\\s]+(?=[/?#]|$)", re.IGNORECASE)


def _as_text(written: object) -> object:
    """Ids are written as numbers or as text, and are text."""
    return str(written) if isinstance(written, int) and not isinstance(written, bool) else written


Id = Annotated[str, BeforeValidator(_as_text), StringConstraints(min_length=1, max_length=100)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
Name = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w{0,59}$")]  # of a variable
Value = str | int | float | bool | None


class Strict(BaseModel):
    """What it does not know it refuses: a field with a slip in its name would do nothing, in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Button(Strict):
    """What a visitor may press; `value` is what it means, if that is not its label."""

    label: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    value: Annotated[str, StringConstraints(max_length=200)] | None = None

    @property
    def meaning(self) -> str:
        """What the scenario gets when it is pressed."""
        return self.label if self.value is None else self.value


Buttons = Annotated[tuple[Button, ...], Field(max_length=20)]


class Message(Strict):
    """Say it and go on."""

    message: Text
    buttons: Buttons = ()


class Validation(Strict):
    """What an answer has to be like."""

    type: Literal["text", "number", "email", "phone", "date", "choice"] = "text"
    min_length: Annotated[int, Field(ge=0, le=MAX_TEXT)] | None = None
    max_length: Annotated[int, Field(ge=1, le=MAX_TEXT)] | None = None
    min: float | None = None
    max: float | None = None
    pattern: str | None = None
    message: Text | None = None  # said when an answer does not fit, in the place of our own

    @field_validator("pattern")
    @classmethod
    def _pattern_can_be_run(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            patterns.check(pattern)
        return pattern

    @model_validator(mode="after")
    def _bounds_in_order(self) -> "Validation":
        if self.min_length is not None and self.max_length is not None and self.min_length > self.max_length:
            raise ValueError("min_length is above max_length: no answer could fit")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max: no answer could fit")
        return self


class Question(Strict):
    """Ask, wait, see whether the answer fits, thank, go on."""

    question: Text
    response_template: Text | None = None
    validation_rules: Validation = Validation()
    save_as: Name | None = None
    buttons: Buttons = ()
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    on_exhausted: Id | None = None

    @model_validator(mode="after")
    def _choice_has_buttons(self) -> "Question":
        if self.validation_rules.type == "choice" and not self.buttons:
            raise ValueError("a choice needs buttons to choose from")
        return self


class Branch(Strict):
    """Where to go when the rule holds, and what to say."""

    when: Annotated[Rule, Field(alias="if")]
    then: Id
    say: Text | None = None


class Condition(Strict):
    """Where to go: by words in the last answer, or by rules; the first that holds."""

    conditions: Annotated[
        dict[Annotated[str, StringConstraints(min_length=1)], Id], Field(max_length=MAX_FIELDS)
    ] = {}
    responses: dict[str, Text] = {}
    branches: Annotated[tuple[Branch, ...], Field(max_length=MAX_FIELDS)] = ()
    otherwise: Annotated[Id | None, Field(alias="else")] = None
    default_response: Text | None = None

    @model_validator(mode="after")
    def _one_way_of_saying_it(self) -> "Condition":
        if bool(self.conditions) == bool(self.branches):
            raise ValueError("a condition has either conditions or branches")
        unknown = [keyword for keyword in self.responses if keyword not in self.conditions]
        if unknown:
            raise ValueError(f"responses has {unknown[0]!r}, which is not among the conditions")
        return self


# How others call the same fields: authors come from there.
_ALSO = {"params": "query", "body": "json", "data": "json", "timeout": "timeout_s"}


def _own_name(name: Any, written: dict[Any, Any]) -> Any:
    """Our name of a field, unless that stands there as well: then the other one is refused."""
    own = _ALSO.get(name, name)
    return name if own in written else own


class ApiCall(Strict):
    """Call an address outside, keep what it returned, and say a message."""

    url: Annotated[str, StringConstraints(max_length=2_000)]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "GET"
    headers: Annotated[dict[str, Text], Field(max_length=MAX_FIELDS)] = {}
    query: Annotated[dict[str, Text], Field(max_length=MAX_FIELDS)] = {}
    json_body: Annotated[Any, Field(alias="json")] = None
    form: Annotated[dict[str, Text], Field(max_length=MAX_FIELDS)] | None = None
    save: Annotated[
        dict[Name, Annotated[str, StringConstraints(min_length=1, max_length=200)]], Field(max_length=50)
    ] = {}
    save_as: Name | None = None
    success_message: Text | None = None
    error_message: Text | None = None
    on_error: Id | None = None
    on_unknown: Id | None = None
    timeout_s: Annotated[float, Field(ge=1, le=30)] = 10

    @model_validator(mode="before")
    @classmethod
    def _names_of_others(cls, written: Any) -> Any:
        if not isinstance(written, dict):
            return written
        return {_own_name(name, written): one for name, one in written.items()}

    @field_validator("method", mode="before")
    @classmethod
    def _method_in_capitals(cls, method: Any) -> Any:
        return method.upper() if isinstance(method, str) else method

    @field_validator("url")
    @classmethod
    def _host_is_written_out(cls, url: str) -> str:
        if not _HOST.match(url):
            raise ValueError("an address begins with http:// or https:// and a host that is written out")
        if next(templates.secrets_in(url), None) is not None:
            raise ValueError("an address is written into logs: a secret goes into a header or the body")
        return url

    @field_validator("query")
    @classmethod
    def _query_has_no_secrets(cls, query: dict[str, str]) -> dict[str, str]:
        if next(templates.secrets_in(query), None) is not None:
            raise ValueError("an address is written into logs: a secret goes into a header or the body")
        return query

    @field_validator("headers")
    @classmethod
    def _headers_have_names(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", name):
                raise ValueError(f"{name!r} is no name of a header")
            if name.lower() in ("host", "content-length", "transfer-encoding", "connection"):
                raise ValueError(f"{name} is not for a scenario to set")
            if any(character < " " for character in value):
                raise ValueError(f"the value of {name} has a line break or another control character")
        return headers

    @model_validator(mode="after")
    def _one_body(self) -> "ApiCall":
        if self.json_body is not None and self.form is not None:
            raise ValueError("a call has json or form, not both")
        if self.method in ("GET", "HEAD") and (self.json_body is not None or self.form is not None):
            raise ValueError(f"a {self.method} has no body")
        return self


class Answer(Strict):
    """Let the model speak, of what the visitor said last."""

    prompt: Text | None = None
    save_as: Name | None = None
    say: bool = True


class HandOff(Strict):
    """Call a person; the scenario is over."""

    message: Text | None = None
    reason: Annotated[str, StringConstraints(max_length=200)] | None = None


class Set(Strict):
    """Remember values."""

    variables: Annotated[dict[Name, Value], Field(min_length=1, max_length=MAX_FIELDS)]


class Jump(Strict):
    """Go on in another scenario, or at another step of one; with `back`, return behind this step at its end."""

    scenario: Id
    step: Id | None = None
    back: bool = False


class Wait(Strict):
    """Wait for time to pass, or for the visitor to say something."""

    seconds: Annotated[int, Field(ge=1, le=LONGEST_WAIT_S)]
    message: Text | None = None
    on_timeout: Id | None = None
    on_answer: Id | None = None
    save_as: Name | None = None


Content = Message | Question | Condition | ApiCall | Answer | HandOff | Set | Jump | Wait

KINDS: dict[str, type[Strict]] = {
    "message": Message,
    "question": Question,
    "condition": Condition,
    "api_call": ApiCall,
    "answer": Answer,
    "handoff": HandOff,
    "set": Set,
    "jump": Jump,
    "wait": Wait,
}
