"""One lane of the search: which passages have a feature, and how much it weighs there. A lane knows no words."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

K1, B = (
    1.2,
    0.3,
)  # BM25: how soon a repeated stem stops to count, how much a long question is held against a passage
RARITY = 0.75  # power of a gram's IDF: softer than 1, since grams of a rare word come in bundles


class Lane:
    """Postings sorted by feature. Weights hold all that does not depend on the question, so a search only adds."""

    __slots__ = ("_passages", "_row", "_starts", "_weights", "length", "mass", "unknown")

    def __init__(
        self,
        row: dict[str, int],
        starts: Rows,
        passages: Rows,
        weights: Scores,
        mass: Scores,
        unknown: float,
        length: int,
    ) -> None:
        """`mass[row]` is a feature's share of a question's weight, `unknown` that of a feature nobody has."""
        self._row, self._starts, self._passages = row, starts, passages.astype(np.int32)
        self._weights = weights.astype(np.float32)
        self.mass, self.unknown, self.length = mass, unknown, length

    def rows(self, features: Iterable[str]) -> list[int]:
        """Return the rows of the features that some passage has."""
        row = self._row
        return [row[feature] for feature in features if feature in row]

    def scores(self, rows: Rows) -> Scores:
        """Return for each passage the sum of its weights in these (different) rows."""
        begins = self._starts[rows]
        counts = self._starts[rows + 1] - begins
        ends = counts.cumsum()
        if not len(ends):
            return np.zeros(self.length)
        at = np.arange(ends[-1]) + np.repeat(begins - ends + counts, counts)
        return _sums(self._passages[at], self._weights[at], self.length)


def cosine(documents: Sequence[Counter[str]]) -> Lane:
    """Return a lane whose scores, over the root of the question's summed masses, are cosines of TF-IDF."""
    row, starts, features, passages, times = _postings(documents)
    known_in = np.diff(starts)
    idf = (np.log((1 + len(documents)) / (1 + known_in)) + 1) ** RARITY
    weights = (1 + np.log(times)) * idf[features]
    norms = np.sqrt(_sums(passages, weights**2, len(documents)))
    weights *= idf[features] / norms[passages]
    unknown = float((np.log(1 + len(documents)) + 1) ** (2 * RARITY))
    return Lane(row, starts, passages, weights, idf**2, unknown, len(documents))


def bm25(documents: Sequence[Counter[str]]) -> Lane:
    """Return a lane whose scores are those of BM25; over the question's summed masses they are 0 to `K1 + 1`."""
    row, starts, features, passages, times = _postings(documents)
    known_in = np.diff(starts)
    lengths = _sums(passages, times, len(documents))
    lengths = lengths / max(lengths.mean(), 1.0) if documents else lengths
    idf = np.log(1 + (len(documents) - known_in + 0.5) / (known_in + 0.5))
    weights = idf[features] * times * (K1 + 1) / (times + K1 * (1 - B + B * lengths[passages]))
    unknown = float(np.log(1 + (len(documents) + 0.5) / 0.5))
    return Lane(row, starts, passages, weights, idf, unknown, len(documents))


def _sums(of: Rows, weights: npt.NDArray[np.float32] | Scores, length: int) -> Scores:
    """For each number up to `length`, the sum of the weights that stand beside it."""
    return np.bincount(of, weights, length).astype(np.float64, copy=False)


def _postings(documents: Sequence[Counter[str]]) -> tuple[dict[str, int], Rows, Rows, Rows, Scores]:
    row: dict[str, int] = {}
    for feature in chain.from_iterable(documents):
        row.setdefault(feature, len(row))
    features = np.array(
        array("q", (row[feature] for document in documents for feature in document)), dtype=np.intp
    )
    times = np.array(array("d", (count for document in documents for count in document.values())))
    sizes = np.array([len(document) for document in documents], dtype=np.intp)
    passages = np.repeat(np.arange(len(documents)), sizes)
    order = np.argsort(features, kind="stable")
    starts = np.zeros(len(row) + 1, dtype=np.intp)
    np.cumsum(np.bincount(features, minlength=len(row)), out=starts[1:])
    return row, starts, features[order], passages[order], times[order]
