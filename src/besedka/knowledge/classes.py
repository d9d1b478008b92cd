"""A linear model for answers that have many phrasings: which answer, by words, pairs of words and n-grams.

Ridge regression on the classes (Rifkin and Klautau 2004, "In defense of one-vs-all classification") solved in the
dual by conjugate gradients for all classes at once, so nothing of the size of phrasings × phrasings is held.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt
from scipy import sparse

from besedka.knowledge import words

LEAST = 5  # phrasings that make an answer a class
MOST = 60  # phrasings of a class that are learned from
AT_MOST = 20_000  # phrasings that are learned from at all: above, each class gives fewer
RIDGE, STEPS = 0.3, 20
PAIRED = 12  # stems of a phrasing that are paired
SHORTEST, LONGEST = 3, 5  # grams across words

Floats = npt.NDArray[np.float32]
State = dict[str, npt.NDArray[np.generic]]


class Classes:
    """Answers that are classes, by their numbers, and the weights of features for each."""

    def __init__(
        self, numbers: npt.NDArray[np.int32], row: dict[str, int], idf: Floats, weights: Floats, bias: Floats
    ) -> None:
        """`weights` has a row for each feature, a column for each class and one more for what is elsewhere."""
        self.numbers, self._row, self._idf, self._weights, self._bias = numbers, row, idf, weights, bias

    def scores(self, asked: Sequence[str]) -> tuple[Floats, float]:
        """Return about 1 for the class that fits, about 0 for the others; and the same of what is elsewhere."""
        whole = self._bias.copy()
        for features in _features(asked):
            at = [self._row[feature] for feature in dict.fromkeys(features) if feature in self._row]
            if at:
                counted = Counter(features)
                times = np.array([counted[f] for f in counted if f in self._row], dtype=np.float32)
                weights = (1 + np.log(times)) * self._idf[at]
                whole += weights @ self._weights[at] / (np.sqrt(2 * (weights @ weights)))
        return whole[:-1], float(whole[-1])

    def state(self) -> State:
        """Return all that is needed to have this model again, as arrays."""
        names = np.frombuffer("\n".join(self._row).encode(), dtype=np.uint8)
        return {
            "numbers": self.numbers,
            "names": names,
            "idf": self._idf,
            "weights": self._weights,
            "bias": self._bias,
        }

    @classmethod
    def of_state(cls, state: State) -> "Classes":
        """Return the model with this state."""
        features = state["names"].tobytes().decode().split("\n")
        row = {feature: at for at, feature in enumerate(features)}
        idf, weights = state["idf"].astype(np.float32), state["weights"].astype(np.float32)
        return cls(state["numbers"].astype(np.int32), row, idf, weights, state["bias"].astype(np.float32))


def learn(
    asked: Sequence[Sequence[str]],
    answers: npt.NDArray[np.int32],
    texts: Sequence[Sequence[str]],
    elsewhere: Sequence[Sequence[str]],
) -> Classes | None:
    """Return the model of the answers with at least `LEAST` phrasings; None when there are not two of them.

    `texts[number]` are the words of an answer: one more phrasing of what leads to it. A negative number in
    `answers` and all of `elsewhere` belong to no answer here.
    """
    times = np.bincount(answers[answers >= 0]) if len(answers) else np.zeros(0, dtype=np.intp)
    numbers = np.flatnonzero(times >= LEAST).astype(np.int32)
    if len(numbers) < 2:
        return None
    most = max(LEAST, min(MOST, AT_MOST // len(numbers)))
    phrasings, classes = [], []
    for column, number in enumerate(numbers):
        of_class = [asked[at] for at in _some(np.flatnonzero(answers == number), most)]
        phrasings += [*of_class, texts[int(number)]]
        classes += [column] * (len(of_class) + 1)
    outside = [*elsewhere, *(asked[at] for at in _some(np.flatnonzero(answers < 0), AT_MOST))]
    classes += [len(numbers)] * len(outside)
    row, idf, rows = _weighed([*phrasings, *outside])
    targets = np.zeros((len(classes), len(numbers) + 1), dtype=np.float32)
    targets[np.arange(len(classes)), classes] = 1
    bias = targets.mean(axis=0)
    weights = rows.T @ _solved(rows, targets - bias)
    return Classes(numbers, row, idf, np.ascontiguousarray(weights, dtype=np.float32), bias)


def _some(of: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    return of[np.linspace(0, len(of) - 1, min(most, len(of))).astype(np.intp)]


def _features(asked: Sequence[str]) -> tuple[list[str], list[str]]:
    """The two kinds of features: of words and their pairs, and of characters. Each kind weighs half."""
    stems = [words.stem(word) for word in asked]
    different = sorted(set(stems[:PAIRED]))
    by_word = [*(f"={word}" for word in asked), *stems]
    by_word += [f"{one} {other}" for at, one in enumerate(different) for other in different[at + 1 :]]
    text = f" {' '.join(asked)} "
    spelt = [
        f"-{text[at : at + size]}" for size in range(SHORTEST, LONGEST + 1) for at in range(len(text) - size + 1)
    ]
    return by_word, spelt


def _weighed(asked: Sequence[Sequence[str]]):  # type: ignore[no-untyped-def]
    """The rows of features, those of each kind of unit length."""
    counted = [tuple(Counter(kind) for kind in _features(one)) for one in asked]
    known_in = Counter(chain.from_iterable(kind for both in counted for kind in both))
    row = {feature: at for at, feature in enumerate(known_in)}
    idf = np.array([np.log((1 + len(asked)) / (1 + times)) + 1 for times in known_in.values()], dtype=np.float32)
    starts, at, data = [0], [], []
    for both in counted:
        for kind in both:
            rows = [row[feature] for feature in kind]
            weights = (1 + np.log(list(kind.values()))) * idf[rows]
            at += rows
            data.append(weights / max(np.sqrt(2 * (weights @ weights)), 1e-9))
        starts.append(len(at))
    shape = (len(asked), len(row))
    return row, idf, sparse.csr_matrix((np.concatenate(data).astype(np.float32), at, starts), shape=shape)


def _solved(rows, targets: Floats) -> Floats:  # type: ignore[no-untyped-def]
    """The dual weights: conjugate gradients (Hestenes and Stiefel 1952), a column for each class."""
    columns = rows.T.tocsr()
    solved, rest = np.zeros_like(targets), targets.copy()
    way, size = rest.copy(), (rest**2).sum(axis=0)
    whole = size.max()
    for _ in range(STEPS):
        moved = rows @ (columns @ way) + np.float32(RIDGE) * way
        step = size / np.maximum((way * moved).sum(axis=0), 1e-12)
        solved += step * way
        rest -= step * moved
        size, before = (rest**2).sum(axis=0), size
        if size.max() < 1e-5 * whole:
            break
        way = rest + size / np.maximum(before, 1e-12) * way
    return solved
