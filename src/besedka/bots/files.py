"""A whole bot as one file: what may stand in it, and every fault with its line. Nothing here knows a database."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from besedka.bots import contents, yamls
from besedka.bots.yamls import Read
from besedka.dialogue import graph as graphs
from besedka.dialogue import linter
from besedka.dialogue.graph import Fault, Graph, GraphError
from besedka.dialogue.linter import Flaw
from besedka.problems import Problem

FORMAT = 1
_BESIDE = ("description", "is_active")  # of a scenario, what the engine has no use for

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Long = Annotated[str, StringConstraints(max_length=20_000)]


class FileFaulty(Problem):
    """This file is no bot that could be run."""

    code = "file_faulty"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class BotFields(_Strict):
    """Who the bot is. Neither its key nor where that is sent is in a file."""

    name: Name
    description: Annotated[str, StringConstraints(max_length=10_000)] = ""
    bot_type: Literal["chat", "completion"] = "chat"
    gpt_model: Annotated[str, StringConstraints(max_length=200)] = ""
    creativity_level: Annotated[float, Field(ge=0.5, le=1.5)] = 0.7
    max_tokens: Annotated[int, Field(ge=1, le=32_000)] = 1000
    system_prompt: Long = ""
    is_active: bool = True
    chat_is_open: bool = True
    finds_ads: bool = False
    answer_from: Annotated[float, Field(ge=0, le=1)] = 0.7
    suggest_from: Annotated[float, Field(ge=0, le=1)] = 0.5

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> "BotFields":
        if self.suggest_from > self.answer_from:
            raise ValueError("suggest_from is above answer_from: it would never suggest")
        return self


class _Beside(_Strict):
    description: Annotated[str, StringConstraints(max_length=10_000)] = ""
    is_active: bool = True


class _File(_Strict):
    besedka: Literal[1]
    bot: BotFields
    secrets: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,59}$")], ...],
        Field(max_length=100),
    ] = ()
    scenarios: Annotated[
        dict[Annotated[str, StringConstraints(min_length=1, max_length=100)], dict[str, Any]],
        Field(max_length=graphs.MAX_SCENARIOS),
    ] = {}


class BotFile(NamedTuple):
    """What a file says: the bot, its scenarios as they stand there, and the same as a graph."""

    bot: BotFields
    secrets: tuple[str, ...]
    scenarios: Mapping[str, Mapping[str, Any]]
    graph: Graph
    read: Read


def read(text: str) -> BotFile:
    """Return the bot that this file describes; raises `FileUnreadable`, `FileFaulty` with the lines of faults."""
    found = yamls.read(text)
    try:
        whole = _File.model_validate(found.value)
    except ValidationError as error:
        raise _faulty(found, _of_pydantic(error)) from None
    engines = {
        key: {name: one for name, one in scenario.items() if name not in _BESIDE}
        for key, scenario in whole.scenarios.items()
    }
    beside = [fault for key, scenario in whole.scenarios.items() for fault in _beside_faults(key, scenario)]
    try:
        graph = graphs.read({"scenarios": engines})
    except GraphError as error:
        raise _faulty(found, [*beside, *error.faults]) from None
    faults = [*beside, *_addresses(graph)]
    if faults:
        raise _faulty(found, faults)
    return BotFile(whole.bot, whole.secrets, whole.scenarios, graph, found)


def warnings(file: BotFile) -> list[tuple[int, Flaw]]:
    """What looks wrong though it could be run, each with its line."""
    return [(file.read.line_of(flaw.path), flaw) for flaw in linter.warnings(file.graph)]


def _beside_faults(key: str, scenario: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        _Beside.model_validate({name: scenario[name] for name in _BESIDE if name in scenario})
    except ValidationError as error:
        for fault in _of_pydantic(error):
            yield Fault(f"scenarios.{key}.{fault.path}", fault.sentence)


def _addresses(graph: Graph) -> Iterator[Fault]:
    for scenario in graph.scenarios.values():
        for at, step in enumerate(scenario.steps.values()):
            for fault in contents.address_faults(step.content):
                yield Fault(f"scenarios.{scenario.id}.steps.{at}.content.{fault.path}", fault.sentence)


def _of_pydantic(error: ValidationError) -> Iterator[Fault]:
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        path = ".".join(str(part) for part in one["loc"] if part != "[key]")
        yield Fault(path, one["msg"].removeprefix("Value error, "))


def _faulty(found: Read, faults: Iterable[Fault]) -> FileFaulty:
    errors = [
        {"field": fault.path, "line": found.line_of(fault.path), "reason": fault.sentence} for fault in faults
    ]
    errors = sorted(errors, key=lambda error: int(str(error["line"])))[: graphs.SHOWN_FAULTS]
    first = errors[0]
    return FileFaulty(f"Line {first['line']}, {first['field']}: {first['reason']}.", errors=errors)
