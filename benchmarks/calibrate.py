"""Fit what the search knows of how right it is: the weights of lanes and the coefficients of confidence.

    .venv/bin/python benchmarks/calibrate.py           # minutes; prints what is to be pasted into the product

Folds are made by question. Weights and coefficients that a fold is scored with were fitted without any of its
questions, in a base of any size.
"""

import random
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import bases
import fitting
import numpy as np
import searches
from fitting import Numbers
from scipy import special
from searches import Seen

from besedka.knowledge import confidence
from besedka.knowledge.confidence import Signs
from besedka.knowledge.ranker import Lanes

FOLDS = 5


class Scored(NamedTuple):
    """Searches, what they came to, and two probabilities for each by models fitted without them."""

    seen: list[Seen]
    right: Numbers
    among: Numbers
    weights: Numbers
    guessed_right: Numbers
    guessed_among: Numbers


def main() -> int:
    """Print weights and coefficients; 0 also where the data is missing."""
    if not bases.SUPPORT.exists():
        print(f"no data at {bases.SUPPORT}: nothing calibrated")
        return 0
    entries, cases = bases.support()
    weights = fitting.ranker(entries, cases)
    print(
        "WEIGHTS = Lanes(\n"
        + "".join(f"    {key}={value:.2f},\n" for key, value in weights._asdict().items())
        + ")"
    )
    report(out_of_fold())
    seen = [*searches.of_support(weights), *searches.of_intents(weights)]
    _print_confidence("FIRST", seen, searches.SHARES, lambda one: one.right)
    _print_confidence("AMONG", seen, searches.SHARES, lambda one: one.among)
    classes = list(searches.of_classes(weights))
    report(_scored(classes, lambda _: classes, searches.CLASS_SHARES))
    _print_confidence("FIRST_OF_CLASS", classes, searches.CLASS_SHARES, lambda one: one.right)
    _print_confidence("AMONG_CLASSES", classes, searches.CLASS_SHARES, lambda one: one.among)
    return 0


def out_of_fold() -> Scored:
    """Return the searches of both bases, each scored by models that had none of its questions."""
    entries, cases = bases.support()
    everything = [*searches.of_support(Lanes()), *searches.of_intents(Lanes())]
    fold_of = _folds(everything)

    def without(number: int) -> list[Seen]:
        others = [case for case in cases if fold_of.get(case.question) != number]
        weights = fitting.ranker(entries, others)
        return [*searches.of_support(weights), *searches.of_intents(weights)]

    return _scored(everything, without, searches.SHARES)


def _folds(seen: Sequence[Seen]) -> dict[str, int]:
    questions = sorted({one.question for one in seen})
    return {question: at % FOLDS for at, question in enumerate(random.Random(5).sample(questions, len(questions)))}


def _scored(all_seen: Sequence[Seen], without: Callable[[int], list[Seen]], shares: dict[str, float]) -> Scored:
    """`without(number)` searches as the product would that never saw the questions of this fold."""
    fold_of = _folds(all_seen)
    rows: list[Seen] = []
    guesses: list[Numbers] = []
    for number in range(FOLDS):
        seen = without(number)
        inside = np.array([fold_of.get(one.question, -1) != number for one in seen])
        signs, weights = signs_of(seen), searches.weights_of(seen, shares)
        both = []
        for outcome in (_column(seen, lambda one: one.right), _column(seen, lambda one: one.among)):
            fitted = fitting.logistic(signs[inside], outcome[inside], weights[inside])
            both.append(special.expit(signs[~inside] @ fitted))
        rows += [one for one, known in zip(seen, inside, strict=True) if not known]
        guesses.append(np.stack(both))
    right, among = _column(rows, lambda one: one.right), _column(rows, lambda one: one.among)
    guessed = np.concatenate(guesses, axis=1)
    return Scored(rows, right, among, searches.weights_of(rows, shares), guessed[0], guessed[1])


def signs_of(seen: Sequence[Seen]) -> Numbers:
    """Return the signs as rows, with a one for the bias before them, and then all of it again by size."""
    signs = np.array([[1.0, *one.signs] for one in seen])
    shares = np.array([confidence.share_of(one.size) for one in seen])
    return np.concatenate([signs, signs * shares[:, None]], axis=1)


def _column(seen: Sequence[Seen], of: Callable[[Seen], bool]) -> Numbers:
    return np.array([of(one) for one in seen], dtype=float)


def report(scored: Scored) -> None:
    """Print by kind and size how often it was right, how sure it was, and how far that is apart."""
    seen, right, guessed, weights = scored.seen, scored.right, scored.guessed_right, scored.weights
    apart = fitting.error(guessed, right, weights), fitting.error(scored.guessed_among, scored.among, weights)
    print(f"{len(seen)} searches, {FOLDS} folds; calibration error {apart[0]:.3f}, of three {apart[1]:.3f}")
    print(f"{'kind':<14}{'size':>6}{'n':>7}{'right':>8}{'mean':>7}{'error':>7}{'>= 0.7':>8}{'of these right':>16}")
    for kind in dict.fromkeys(one.kind for one in seen):
        sizes: Iterable[int] = sorted({one.size for one in seen if one.kind == kind})
        for size in sizes if kind in ("of a part", "background") else [0]:
            at = np.array([one.kind == kind and size in (0, one.size) for one in seen])
            if not at.any():
                continue
            sure = at & (guessed >= 0.7)
            print(
                f"{kind:<14}{size or 'all':>6}{at.sum():>7}{right[at].mean():>8.2f}{guessed[at].mean():>7.2f}"
                f"{fitting.error(guessed[at], right[at], weights[at]):>7.3f}{sure.sum() / at.sum():>8.2f}"
                f"{right[sure].mean() if sure.any() else 0:>16.2f}"
            )


def _print_confidence(
    name: str, seen: Sequence[Seen], shares: dict[str, float], of: Callable[[Seen], bool]
) -> None:
    fitted = fitting.logistic(signs_of(seen), _column(seen, of), searches.weights_of(seen, shares))
    half = len(fitted) // 2
    print(f"{name} = Model(")
    for part, bias, coefficients in (
        (fitted[:half], "bias", "coefficients"),
        (fitted[half:], "bias_by_size", "by_size"),
    ):
        print(f"    {bias}={part[0]:.2f},\n    {coefficients}=Signs(")
        print(
            "".join(f"        {key}={value:.2f},\n" for key, value in zip(Signs._fields, part[1:], strict=True))
            + "    ),"
        )
    print(")\n")


if __name__ == "__main__":
    sys.exit(main())
