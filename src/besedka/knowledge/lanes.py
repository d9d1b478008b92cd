"""One lane of the search: which passages have a feature, and how much it weighs there. A lane knows no words."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

Scores = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Rows32 = npt.NDArray[np.int32]
Weights32 = npt.NDArray[np.float32]

K1 = 1.2  # BM25: how soon a repeated stem stops to count
B = 0.3  # BM25: how much a long question is held against a passage
RARITY = 0.75  # power of a gram's IDF: softer than 1, since grams of a rare word come in bundles
AT_ONCE = 10_000  # passages whose features are spread out at one time: what is needed for it is given back
MANY = 20_000  # passages from which a feature that a great share of them have is passed over: it costs most


class Texts(NamedTuple):
    """Texts as numbers of words; `starts` says where each begins, and has one number more than there are texts."""

    numbers: Rows32
    starts: Rows


class Postings(NamedTuple):
    """Which passage has which feature how often, by feature; `starts` as in `Texts`."""

    row: dict[str, int]
    starts: Rows
    passages: Rows32
    times: Weights32
    length: int


class Lane:
    """Postings sorted by feature. Weights hold all that does not depend on the question, so a search only adds."""

    __slots__ = ("_passages", "_row", "_starts", "_weights", "length", "mass", "unknown")

    def __init__(self, postings: Postings, weights: Weights32, mass: Scores, unknown: float) -> None:
        """`mass[row]` is a feature's share of a question's weight, `unknown` that of a feature nobody has."""
        self._row, self._starts, self._passages = postings.row, postings.starts, postings.passages
        self._weights, self.length = weights, postings.length
        self.mass, self.unknown = mass, unknown

    def rows(self, features: Iterable[str]) -> list[int]:
        """Return the rows of the features that some passage has."""
        row = self._row
        return [row[feature] for feature in features if feature in row]

    def scores(self, rows: Rows) -> Scores:
        """Return for each passage the sum of its weights in these (different) rows."""
        at, _ = self._places(rows)
        return np.bincount(self._passages[at], self._weights[at], self.length).astype(np.float64, copy=False)

    def has(self, passage: int, rows: Rows) -> npt.NDArray[np.bool_]:
        """Say for each of these rows whether the passage has it."""
        met = np.zeros(len(rows), dtype=np.bool_)
        at, counts = self._places(rows)
        met[np.repeat(np.arange(len(rows)), counts)[self._passages[at] == passage]] = True
        return met

    def _places(self, rows: Rows) -> tuple[Rows, Rows]:
        begins = self._starts[rows]
        counts = self._starts[rows + 1] - begins
        ends = counts.cumsum()
        whole = int(ends[-1]) if len(ends) else 0
        return np.arange(whole) + np.repeat(begins - ends + counts, counts), counts

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return all that is needed to have this lane again, as arrays."""
        names = np.frombuffer("\n".join(self._row).encode(), dtype=np.uint8)
        unknown = np.array([self.unknown, self.length])
        held = (names, self._starts, self._passages, self._weights, self.mass, unknown)
        return dict(zip(_STATE, held, strict=True))

    @classmethod
    def of_state(cls, state: dict[str, npt.NDArray[np.generic]]) -> "Lane":
        """Return the lane with this state."""
        names, starts, passages, weights, mass, unknown = (state[name] for name in _STATE)
        features = names.tobytes().decode().split("\n") if len(names) else []
        row = {feature: at for at, feature in enumerate(features)}
        times = weights.astype(np.float32, copy=False)
        postings = Postings(row, starts.astype(np.intp), passages.astype(np.int32), times, int(unknown[1]))
        return cls(postings, times, mass.astype(np.float64), float(unknown[0]))


_STATE = ("names", "starts", "passages", "weights", "mass", "unknown")


def texts(of: Iterable[Sequence[str]], number: dict[str, int]) -> Texts:
    """Return the texts in numbers; words that have none yet get the next."""
    count = number.setdefault
    numbers, starts = array("i"), array("q", [0])
    for text in of:
        numbers.extend([count(word, len(number)) for word in text])
        starts.append(len(numbers))
    return Texts(np.frombuffer(numbers, np.int32), np.frombuffer(starts, np.int64).astype(np.intp))


def joined(one: Texts, other: Texts) -> Texts:
    """Return the texts with those of the same place behind them."""
    starts = one.starts + other.starts
    numbers = np.empty(starts[-1], dtype=np.int32)
    for part, shift in ((one, other.starts[:-1]), (other, one.starts[1:])):
        sizes = np.diff(part.starts)
        numbers[np.arange(len(part.numbers)) + np.repeat(shift, sizes)] = part.numbers
    return Texts(numbers, starts)


def postings(
    of: Texts, known: Sequence[str], features: Callable[[str], Sequence[str]], common: float = 1.0
) -> Postings:
    """Return the postings of the features of the words in these texts; `known[number]` is a word.

    In a base of `MANY` passages those that more than the share `common` of them have are left out.
    """
    length = len(of.starts) - 1
    row: dict[str, int] = {}
    used = np.zeros(len(known), dtype=np.bool_)
    used[of.numbers] = True
    spelt = texts((features(word) if use else () for word, use in zip(known, used.tolist(), strict=True)), row)
    sizes = np.diff(spelt.starts)
    parts = []
    for begin in range(0, length, AT_ONCE):
        borders = of.starts[begin : begin + AT_ONCE + 1]
        numbers = of.numbers[borders[0] : borders[-1]]
        counts = sizes[numbers]
        ends = np.zeros(len(counts) + 1, dtype=np.intp)
        np.cumsum(counts, out=ends[1:])
        at = np.arange(ends[-1]) + np.repeat(spelt.starts[numbers] - ends[:-1], counts)
        shape = (len(borders) - 1, len(row))
        ones = np.ones(len(at), dtype=np.float32)
        part = sparse.csr_matrix((ones, spelt.numbers[at], ends[borders - borders[0]]), shape=shape)
        part.sum_duplicates()
        parts.append(part)
    if length >= MANY:
        known_in = np.zeros(len(row), dtype=np.intp)
        for part in parts:
            known_in += np.bincount(part.indices, minlength=len(row))
        keep = sparse.diags((known_in <= common * length).astype(np.float32), format="csr")
        parts = [part @ keep for part in parts]
        for part in parts:
            part.eliminate_zeros()
    if not parts or not row:
        nothing = np.zeros(0, dtype=np.int32)
        return Postings({}, np.zeros(1, dtype=np.intp), nothing, nothing.astype(np.float32), length)
    whole = sparse.vstack(parts, format="csr") if len(parts) > 1 else parts[0]
    parts.clear()
    columns = whole.tocsc()
    return Postings(row, columns.indptr.astype(np.intp), columns.indices.astype(np.int32), columns.data, length)


def cosine(of: Postings) -> Lane:
    """Return a lane whose scores, over the root of the question's summed masses, are cosines of TF-IDF.

    Salton and Buckley (1988), "Term-weighting approaches in automatic text retrieval": logarithm of the times,
    smoothed IDF, both sides normalised.
    """
    known_in = np.diff(of.starts)
    idf = ((np.log((1 + of.length) / (1 + known_in)) + 1) ** RARITY).astype(np.float32)
    spread = np.repeat(idf, known_in)
    weights = (1 + np.log(of.times)) * spread
    norms = np.sqrt(np.bincount(of.passages, weights**2, of.length)).astype(np.float32)
    weights *= spread
    weights /= norms[of.passages]
    unknown = float((np.log(1 + of.length) + 1) ** (2 * RARITY))
    mass = idf.astype(np.float64) ** 2 * (known_in > 0)
    return Lane(of, weights, mass, unknown)


def bm25(of: Postings) -> Lane:
    """Return a lane whose scores are those of BM25; over the question's summed masses they are 0 to `K1 + 1`.

    Robertson and Zaragoza (2009), "The Probabilistic Relevance Framework: BM25 and Beyond", with the IDF of
    Lucene, which is never negative.
    """
    known_in = np.diff(of.starts)
    lengths = np.bincount(of.passages, of.times, of.length)
    lengths = (lengths / max(lengths.mean(), 1.0) if of.length else lengths).astype(np.float32)
    idf = np.log(1 + (of.length - known_in + 0.5) / (known_in + 0.5))
    weights = np.repeat(idf.astype(np.float32), known_in)
    weights *= of.times * np.float32(K1 + 1) / (of.times + K1 * (1 - B + B * lengths[of.passages]))
    unknown = float(np.log(1 + (of.length + 0.5) / 0.5))
    return Lane(of, weights.astype(np.float32, copy=False), idf * (known_in > 0), unknown)
