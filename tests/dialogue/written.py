"""Scenarios as an author writes them, in a few words."""

from typing import Any

from besedka.dialogue.graph import Graph, read


def step(number: int | str, kind: str, following: int | str | None = None, **content: Any) -> dict[str, Any]:
    """One step; `following` comes after it, else the next one. Words of Python are written with `_` behind."""
    fields = {name.rstrip("_"): value for name, value in content.items()}
    return {"id": number, "kind": kind, "content": fields, "next": following}


def scenario(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """One scenario of these steps."""
    return {"name": "A scenario", "steps": list(steps), **fields}


def document(*steps: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    """A bot with the scenario 1 of these steps, and others by their names."""
    return {"scenarios": {"1": scenario(*steps), **others}}


def graph(*steps: dict[str, Any], **others: dict[str, Any]) -> Graph:
    """The graph of such a bot."""
    return read(document(*steps, **others))
