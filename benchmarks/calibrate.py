"""Fit the coefficients of `besedka.knowledge.confidence` and print them, with what cross-validation says of them.

    .venv/bin/python benchmarks/calibrate.py

The search is asked the questions of two bases, cut at random to many sizes, so that nothing is learned that holds
only for one size. Six kinds of questions, each with a fixed share of the whole weight: those whose passage is in
the base and those whose passage was taken away, for both bases; stored questions with words dropped; the neutral
background. The folds are made by question: what a fold is scored on was never seen in the fit, in a base of any
size.
"""

import random
import sys
from collections.abc import Iterator
from typing import NamedTuple

import background
import bases
import numpy as np
import numpy.typing as npt

from besedka.knowledge import words
from besedka.knowledge.confidence import Signs
from besedka.knowledge.index import Entry, Index

FOLDS = 5
RIDGE = 1.0  # holds the coefficients small; of no weight against thousands of questions but where a sign is rare
SIZES = (2, 4, 8, 12, 20, 40, 80, 160)
SHARES = {
    "asked": 0.45,
    "taken away": 0.1,
    "intent": 0.15,
    "other intent": 0.05,
    "shortened": 0.05,
    "background": 0.2,
}

Numbers = npt.NDArray[np.float64]


class Seen(NamedTuple):
    """One search: its kind, its question, what was seen of it and whether the first passage was right."""

    kind: str
    question: str
    signs: Signs
    right: bool
    size: int


def main() -> int:
    """Print coefficients to paste into `confidence.py`; 0 also where the data is missing."""
    if not bases.SUPPORT.exists():
        print(f"no data at {bases.SUPPORT}: nothing calibrated")
        return 0
    seen, signs, right, weights = _searches()
    guessed = _out_of_fold(seen, signs, right, weights)
    _report(seen, guessed, right, weights)
    fitted = fit(signs, right, weights)
    print(f"\nBIAS = {fitted[0]:.2f}\nCOEFFICIENTS = Signs(")
    for name, value in zip(Signs._fields, fitted[1:], strict=True):
        print(f"    {name}={value:.2f},")
    print(")")
    return 0


def fit(signs: Numbers, right: Numbers, weights: Numbers) -> Numbers:
    """Return the coefficients of the logistic model, the bias first, by Newton's method."""
    coefficients = np.zeros(signs.shape[1])
    ridge = np.eye(signs.shape[1]) * RIDGE
    ridge[0, 0] = 0
    for _ in range(50):
        guessed = 1 / (1 + np.exp(-signs @ coefficients))
        slope = signs.T @ (weights * (right - guessed)) - ridge @ coefficients
        curve = (signs * (weights * guessed * (1 - guessed))[:, None]).T @ signs + ridge
        step = np.linalg.solve(curve, slope)
        coefficients += step
        if np.abs(step).max() < 1e-6:
            break
    return coefficients


def error(guessed: Numbers, right: Numbers, weights: Numbers, bins: int = 10) -> float:
    """Return the expected calibration error: how far, on average, a probability is from what came true."""
    bin_of = np.minimum((guessed * bins).astype(int), bins - 1)
    apart = np.bincount(bin_of, weights * (guessed - right), bins)
    return float(np.abs(apart).sum() / weights.sum())


def confidences_out_of_fold(size: int) -> tuple[Numbers, Numbers]:
    """Return confidences in the support base of this size, by models fitted without them, and what was right."""
    seen, signs, right, weights = _searches()
    guessed = _out_of_fold(seen, signs, right, weights)
    at = np.array([one.kind == "asked" and one.size == size for one in seen])
    return guessed[at], right[at]


def _searches() -> tuple[list[Seen], Numbers, Numbers, Numbers]:
    """All searches, the same at every call; their signs, with a one for the bias; outcomes; weights."""
    chance = random.Random(20)
    seen = [*_support(chance), *_intents(chance)]
    signs = np.array([[1.0, *one.signs] for one in seen])
    return seen, signs, np.array([one.right for one in seen], dtype=float), _weights(seen)


def _support(chance: random.Random) -> Iterator[Seen]:
    entries, cases = bases.support()
    negatives = background.questions()
    whole = Index(entries)
    for case in cases:
        yield from _ask("asked", whole, case.question, case.right)
    for question in negatives:
        yield from _ask("background", whole, question, frozenset())
    for size in SIZES * 4:
        part = chance.sample(entries, size)
        index, inside = Index(part), {entry.passage_id for entry in part}
        for case in cases:
            if not case.right.isdisjoint(inside):
                yield from _ask("asked", index, case.question, case.right)
        for case in chance.sample([case for case in cases if case.right.isdisjoint(inside)], 60):
            yield from _ask("taken away", index, case.question, frozenset())
        for entry in chance.sample(part, min(size, 8)):
            yield from _ask("shortened", index, _shorten(entry.question, chance), frozenset({entry.passage_id}))
        for question in negatives:
            yield from _ask("background", index, question, frozenset())


def _intents(chance: random.Random) -> Iterator[Seen]:
    parts = bases.intents()
    if not parts:
        return
    phrases: dict[str, list[str]] = {}
    for phrase, intent in parts["train"]:
        phrases.setdefault(intent, []).append(phrase)
    for size in (2, 4, 8, 12, 20, 40, 80, 150) * 2:
        names = chance.sample(sorted(phrases), size)
        part = []
        for at, name in enumerate(names):
            question, *answer = chance.sample(phrases[name], 4)
            part.append(Entry(at, chance.choice(["", name.replace("_", " ")]), question, " ".join(answer)))
        index, number = Index(part), {name: at for at, name in enumerate(names)}
        for phrase, name in chance.sample(parts["val"], 400):
            if name in number:
                yield from _ask("intent", index, phrase, frozenset({number[name]}))
            else:
                yield from _ask("other intent", index, phrase, frozenset())
        for question in [*background.questions(), *(phrase for phrase, _ in parts["oos_val"])]:
            yield from _ask("background", index, question, frozenset())


def _ask(kind: str, index: Index, question: str, right: frozenset[int]) -> Iterator[Seen]:
    """The search as it saw itself; nothing where it found nothing, since then it says so without the model."""
    found = index.signs(question)
    if found is not None:
        yield Seen(kind, question, found[1], found[0] in right, len(index))


def _shorten(question: str, chance: random.Random) -> str:
    kept = [word for word in words.split(question) if chance.random() > 0.25]
    return " ".join(kept) or question


def _weights(seen: list[Seen]) -> Numbers:
    number = {kind: sum(one.kind == kind for one in seen) for kind in SHARES}
    return np.array([SHARES[one.kind] / number[one.kind] for one in seen]) * len(seen)


def _out_of_fold(seen: list[Seen], signs: Numbers, right: Numbers, weights: Numbers) -> Numbers:
    fold_of: dict[str, int] = {}
    for question in random.Random(5).sample(
        sorted({one.question for one in seen}), len({one.question for one in seen})
    ):
        fold_of[question] = len(fold_of) % FOLDS
    fold = np.array([fold_of[one.question] for one in seen])
    guessed = np.zeros(len(seen))
    for number in range(FOLDS):
        inside = fold != number
        coefficients = fit(signs[inside], right[inside], weights[inside])
        guessed[~inside] = 1 / (1 + np.exp(-signs[~inside] @ coefficients))
    return guessed


def _report(seen: list[Seen], guessed: Numbers, right: Numbers, weights: Numbers) -> None:
    print(f"{len(seen)} searches, {FOLDS} folds; calibration error {error(guessed, right, weights):.3f}")
    print(f"{'kind':<14}{'size':>6}{'n':>7}{'right':>8}{'mean':>7}{'error':>7}{'>= 0.5':>8}{'of these right':>16}")
    for kind in SHARES:
        sizes = sorted({one.size for one in seen if one.kind == kind})
        for size in sizes if kind in ("asked", "background") else [0]:
            at = np.array([one.kind == kind and size in (0, one.size) for one in seen])
            sure = at & (guessed >= 0.5)
            print(
                f"{kind:<14}{size or 'all':>6}{at.sum():>7}{right[at].mean():>8.2f}{guessed[at].mean():>7.2f}"
                f"{error(guessed[at], right[at], weights[at]):>7.3f}{sure.sum() / at.sum():>8.2f}"
                f"{right[sure].mean() if sure.any() else 0:>16.2f}"
            )


if __name__ == "__main__":
    sys.exit(main())
