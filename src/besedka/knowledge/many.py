"""The further lanes of a small base: what costs too much where there are very many passages."""

from collections.abc import Sequence

import numpy as np

from besedka.knowledge import lanes, ranker, words
from besedka.knowledge.lanes import Lane, Rows, Scores, Texts
from besedka.knowledge.ranker import Lanes
from besedka.knowledge.spaces import Space


class Many:
    """Lanes over beginnings, pairs and the latent space, and what neighbours and topics say."""

    def __init__(
        self, asked: Texts, topics: Texts, answers: Texts, known: list[str], topic: Sequence[str]
    ) -> None:
        """Build them from the same texts as the other lanes."""

        def stemmed(word: str) -> list[str]:
            return [words.stem(word)]

        def beginning(word: str) -> list[str]:
            return [words.prefix(word)]

        both = lanes.joined(asked, topics)
        self._questions = lanes.cosine(lanes.postings(asked, known, words.grams))
        self._kin = lanes.bm25(lanes.postings(asked, known, beginning))
        self._kin_told = lanes.bm25(lanes.postings(answers, known, beginning))
        stems = [words.stem(word) for word in known]
        spoken = [
            words.pairs([stems[number] for number in asked.numbers[begin:end]])
            for begin, end in zip(asked.starts[:-1], asked.starts[1:], strict=True)
        ]
        number: dict[str, int] = {}
        of_pairs = lanes.texts(spoken, number)
        self._pairs = lanes.bm25(lanes.postings(of_pairs, list(number), lambda pair: [pair]))
        whole = lanes.postings(lanes.joined(both, answers), known, stemmed)
        self._space = Space(whole, lanes.postings(both, known, stemmed)) if whole.row else None
        different = {name: at for at, name in enumerate(dict.fromkeys(topic))}
        self._topic = np.array([different[name] for name in topic], dtype=np.intp)
        self._topics = len(different)

    def scores(self, asked: list[str], grams: Rows, plain: Scores) -> dict[str, Scores]:
        """Return these lanes by their names in `Lanes`. `grams` are rows of the lane of questions and topics."""
        stems = [words.stem(word) for word in asked]
        beginnings = {words.prefix(word) for word in asked}
        rows = np.array(
            self._questions.rows({gram for word in dict.fromkeys(asked) for gram in words.grams(word)}), np.intp
        )
        norm = np.sqrt(self._questions.mass[rows].sum()) or 1.0
        found = {
            "questions": self._questions.scores(rows) / norm,
            "pairs": share(self._pairs, set(words.pairs(stems))),
            "kin": share(self._kin, beginnings),
            "kin_told": share(self._kin_told, beginnings),
            "topic": self._by_topic(plain),
        }
        if self._space is not None:
            names = ("asked_wide", "asked_narrow", "wide", "narrow")
            found |= dict(zip(names, self._space.scores(stems), strict=True))
            found["near"] = plain[self._space.near].mean(axis=1)
        return found

    def _by_topic(self, plain: Scores) -> Scores:
        held = np.bincount(self._topic, ranker.shares(ranker.SHARP * plain), self._topics)
        return held[self._topic].astype(np.float64)


def share(lane: Lane, features: set[str]) -> Scores:
    """Return the scores of BM25 as a share of what the question's features weigh, known or not."""
    rows = np.array(lane.rows(features), dtype=np.intp)
    whole = float(lane.mass[rows].sum()) + lane.unknown * (len(features) - len(rows))
    scores: Scores = lane.scores(rows) / whole if whole else np.zeros(lane.length)
    return scores


__all__ = ["Lanes", "Many", "share"]
