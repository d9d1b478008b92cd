"""An index over passages, in memory: question in, passages out. Knows no database. Further lanes go in `many`."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from besedka.knowledge import classes, confidence, elsewhere, lanes, ranker, words
from besedka.knowledge.confidence import Signs
from besedka.knowledge.lanes import Rows, Scores
from besedka.knowledge.many import Many, share
from besedka.knowledge.ranker import Lanes

# Grams are taken within words, 2 to 4 long: that found as much as 2 to 5 across words, for half of the work.
KEPT_WORDS = 20_000  # words whose rows an index remembers; then it forgets them all and begins anew
SMALL = 2_000  # passages up to which there are all lanes; above, those that stay fast
COMMON_GRAM, COMMON_STEM = 0.03, 0.25  # share of a very large base above which a feature is passed over


OUTSIDE = "-"  # the answer of a passage whose question is a person's: it is never found, and keeps others from it


class Entry(NamedTuple):
    """A passage as the search sees it."""

    passage_id: int
    topic: str
    question: str
    answer: str


class Found(msgspec.Struct, frozen=True):
    """A passage that was found, how sure we are of it, and how sure that it or another of the first three fits."""

    passage_id: int
    topic: str
    question: str
    answer: str
    score: float
    confidence: float
    among: float


class _Seen(NamedTuple):
    """One search: the question's words, each lane, the scores of all passages, what each answer holds of it."""

    asked: list[str]
    grams: Rows
    lanes: Lanes
    plain: Scores
    scores: Scores
    held: Scores  # by number of answer: the probability of its best passage among all answers
    linear: npt.NDArray[np.float32]  # what the linear model says of its classes, at least of two
    outside: float  # what it says of being none of them
    exact: bool


class Index:
    """All that a search over these passages needs. Any number of threads may ask: it only learns words."""

    def __init__(self, entries: Sequence[Entry], weights: Lanes = ranker.WEIGHTS) -> None:
        """Build the lanes."""
        self._entries, self._weights = list(entries), weights
        number: dict[str, int] = {}
        asked = lanes.texts((_asked(entry.question) for entry in entries), number)
        topics = lanes.texts((words.split(entry.topic) for entry in entries), number)
        answers = lanes.texts((words.split(entry.answer) for entry in entries), number)
        known = list(number)
        del number
        self._shortest = words.SHORTEST_GRAM + (len(entries) >= lanes.MANY)
        both = lanes.joined(asked, topics)
        self._grams = lanes.cosine(lanes.postings(both, known, self._grams_of, COMMON_GRAM))
        self._stems = lanes.bm25(lanes.postings(asked, known, _stem, COMMON_STEM))
        self._answers = lanes.bm25(lanes.postings(answers, known, _stem, COMMON_STEM))
        self._content = lanes.bm25(lanes.postings(lanes.joined(both, answers), known, _content))
        self._finish()
        self._linear = self._learned()
        self._many = None
        if 0 < len(entries) <= SMALL:
            self._many = Many(asked, topics, answers, known, [entry.topic for entry in entries])

    def _learned(self) -> classes.Classes | None:
        """The linear model, if there are answers with enough phrasings."""
        times = np.bincount(self._answer) if len(self) else np.zeros(0)
        if (times >= classes.LEAST).sum() < 2:
            return None
        asked = [_asked(entry.question) for entry in self._entries]
        numbers = np.where(self._answer == self._outside, -1, self._answer)
        texts = [words.split(text, words.MAX_QUESTION_WORDS) for text in self._different]
        return classes.learn(asked, numbers, texts, [_asked(phrase) for phrase in elsewhere.PHRASES])

    def _finish(self) -> None:
        """Derive what is quick to derive from the entries."""
        self._exact: dict[int, list[int]] = {}
        for at, entry in enumerate(self._entries):
            self._exact.setdefault(hash(" ".join(_asked(entry.question))), []).append(at)
        different: dict[str, int] = {}
        numbers = [different.setdefault(entry.answer, len(different)) for entry in self._entries]
        self._answer, self._different = np.array(numbers, dtype=np.int32), list(different)
        self._outside = different.get(OUTSIDE, -1)
        self._word_rows: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, question: str, limit: int = 3) -> list[Found]:
        """Return the passages that fit the question, best first, at most `limit`; none when no word is known.

        Of passages that share their answer only the best is returned. The first one's confidence is the
        probability that it is right. The others share what is left of it by their scores, which keeps them in
        order but is calibrated by nothing.
        """
        seen = self._search(question)
        if seen is None or limit < 1:
            return []
        best = _best(seen.held, limit + 1)
        order = [at for at in best if seen.held[at] > 0 and at != self._outside][:limit]
        if not order:
            return []
        first = self._passage(order[0], seen)
        signs = self._signs(first, seen)
        of_first, of_three = confidence.FIRST, confidence.AMONG
        if self._is_class(first):
            of_first, of_three = confidence.FIRST_OF_CLASS, confidence.AMONG_CLASSES
        inside = 1.0 if self._outside < 0 else 1 - float(seen.held[self._outside])
        sure = inside * of_first.of(signs, len(self))
        if seen.exact and best[0] == order[0]:
            sure = max(sure, confidence.EXACT)
        return self._found(order, seen, sure, max(sure, inside * of_three.of(signs, len(self))))

    def signs(self, question: str) -> tuple[int, Signs] | None:
        """Return the first passage's id and what speaks for it, which the model of confidence is fitted on."""
        seen = self._search(question)
        if seen is None:
            return None
        inside = [at for at in _best(seen.held, 2) if at != self._outside]
        if not inside:
            return None
        first = self._passage(inside[0], seen)
        return self._entries[first].passage_id, self._signs(first, seen)

    def lanes(self, question: str) -> tuple[Lanes, Scores] | None:
        """Return what each lane says of each passage, which the ranker is fitted on, and the plain sum."""
        seen = self._search(question)
        return None if seen is None else (seen.lanes, seen.plain)

    def _search(self, question: str) -> _Seen | None:
        """Score every passage by every lane; None when nothing speaks for any of them."""
        asked = words.without_courtesy(words.split(question, words.MAX_QUESTION_WORDS))
        if not asked or not self._entries:
            return None
        different = set(map(words.stem, asked))
        content = set(words.content(asked))
        rows = self._rows(asked)
        grams = self._grams.scores(rows) / (np.sqrt(self._grams.mass[rows].sum()) or 1.0)
        stems, answers = share(self._stems, different), share(self._answers, different)
        plain = ranker.plain(grams, stems, answers)
        exact = self._exact.get(hash(" ".join(asked)), [])
        if not exact and not plain.any():
            return None
        found = Lanes(grams=grams, stems=stems, answers=answers)  # type: ignore[arg-type]
        if self._many is None:
            scores = ranker.SHARP * plain
        else:
            more = self._many.scores(asked, rows, plain)
            more["content"], more["told"] = share(self._stems, content), share(self._answers, content)
            found = found._replace(**more)  # type: ignore[arg-type]
            scores = np.zeros(len(plain))
            for weight, lane in zip(self._weights, found, strict=True):
                if weight:
                    scores += weight * lane
        linear, outside = np.zeros(2, dtype=np.float32), 0.0
        if self._linear is not None:
            linear, outside = self._linear.scores(asked)
            by_answer = np.zeros(len(self._different))
            by_answer[self._linear.numbers] = linear
            by_answer[self._outside] += outside if self._outside >= 0 else 0
            scores += ranker.CLASS * by_answer[self._answer]
        scores[plain <= 0] = -np.inf
        scores[exact] = np.maximum(scores[exact], 0) + ranker.EXACT + ranker.SHARP
        held = scores
        if len(self._different) < len(scores):
            held = np.full(len(self._different), -np.inf)
            np.maximum.at(held, self._answer, scores)
        return _Seen(asked, rows, found, plain, scores, ranker.shares(held), linear, outside, bool(exact))

    def _is_class(self, passage: int) -> bool:
        return self._linear is not None and self._answer[passage] in self._linear.numbers

    def _passage(self, answer: int, seen: _Seen) -> int:
        """The best passage of those with this answer."""
        if len(self._different) == len(self):
            return answer
        having = np.flatnonzero(self._answer == answer)
        return int(having[seen.scores[having].argmax()])

    def _grams_of(self, word: str) -> list[str]:
        return words.grams(word, self._shortest)

    def _rows(self, asked: list[str]) -> Rows:
        rows: set[int] = set()
        for word in asked:
            rows.update(self._rows_of(word))
        return np.fromiter(rows, np.intp, len(rows))

    def _rows_of(self, word: str) -> list[int]:
        """The rows of a word's grams, remembered: people use the same words again and again."""
        rows = self._word_rows.get(word)
        if rows is None:
            if len(self._word_rows) >= KEPT_WORDS:
                self._word_rows.clear()
            rows = self._word_rows[word] = self._grams.rows(self._grams_of(word))
        return rows

    def _signs(self, first: int, seen: _Seen) -> Signs:
        content = words.content(seen.asked)
        rows = np.array(self._content.rows(content), dtype=np.intp)
        mass = self._content.mass[rows]
        known = float(mass.sum())
        whole = known + self._content.unknown * (len(content) - len(rows))
        met = float(mass[self._content.has(first, rows)].sum()) / whole if whole else 0.0
        rival = float((seen.plain * (self._answer != self._answer[first])).max())
        plain = float(seen.plain[first])
        three = [float(seen.held[at]) for at in _best(seen.held, 4) if at != self._outside][:3]
        linear = np.sort(seen.linear)[-2:]
        return Signs(
            margin=max(1 - rival / plain, -1.0) if plain > 0 else 0.0,
            known=known / whole if whole else 0.0,
            alike=self._alike(first, seen.asked),
            met=met,
            brevity=1 / len(content) if content else 0.0,
            odds=confidence.odds(three[0]),
            odds_three=confidence.odds(sum(three)),
            votes=self._votes(first, seen.lanes),
            linear=float(linear[1]),
            ahead=float(linear[1] - linear[0]),
            outside=seen.outside,
        )

    def _votes(self, first: int, said: Lanes) -> float:
        """The share of the lanes whose best passage has this one's answer."""
        best = [int(np.argmax(lane)) for lane in said if np.ndim(lane)]
        return sum(bool(self._answer[at] == self._answer[first]) for at in best) / len(best)

    def _alike(self, first: int, asked: list[str]) -> float:
        """The share of the question's content that the stored question and topic spell, in grams of its words."""
        content = [word for word in dict.fromkeys(asked) if word not in words.FUNCTION_WORDS]
        spelt = [self._rows_of(word) for word in content]
        rows = np.array([row for of in spelt for row in of], dtype=np.intp)
        mass = self._grams.mass[rows]
        count = sum(words.gram_count(word, self._shortest) for word in content)
        whole = float(mass.sum()) + self._grams.unknown * (count - len(rows))
        return float(mass[self._grams.has(first, rows)].sum()) / whole if whole else 0.0

    def _found(self, order: list[int], seen: _Seen, sure: float, among: float) -> list[Found]:
        rest = sum(float(seen.held[at]) for at in order[1:])
        shares = [sure, *(min(sure, 1 - sure) * float(seen.held[at]) / rest for at in order[1:])]
        return [
            Found(*self._entries[self._passage(at, seen)], float(seen.held[at]), sharing, among)
            for at, sharing in zip(order, shares, strict=True)
        ]

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return all that is needed to have this index again, as arrays; only of one above `SMALL`."""
        if self._many is not None:
            raise ValueError("a small index is built as fast as it is read")
        entries = np.frombuffer(msgspec.msgpack.encode(self._entries), dtype=np.uint8)
        held: dict[str, npt.NDArray[np.generic]] = {"entries": entries}
        parts = {name: getattr(self, f"_{name}").state() for name in _LANES}
        if self._linear is not None:
            parts["linear"] = self._linear.state()
        return held | {f"{part}.{name}": of for part, state in parts.items() for name, of in state.items()}

    @classmethod
    def of_state(cls, state: dict[str, npt.NDArray[np.generic]]) -> "Index":
        """Return the index with this state."""

        def part(of: str) -> dict[str, npt.NDArray[np.generic]]:
            return {name.partition(".")[2]: held for name, held in state.items() if name.startswith(f"{of}.")}

        index = cls.__new__(cls)
        index._entries = msgspec.msgpack.decode(state["entries"].tobytes(), type=list[Entry])
        index._weights, index._many = ranker.WEIGHTS, None
        for name in _LANES:
            setattr(index, f"_{name}", lanes.Lane.of_state(part(name)))
        index._linear = classes.Classes.of_state(part("linear")) if "linear.names" in state else None
        index._shortest = words.SHORTEST_GRAM + (len(index) >= lanes.MANY)
        index._finish()
        return index


_LANES = ("grams", "stems", "answers", "content")


def _asked(question: str) -> list[str]:
    return words.without_courtesy(words.split(question))


def _stem(word: str) -> tuple[str]:
    return (words.stem(word),)


def _content(word: str) -> tuple[str, ...]:
    return () if word in words.FUNCTION_WORDS else (words.stem(word),)


def _best(scores: Scores, limit: int) -> list[int]:
    """Positions of the highest scores, best first; equal ones in the order of the base."""
    if len(scores) > 4 * limit:
        reached = np.partition(scores, -limit)[-limit]
        among = np.flatnonzero(scores >= reached)
        return [int(at) for at in among[np.argsort(-scores[among], kind="stable")][:limit]]
    return [int(at) for at in np.argsort(-scores, kind="stable")[:limit]]
