"""An index over passages, in memory: question in, passages out. Knows no database. Further lanes go in `Index`."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from besedka.knowledge import confidence, lanes, words
from besedka.knowledge.confidence import Signs
from besedka.knowledge.lanes import Lane, Scores

Rows32 = npt.NDArray[np.int32]

# Grams are taken within words, 2 to 4 long: that found as much as 2 to 5 across words, for half of the work.
KEPT_WORDS = 20_000  # words whose rows an index remembers; then it forgets them all and begins anew


class Entry(NamedTuple):
    """A passage as the search sees it."""

    passage_id: int
    topic: str
    question: str
    answer: str


class Found(msgspec.Struct, frozen=True):
    """A passage that was found, and how sure we are."""

    passage_id: int
    topic: str
    question: str
    answer: str
    score: float
    confidence: float


class Weights(NamedTuple):
    """How much the other lanes weigh against that of grams.

    The optimum is broad: 0.4 to 0.8 and 0.25 to 0.5 differ by one point of a hundred. `benchmarks/eval.py` says
    what is found with weights that were chosen on other questions.
    """

    stems: float = 0.6
    answer: float = 0.35


WEIGHTS = Weights()


class _Seen(NamedTuple):
    """One search: the question's content, what each lane says of each passage, and all of them together."""

    asked: list[str]
    fused: Scores
    grams: Scores
    answers: Scores
    exact: bool


class Index:
    """All that a search over these passages needs. Any number of threads may ask: it only learns words."""

    def __init__(self, entries: Sequence[Entry], weights: Weights = WEIGHTS) -> None:
        """Build the lanes; costs about 0.3 ms for each passage."""
        self._entries, self._weights = list(entries), weights
        asked = [words.without_courtesy(words.split(entry.question)) for entry in entries]
        topics = [words.split(entry.topic) for entry in entries]
        answers = [words.split(entry.answer) for entry in entries]
        grams = [_grams(question + topic) for question, topic in zip(asked, topics, strict=True)]
        contents = [_content(*texts) for texts in zip(asked, topics, answers, strict=True)]
        self._grams = lanes.cosine(grams)
        self._stems = lanes.bm25([Counter(map(words.stem, question)) for question in asked])
        self._answers = lanes.bm25([Counter(map(words.stem, answer)) for answer in answers])
        self._content = lanes.bm25(contents)
        self._questions = [self._content.rows(words.content(question)) for question in asked]
        self._has = [_packed(self._content.rows(of)) for of in contents]
        self._gram_rows = [_packed(self._grams.rows(of)) for of in grams]
        self._exact: dict[str, list[int]] = {}
        for at, question in enumerate(asked):
            self._exact.setdefault(" ".join(question), []).append(at)
        different = {entry.answer: number for number, entry in enumerate(entries)}
        self._answer_number = np.array([different[entry.answer] for entry in entries], dtype=np.int32)
        self._gram_mass = self._grams.mass.tolist()
        self._unknown_gram = self._grams.unknown
        self._word_rows: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, question: str, limit: int = 3) -> list[Found]:
        """Return the passages that fit the question, best first, at most `limit`; none when no word is known.

        The first one's confidence is the probability that it is right. The others share what is left of it by
        their scores, which keeps them in order but is calibrated by nothing.
        """
        seen = self._search(question)
        if seen is None or limit < 1:
            return []
        order = [at for at in _best(seen.fused, limit) if seen.fused[at] > 0]
        sure = confidence.of(self._signs(order[0], seen))
        return self._found(order, seen.fused, max(sure, confidence.EXACT) if seen.exact else sure)

    def signs(self, question: str) -> tuple[int, Signs] | None:
        """Return the first passage's id and what speaks for it, which the model of confidence is fitted on."""
        seen = self._search(question)
        if seen is None:
            return None
        first = int(seen.fused.argmax())
        return self._entries[first].passage_id, self._signs(first, seen)

    def _search(self, question: str) -> _Seen | None:
        """Score every passage by every lane; None when nothing speaks for any of them."""
        asked = words.without_courtesy(words.split(question, words.MAX_QUESTION_WORDS))
        if not asked or not self._entries:
            return None
        different = set(map(words.stem, asked))
        grams, stems = self._gram_scores(asked), _share(self._stems, different)
        answers = _share(self._answers, different)
        fused = grams + self._weights.stems * stems + self._weights.answer * answers
        exact = self._exact.get(" ".join(asked), [])
        fused[exact] += 1
        return _Seen(asked, fused, grams, answers, bool(exact)) if fused.any() else None

    def _gram_scores(self, asked: list[str]) -> Scores:
        rows: set[int] = set()
        for word in asked:
            rows.update(self._rows_of(word))
        at = np.fromiter(rows, np.intp, len(rows))
        scores = self._grams.scores(at)
        return scores / np.sqrt(self._grams.mass[at].sum()) if rows else scores

    def _rows_of(self, word: str) -> list[int]:
        """The rows of a word's grams, remembered: people use the same words again and again."""
        rows = self._word_rows.get(word)
        if rows is None:
            if len(self._word_rows) >= KEPT_WORDS:
                self._word_rows.clear()
            rows = self._word_rows[word] = self._grams.rows(words.grams(word))
        return rows

    def _signs(self, first: int, seen: _Seen) -> Signs:
        content = words.content(seen.asked)
        rows = self._content.rows(content)
        mass = self._content.mass
        weight = {row: float(mass[row]) for row in rows}
        known = sum(weight.values())
        whole = known + self._content.unknown * (len(content) - len(rows))
        has = set(self._has[first].tolist())
        met = sum(weight[row] for row in rows if row in has) / whole if whole else 0.0
        stored = sum(float(mass[row]) for row in self._questions[first])
        asked_for = sum(weight[row] for row in self._questions[first] if row in weight) / stored if stored else 0.0
        rival = float((seen.fused * (self._answer_number != self._answer_number[first])).max())
        return Signs(
            grams=float(seen.grams[first]),
            answer=float(seen.answers[first]) / (lanes.K1 + 1),
            margin=1 - rival / float(seen.fused[first]),
            known=known / whole if whole else 0.0,
            alike=self._alike(first, seen.asked),
            met=met,
            most=met * met,
            asked=asked_for,
            fit=met * asked_for,
            brevity=1 / len(content) if content else 0.0,
        )

    def _alike(self, first: int, asked: list[str]) -> float:
        """The share of the question's content that the stored question and topic spell, in grams of its words."""
        has = set(self._gram_rows[first].tolist())
        mass = self._gram_mass
        met = whole = 0.0
        for word in dict.fromkeys(asked):
            if word in words.FUNCTION_WORDS:
                continue
            rows = self._rows_of(word)
            met += sum([mass[row] for row in rows if row in has])
            whole += sum([mass[row] for row in rows]) + self._unknown_gram * (words.gram_count(word) - len(rows))
        return met / whole if whole else 0.0

    def _found(self, order: list[int], fused: Scores, sure: float) -> list[Found]:
        rest = sum(float(fused[at]) for at in order[1:])
        shares = [sure, *(min(sure, 1 - sure) * float(fused[at]) / rest for at in order[1:])]
        return [
            Found(*self._entries[at], score=float(fused[at]), confidence=share)
            for at, share in zip(order, shares, strict=True)
        ]


def _grams(of: list[str]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for word in of:
        counted.update(words.grams(word))
    return counted


def _packed(rows: list[int]) -> Rows32:
    """The rows in four bytes each: what is kept for every passage has to be small."""
    return np.array(rows, dtype=np.int32)


def _content(*texts: list[str]) -> Counter[str]:
    return Counter(words.content([word for text in texts for word in text]))


def _share(lane: Lane, features: set[str]) -> Scores:
    rows = np.array(lane.rows(features), dtype=np.intp)
    whole = float(lane.mass[rows].sum()) + lane.unknown * (len(features) - len(rows))
    scores: Scores = lane.scores(rows) / whole
    return scores


def _best(scores: Scores, limit: int) -> list[int]:
    """Positions of the highest scores, best first; equal ones in the order of the base."""
    if len(scores) > 4 * limit:
        reached = np.partition(scores, -limit)[-limit]
        among = np.flatnonzero(scores >= reached)
        return [int(at) for at in among[np.argsort(-scores[among], kind="stable")][:limit]]
    return [int(at) for at in np.argsort(-scores, kind="stable")[:limit]]
