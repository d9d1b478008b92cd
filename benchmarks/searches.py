"""Searches whose outcome is known, in bases of many sizes: what the model of confidence is fitted on.

Kinds of questions, each with a fixed share of the whole weight, so that nothing is learned that holds only for one
size or one base: questions of the whole base and of its parts; those whose passage was taken away; phrases of
intents that are in the base and of others; stored questions with words dropped; the neutral background.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import background
import bases
import numpy as np
import numpy.typing as npt

from besedka.knowledge import words
from besedka.knowledge.confidence import Signs
from besedka.knowledge.index import OUTSIDE, Entry, Index
from besedka.knowledge.ranker import Lanes

SIZES = (2, 4, 8, 12, 20, 40, 80, 160)
SHARES = {
    "asked": 0.3,
    "of a part": 0.2,
    "taken away": 0.1,
    "intent": 0.1,
    "other intent": 0.05,
    "shortened": 0.05,
    "background": 0.2,
}
CLASS_SHARES = {"intent": 0.55, "other intent": 0.05, "outside": 0.4}
PHRASINGS = (5, 10, 20, 50)  # of an intent, where intents are classes


class Seen(NamedTuple):
    """One search: its kind, its question, what was seen of it, whether the first or one of the three was right."""

    kind: str
    question: str
    signs: Signs
    right: bool
    among: bool
    size: int


def of_support(weights: Lanes) -> Iterator[Seen]:
    """Search the support base, whole and cut at random; the same at every call but for the weights."""
    chance = random.Random(20)
    entries, cases = bases.support()
    negatives = background.questions()
    whole = Index(entries, weights)
    for case in cases:
        yield from _ask("asked", whole, case.question, case.right)
    for question in negatives:
        yield from _ask("background", whole, question, frozenset())
    for size in SIZES * 3:
        part = chance.sample(entries, size)
        index, inside = Index(part, weights), {entry.passage_id for entry in part}
        for case in cases:
            if not case.right.isdisjoint(inside):
                yield from _ask("of a part", index, case.question, case.right)
        for case in chance.sample([case for case in cases if case.right.isdisjoint(inside)], 60):
            yield from _ask("taken away", index, case.question, frozenset())
        for entry in chance.sample(part, min(size, 8)):
            yield from _ask("shortened", index, _shorten(entry.question, chance), frozenset({entry.passage_id}))
        for question in negatives:
            yield from _ask("background", index, question, frozenset())


def of_intents(weights: Lanes) -> Iterator[Seen]:
    """Search bases of intents, each a passage with one question and an answer of three other phrasings."""
    parts = bases.intents()
    if not parts:
        return
    chance = random.Random(21)
    phrases = _by_intent(parts["train"])
    for size in (2, 4, 8, 12, 20, 40, 80, 150) * 2:
        names = chance.sample(sorted(phrases), size)
        part = []
        for at, name in enumerate(names):
            question, *answer = chance.sample(phrases[name], 4)
            part.append(Entry(at, chance.choice(["", name.replace("_", " ")]), question, " ".join(answer)))
        index, number = Index(part, weights), {name: at for at, name in enumerate(names)}
        for phrase, name in chance.sample(parts["val"], 400):
            if name in number:
                yield from _ask("intent", index, phrase, frozenset({number[name]}))
            else:
                yield from _ask("other intent", index, phrase, frozenset())
        for question in [*background.questions(), *(phrase for phrase, _ in parts["oos_val"])]:
            yield from _ask("background", index, question, frozenset())


def of_classes(weights: Lanes) -> Iterator[Seen]:
    """Search bases of intents with many phrasings each, by phrasings kept apart from the training part."""
    parts = bases.intents()
    chance = random.Random(22)
    phrases = _by_intent(parts["train"]) if parts else {}
    for count in PHRASINGS if parts else ():
        for share in (1.0, 0.5, 0.15, 0.05, 0.02):
            names = chance.sample(sorted(phrases), int(len(phrases) * share))
            shuffled = {name: chance.sample(phrases[name], len(phrases[name])) for name in sorted(phrases)}
            outside = chance.sample([phrase for phrase, _ in parts["oos_train"]], len(parts["oos_train"]))
            half = len(outside) // 2 if share != 0.5 else 0
            kept = {name: shuffled[name][:count] for name in names}
            index, right = classes(names, kept, weights, outside[:half])
            for name in chance.sample(sorted(phrases), len(phrases)):
                for phrase in shuffled[name][count : count + (4 if share > 0.1 else 12)]:
                    kind = "intent" if name in right else "other intent"
                    yield from _ask(kind, index, phrase, right.get(name, frozenset()))
            for question in outside[half:]:
                yield from _ask("outside", index, question, frozenset())


def classes(
    names: Sequence[str], phrases: dict[str, list[str]], weights: Lanes, outside: Sequence[str] = ()
) -> tuple[Index, dict[str, frozenset[int]]]:
    """Return an index where each phrase is a passage with its intent's name for an answer, and who is right.

    Phrases from outside are passages that belong to a person.
    """
    entries = [
        Entry(number * 1_000 + at, "", phrase, name.replace("_", " "))
        for number, name in enumerate(names)
        for at, phrase in enumerate(phrases[name])
    ]
    entries += [Entry(-1 - at, "", phrase, OUTSIDE) for at, phrase in enumerate(outside)]
    right = {
        name: frozenset(number * 1_000 + at for at in range(len(phrases[name])))
        for number, name in enumerate(names)
    }
    return Index(entries, weights), right


def weights_of(seen: Sequence[Seen], shares: dict[str, float]) -> npt.NDArray[np.float64]:
    """Return a weight for each search: kinds have their shares, and sizes within a kind have equal ones."""
    number = Counter((one.kind, one.size) for one in seen)
    sizes = Counter(kind for kind, _ in number)
    whole = sum(share for kind, share in shares.items() if sizes[kind])
    weights = [shares[one.kind] / whole / sizes[one.kind] / number[one.kind, one.size] for one in seen]
    return np.array(weights) * len(seen)


def _by_intent(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    phrases: dict[str, list[str]] = {}
    for phrase, intent in pairs:
        phrases.setdefault(intent, []).append(phrase)
    return phrases


def _ask(kind: str, index: Index, question: str, right: frozenset[int]) -> Iterator[Seen]:
    """The search as it saw itself; nothing where it found nothing, since then it says so without the model."""
    signs = index.signs(question)
    if signs is not None:
        found = [one.passage_id for one in index.find(question)]
        yield Seen(kind, question, signs[1], signs[0] in right, not right.isdisjoint(found), len(index))


def _shorten(question: str, chance: random.Random) -> str:
    kept = [word for word in words.split(question) if chance.random() > 0.25]
    return " ".join(kept) or question
