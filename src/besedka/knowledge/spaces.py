"""What the passages themselves say of their words: a latent space, and which passages are neighbours.

The space is that of Deerwester et al. (1990), "Indexing by latent semantic analysis", found by the randomised
decomposition of Halko, Martinsson and Tropp (2011), algorithm 4.4. It brings near each other what is asked and
answered in the same surroundings by other words.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy import sparse

from besedka.knowledge.lanes import Postings, Rows, Scores

WIDE, NARROW = 120, 50  # dimensions of the space and of the coarser one inside of it
SPARE, ROUNDS = 24, 3  # of the randomised decomposition
NEAR = 5  # neighbours of a passage that say something for it

Floats = npt.NDArray[np.float32]


class Space:
    """The places of all passages in the latent space, by question alone and by all of their text."""

    def __init__(self, whole: Postings, questions: Postings) -> None:
        """Lay out the space of the whole texts; both have to be by the same rows where they share a feature."""
        known_in = np.diff(whole.starts)
        self._row = whole.row
        self._unknown = float(np.log(1 + whole.length) + 1)
        self._idf = (np.log((1 + whole.length) / (1 + known_in)) + 1).astype(np.float32)
        weighed = _weighed(whole, self._idf)
        norms = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1))).ravel()
        weighed = sparse.diags(1 / np.maximum(norms, 1e-9)) @ weighed
        self._axes = _axes(weighed)
        places = np.asarray(weighed @ self._axes)
        only = _weighed(questions._replace(length=whole.length), self._idf[_rows(questions.row, whole.row)])
        asked = np.asarray(only @ self._axes[_rows(questions.row, whole.row)])
        self.near = _neighbours(_unit(places))
        self._places = [(_unit(of[:, :size]), size) for of in (asked, places) for size in (WIDE, NARROW)]

    def scores(self, stems: Sequence[str]) -> list[Scores]:
        """Return four cosines for each passage: by question and by all, each in the wide and the narrow space.

        They are as much shorter as the question has of stems that nobody knows: what the space cannot place is no
        reason to be near to anything.
        """
        at = [self._row[stem] for stem in stems if stem in self._row]
        weights = self._idf[at]
        mass = float(weights @ weights)
        known = sqrt(mass / (mass + (len(stems) - len(at)) * self._unknown**2)) if at else 0.0
        asked = weights @ self._axes[at] if at else np.zeros(self._axes.shape[1], dtype=np.float32)
        return [(places @ _unit_of(asked[:size]) * known).astype(np.float64) for places, size in self._places]


def _neighbours(places: Floats) -> Rows:
    """For each passage the `NEAR` others that are most like it."""
    alike = places @ places.T
    np.fill_diagonal(alike, -1)
    return np.argsort(-alike, axis=1, kind="stable")[:, : min(NEAR, max(len(places) - 1, 1))]


def _axes(weighed: sparse.csr_matrix) -> Floats:
    """The first right singular vectors, as columns."""
    chance = np.random.default_rng(7)
    length, features = weighed.shape
    size = min(WIDE + SPARE, length, features)
    basis = chance.standard_normal((length, size)).astype(np.float32)
    for _ in range(ROUNDS):
        basis, _ = np.linalg.qr(weighed @ (weighed.T @ basis))
    small = (weighed.T @ basis).T
    _, _, right = np.linalg.svd(small, full_matrices=False)
    return np.ascontiguousarray(right[:WIDE].T, dtype=np.float32)


def _weighed(of: Postings, idf: Floats):  # type: ignore[no-untyped-def]
    data = (1 + np.log(of.times)) * np.repeat(idf, np.diff(of.starts))
    shape = (of.length, len(of.row))
    return sparse.csc_matrix((data.astype(np.float32), of.passages, of.starts), shape=shape).tocsr()


def _rows(features: dict[str, int], row: dict[str, int]) -> Rows:
    return np.array([row[feature] for feature in features], dtype=np.intp)


def _unit(places: Floats) -> Floats:
    norms = np.sqrt((places**2).sum(axis=1, keepdims=True))
    return np.ascontiguousarray(places / np.maximum(norms, 1e-9), dtype=np.float32)


def _unit_of(place: Floats) -> Floats:
    return place / max(float(np.sqrt(place @ place)), 1e-9)
