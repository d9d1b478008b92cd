"""Examples that a model was tuned with, one JSON object a line: the exchanges in them are questions and answers.

Yandex writes `{"request": [{"role", "text"}…], "response": "…"}`, OpenAI `{"messages": [{"role", "content"}…]}`.
"""

import json
from collections.abc import Iterator
from typing import Any

from besedka.knowledge import rows
from besedka.knowledge.rows import Progress, Row, Table, decode


def read(content: bytes, progress: Progress) -> Table:
    """The exchanges, each line by itself. Raises `NothingToImport`, `TooManyRows`."""
    table = Table([], [])
    lines = decode(content).split("\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            _take(table, number, line)
        if number % 1000 == 0:
            progress(number, len(lines))
    return rows.usable(table)


def _take(table: Table, number: int, line: str) -> None:
    try:
        example = json.loads(line)
    except (ValueError, RecursionError):  # ValueError: a number of 5,000 digits, too
        rows.refuse(table, number, "not JSON")
        return
    exchanges = list(_exchanges(example))
    if not exchanges:
        rows.refuse(table, number, "no question of a user with an answer to it")
    for question, answer in exchanges:
        rows.take(table, number, Row("", question, answer))


def _exchanges(example: Any) -> Iterator[tuple[str, str]]:
    """Each answer with the last thing that the user said before it."""
    asked = ""
    for role, text in _turns(example):
        if role == "user":
            asked = text
        elif role == "assistant" and asked:
            yield asked, text
            asked = ""


def _turns(example: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(example, dict):
        return
    request, messages = example.get("request"), example.get("messages")
    for turn in request if isinstance(request, list) else messages if isinstance(messages, list) else []:
        if isinstance(turn, dict):
            text = _text(turn.get("text", turn.get("content"))).strip()
            if text:
                yield str(turn.get("role")), text
    if isinstance(request, list):
        yield "assistant", _text(example.get("response")).strip()


def _text(content: Any) -> str:
    """A text, or the texts of a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)
    )
