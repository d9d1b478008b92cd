"""What a step's content points at: ids in the tables, names in files; from the one to the other."""

from collections.abc import Callable, Mapping
from typing import Any

Rename = Callable[[str], str]

# Fields of a content that name a step of its own scenario.
_STEPS = ("else", "on_exhausted", "on_error", "on_unknown", "on_timeout", "on_answer")


def renamed(
    kind: str, content: Mapping[str, Any], *, step: Rename, scenario: Rename, step_of: Any
) -> dict[str, Any]:
    """Return the content with every step and scenario that it names renamed.

    `step` renames steps of its own scenario, `scenario` scenarios, `step_of(scenario, step)` steps of another one.
    """
    new = dict(content)
    for field in _STEPS:
        if new.get(field) is not None and kind != "set":
            new[field] = step(str(new[field]))
    if kind == "condition":
        new |= _of_condition(new, step)
    elif kind == "jump":
        if new.get("step") is not None:
            new["step"] = step_of(str(new["scenario"]), str(new["step"]))
        new["scenario"] = scenario(str(new["scenario"]))
    return new


def _of_condition(content: Mapping[str, Any], step: Rename) -> dict[str, Any]:
    new: dict[str, Any] = {}
    if content.get("conditions"):
        new["conditions"] = {word: step(str(one)) for word, one in content["conditions"].items()}
    if content.get("branches"):
        new["branches"] = [{**branch, "then": step(str(branch["then"]))} for branch in content["branches"]]
    return new
