"""The data to measure with, read from outside of the repository; nothing of it may be copied in here."""

import csv
import json
import os
from pathlib import Path
from typing import NamedTuple

from besedka.knowledge.index import Entry, Index

DATA = Path(os.environ.get("BESEDKA_DATA") or Path(__file__).parents[2] / "shared" / "data")
SUPPORT = DATA / "support-ru"
INTENTS = DATA / "intents-en" / "clinc150_dev.json"


class Case(NamedTuple):
    """A question that was really asked, and the passages that are right: all with the right one's answer."""

    question: str
    right: frozenset[int]


def support() -> tuple[list[Entry], list[Case]]:
    """Return the support service's passages and the questions asked of it."""
    rows = _rows(SUPPORT / "knowledge.csv")
    entries = [
        Entry(at, row["topic"], row["question"].strip(), row["answer"].strip()) for at, row in enumerate(rows)
    ]
    answers: dict[str, str] = {}
    for entry in entries:
        answers.setdefault(entry.question, entry.answer)
    cases = []
    for row in _rows(SUPPORT / "cases.csv"):
        answer = answers[row["knowledge_question"].strip()]
        right = frozenset(entry.passage_id for entry in entries if entry.answer == answer)
        cases.append(Case(row["question"].strip(), right))
    return entries, cases


def intents() -> dict[str, list[tuple[str, str]]]:
    """Return the parts of CLINC150 as pairs of a phrase and its intent; empty when the file is not there."""
    if not INTENTS.exists():
        return {}
    parts = json.loads(INTENTS.read_text("utf-8"))
    return {part: [(phrase, intent) for phrase, intent in pairs] for part, pairs in parts.items()}


def hits(index: Index, cases: list[Case]) -> list[tuple[bool, bool]]:
    """Return for each case whether the first passage is right, and whether one of the first three is."""
    seen = []
    for case in cases:
        found = [passage.passage_id for passage in index.find(case.question)]
        seen.append((bool(found) and found[0] in case.right, not case.right.isdisjoint(found)))
    return seen


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
