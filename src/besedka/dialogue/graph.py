"""A bot's scenarios as one graph: read from a document, refused with the place of every fault."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from besedka.dialogue import steps
from besedka.dialogue.steps import KINDS, Content, Id, Strict

MAX_STEPS, MAX_SCENARIOS = 2_000, 200
MAX_BYTES = 5_000_000  # of a document, as JSON
MAX_DEPTH = 40  # of lists and objects inside one another
SHOWN_FAULTS = 100


class Fault(NamedTuple):
    """What is wrong, and where: names and positions joined by points."""

    path: str
    sentence: str


class GraphError(ValueError):
    """This is no scenario that could be run."""

    def __init__(self, faults: list[Fault]) -> None:
        """All faults that were found, at most `SHOWN_FAULTS`."""
        self.faults = faults[:SHOWN_FAULTS]
        super().__init__("; ".join(f"{fault.path}: {fault.sentence}" for fault in self.faults))


class Triggers(Strict):
    """What begins a scenario: the first words of a visitor, a word at any time, a command."""

    on_start: bool = False
    keywords: Annotated[
        tuple[Annotated[str, StringConstraints(min_length=1, max_length=100)], ...], Field(max_length=100)
    ] = ()
    commands: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^/\w{1,50}$")], ...], Field(max_length=100)
    ] = ()


class _Step(Strict):
    id: Id
    name: Annotated[str, StringConstraints(max_length=200)] = ""
    next: Id | None = None


class _MessageStep(_Step):
    kind: Literal["message"]
    content: steps.Message


class _QuestionStep(_Step):
    kind: Literal["question"]
    content: steps.Question


class _ConditionStep(_Step):
    kind: Literal["condition"]
    content: steps.Condition


class _CallStep(_Step):
    kind: Literal["api_call"]
    content: steps.ApiCall


class _AnswerStep(_Step):
    kind: Literal["answer"]
    content: steps.Answer


class _HandOffStep(_Step):
    kind: Literal["handoff"]
    content: steps.HandOff


class _SetStep(_Step):
    kind: Literal["set"]
    content: steps.Set


class _JumpStep(_Step):
    kind: Literal["jump"]
    content: steps.Jump


class _WaitStep(_Step):
    kind: Literal["wait"]
    content: steps.Wait


Step = Annotated[
    _MessageStep
    | _QuestionStep
    | _ConditionStep
    | _CallStep
    | _AnswerStep
    | _HandOffStep
    | _SetStep
    | _JumpStep
    | _WaitStep,
    Field(discriminator="kind"),
]


class _Scenario(Strict):
    name: Annotated[str, StringConstraints(max_length=200)] = ""
    start: Id | None = None
    triggers: Triggers = Triggers()
    steps: Annotated[tuple[Step, ...], Field(max_length=MAX_STEPS)] = ()


class _Document(Strict):
    scenarios: Annotated[dict[Id, _Scenario], Field(max_length=MAX_SCENARIOS)]


_DOCUMENT: TypeAdapter[_Document] = TypeAdapter(_Document)


@dataclass(frozen=True)
class Scenario:
    """Steps by their ids; `first` is where it begins, `after` what follows each if it does not say otherwise."""

    id: str
    name: str
    first: str | None
    triggers: Triggers
    steps: Mapping[str, Step]
    after: Mapping[str, str | None]


@dataclass(frozen=True)
class Graph:
    """All scenarios of a bot by their ids, and the hash of what is in them."""

    scenarios: Mapping[str, Scenario]
    content_hash: str


def read(document: object, *, references: bool = True) -> Graph:
    """Return the graph of a document; raises `GraphError` with every fault that was found.

    Without `references` a step may name steps that are not there; a walk that comes to one ends.
    """
    canonical = _canonical(document)
    try:
        whole = _DOCUMENT.validate_python(document)
    except ValidationError as error:
        raise GraphError(list(_faults(error))) from None
    scenarios = {number: _scenario(number, written) for number, written in whole.scenarios.items()}
    faults = [*_doubles(whole), *(_dangling(scenarios) if references else ())]
    if faults:
        raise GraphError(faults)
    return Graph(scenarios, sha256(canonical).hexdigest())


def read_content(kind: str, content: object) -> Content:
    """Return what a step of this kind holds; raises `GraphError` with paths inside of the content."""
    if kind not in KINDS:
        raise GraphError(
            [Fault("step_type", f"there is no kind of step {kind[:50]!r}; there are {', '.join(KINDS)}")]
        )
    _canonical(content)
    try:
        return KINDS[kind].model_validate(content)  # type: ignore[return-value]
    except ValidationError as error:
        raise GraphError(list(_faults(error))) from None


def referred_to(content: Content) -> Iterator[tuple[str, str]]:
    """The steps of its own scenario that a content names: paths inside of it, and ids."""
    if isinstance(content, steps.Condition):
        yield from ((f"conditions.{keyword}", step) for keyword, step in content.conditions.items())
        yield from ((f"branches.{at}.then", branch.then) for at, branch in enumerate(content.branches))
    names = {"otherwise": "else"}
    for field in ("otherwise", "on_exhausted", "on_error", "on_unknown", "on_timeout", "on_answer"):
        step = getattr(content, field, None)
        if step is not None:
            yield names.get(field, field), step


def _scenario(number: str, written: _Scenario) -> Scenario:
    order = [step.id for step in written.steps]
    following = dict(zip(order, [*order[1:], None], strict=True)) if order else {}
    after = {step.id: step.next if step.next is not None else following[step.id] for step in written.steps}
    first = written.start if written.start is not None else next(iter(order), None)
    by_id = {step.id: step for step in written.steps}
    return Scenario(number, written.name, first, written.triggers, by_id, after)


def _doubles(whole: _Document) -> Iterator[Fault]:
    for number, scenario in whole.scenarios.items():
        seen: set[str] = set()
        for at, step in enumerate(scenario.steps):
            if step.id in seen:
                yield Fault(f"scenarios.{number}.steps.{at}.id", f"there is another step with the id {step.id}")
            seen.add(step.id)


def _dangling(scenarios: Mapping[str, Scenario]) -> Iterator[Fault]:
    for number, scenario in scenarios.items():
        path = f"scenarios.{number}"
        if scenario.first is not None and scenario.first not in scenario.steps:
            yield Fault(f"{path}.start", f"there is no step {scenario.first} in this scenario")
        for at, step in enumerate(scenario.steps.values()):
            if step.next is not None and step.next not in scenario.steps:
                yield Fault(f"{path}.steps.{at}.next", f"there is no step {step.next} in this scenario")
            for field, named in referred_to(step.content):
                if named not in scenario.steps:
                    yield Fault(f"{path}.steps.{at}.content.{field}", f"there is no step {named} in this scenario")
            if isinstance(step.content, steps.Jump):
                yield from _jump_faults(f"{path}.steps.{at}.content", step.content, scenarios)


def _jump_faults(path: str, jump: steps.Jump, scenarios: Mapping[str, Scenario]) -> Iterator[Fault]:
    if jump.scenario not in scenarios:
        yield Fault(f"{path}.scenario", f"there is no scenario {jump.scenario}")
    elif jump.step is not None and jump.step not in scenarios[jump.scenario].steps:
        yield Fault(f"{path}.step", f"there is no step {jump.step} in the scenario {jump.scenario}")


def _faults(error: ValidationError) -> Iterator[Fault]:
    """The faults by our paths: without the kinds that a discriminator puts between."""
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        place = list(one["loc"])
        if len(place) > 4 and place[0] == "scenarios" and place[2] == "steps" and place[4] in KINDS:
            del place[4]
        if one["type"].startswith("union_tag"):
            place.append("kind")
        sentence = one["msg"].removeprefix("Value error, ")
        yield Fault(".".join(str(part) for part in place if part != "[key]"), sentence)


def _canonical(document: object) -> bytes:
    """The document as JSON, its keys as they stand: of several that fit the first one counts.

    Raises `GraphError` when it is too large or too deep."""
    if _depth(document) > MAX_DEPTH:
        raise GraphError([Fault("", f"lists and objects are more than {MAX_DEPTH} deep inside one another")])
    try:
        written = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        canonical = written.encode()
    except (TypeError, ValueError) as fault:
        raise GraphError([Fault("", f"this cannot be written as JSON: {fault}")]) from None
    if len(canonical) > MAX_BYTES:
        raise GraphError([Fault("", f"{len(canonical)} bytes are more than the {MAX_BYTES} that a bot may have")])
    return canonical


def _depth(document: object) -> int:
    """How deep lists and objects stand inside one another; found without recursion, and at most one too many."""
    level: list[Any] = [document]
    depth = 0
    while level and depth <= MAX_DEPTH:
        inside: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inside.extend(one.values())
            elif isinstance(one, list | tuple):
                inside.extend(one)
        if not inside and not any(isinstance(one, dict | list | tuple) for one in level):
            break
        level, depth = inside, depth + 1
    return depth
