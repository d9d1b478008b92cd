"""Simple rules as rows of a form, and rows as rules: a variable, how it is compared, with what, and the step."""

from collections.abc import Mapping, Sequence
from typing import Any

ANSWER = "answer"  # what stands in the place of a variable's name for the last answer

_NUMBERS = {"less", "more", "at_least", "at_most"}
Row = tuple[str, str, str, str]


def rows_of(branches: Sequence[Mapping[str, Any]]) -> list[Row] | None:
    """The rows for these branches; None when one of them is more than a row can say."""
    rows = []
    for branch in branches:
        rule = branch.get("if")
        if not isinstance(rule, Mapping) or branch.get("say") is not None or "value" not in rule:
            return None
        value, other = rule["value"], rule.get("with")
        name = value.get("variable") or ANSWER
        text = ", ".join(map(str, other)) if isinstance(other, list) else "" if other is None else str(other)
        rows.append((str(name), str(rule["op"]), text, str(branch["then"])))
    return rows if _same(branches, branches_of(rows)) else None


def branches_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The branches that these rows say."""
    return [{"if": _rule(name, op, other), "then": step} for name, op, other, step in rows]


def _rule(name: str, op: str, other: str) -> dict[str, Any]:
    value: dict[str, Any] = {"answer": True} if name == ANSWER else {"variable": name}
    rule: dict[str, Any] = {"value": value, "op": op}
    if op == "one_of":
        rule["with"] = [one.strip() for one in other.split(",") if one.strip()]
    elif op in _NUMBERS:
        rule["with"] = _number(other)
    elif op != "is_set":
        rule["with"] = other
    return rule


def _number(written: str) -> Any:
    """The number; what is none stays as it is, and is refused by the engine with its place."""
    try:
        number = float(written.replace(",", ".").replace(" ", ""))
    except ValueError:
        return written
    return int(number) if number.is_integer() else number


def _same(branches: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> bool:
    """Whether both say the same; ids of steps are written as numbers or as text."""
    return [{**one, "then": str(one["then"])} for one in branches] == others
