"""The two models that are fitted: which passage is right, and how probable it is that the found one is."""

from collections.abc import Sequence

import bases
import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from besedka.knowledge.index import Entry, Index
from besedka.knowledge.ranker import Lanes

HELD = 0.002  # how strongly the weights of lanes are held small
RIDGE = 1.0  # the same for the coefficients of confidence; of weight only where a sign is rare

Numbers = npt.NDArray[np.float64]
Bits = npt.NDArray[np.bool_]


def ranker(entries: Sequence[Entry], cases: Sequence[bases.Case]) -> Lanes:
    """Return the weights under which the right passages are most probable, by maximum likelihood.

    Cao et al. (2007), "Learning to rank: from pairwise approach to listwise approach": the top-one probability; of
    several right passages one is enough. Questions whose words nobody knows teach nothing.
    """
    index = Index(entries)
    said, right = [], []
    for case in cases:
        seen = index.lanes(case.question)
        if seen is not None:
            said.append(np.stack([np.broadcast_to(lane, len(entries)) for lane in seen[0]], axis=1))
            right.append(np.isin([entry.passage_id for entry in entries], list(case.right)))
    lanes, of_right = np.stack(said).astype(np.float64), np.stack(right)

    def loss(weights: Numbers) -> tuple[float, Numbers]:
        scores = lanes @ weights
        whole = special.logsumexp(scores, axis=1, keepdims=True)
        among = special.logsumexp(np.where(of_right, scores, -np.inf), axis=1, keepdims=True)
        apart = np.exp(scores - whole) - np.where(of_right, np.exp(scores - among), 0)
        slope = np.einsum("qp,qpl->l", apart, lanes) / len(lanes) + HELD * weights
        return float((whole - among).mean() + HELD / 2 * weights @ weights), slope

    found = optimize.minimize(loss, np.zeros(lanes.shape[2]), jac=True, method="L-BFGS-B")
    return Lanes(*found.x.tolist())


def logistic(signs: Numbers, right: Numbers, weights: Numbers) -> Numbers:
    """Return the coefficients of the logistic model, the bias first, by Newton's method."""
    coefficients = np.zeros(signs.shape[1])
    ridge = np.eye(signs.shape[1]) * RIDGE
    ridge[0, 0] = 0
    for _ in range(50):
        guessed = special.expit(signs @ coefficients)
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


def auroc(inside: Numbers, outside: Numbers) -> float:
    """Return how probably a value from inside is above one from outside; ties count half (Mann, Whitney)."""
    below = np.searchsorted(np.sort(outside), inside, side="left")
    equal = np.searchsorted(np.sort(outside), inside, side="right") - below
    return float((below + equal / 2).mean() / len(outside))
