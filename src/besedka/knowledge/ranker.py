"""How much each lane says for a passage: a small listwise model, fitted by `benchmarks/calibrate.py`.

The probability of a passage is the softmax of its weighted lanes (Cao et al. 2007, "Learning to rank: from
pairwise approach to listwise approach", top-one probability). It knows no single word, so it serves any base.
"""

from typing import NamedTuple

import numpy as np

from besedka.knowledge.lanes import Scores


class Lanes(NamedTuple):
    """What is known of all passages for one question; each an array, or a weight of it."""

    grams: float = 0.0  # cosine over character n-grams, with question and topic
    questions: float = 0.0  # the same with the question alone
    stems: float = 0.0  # BM25 over stems of the question
    answers: float = 0.0  # BM25 over stems of the answer
    content: float = 0.0  # BM25 over the question without function words
    told: float = 0.0  # BM25 over the answer without function words
    pairs: float = 0.0  # BM25 over pairs of stems that stand near each other
    kin: float = 0.0  # BM25 over beginnings of the question's words
    kin_told: float = 0.0  # BM25 over beginnings of the answer's words
    asked_wide: float = 0.0  # cosine in the latent space, by question
    asked_narrow: float = 0.0
    wide: float = 0.0  # cosine in the latent space, by all of the text
    narrow: float = 0.0
    topic: float = 0.0  # probability of the passage's topic
    near: float = 0.0  # what the plain lanes say of its neighbours, on average


PLAIN = (1.0, 0.6, 0.35)  # of grams, stems and answers when they are alone, as in a large base
SHARP = 12.0  # what a point of theirs is worth as a logarithm of odds
WEIGHTS = Lanes(
    grams=4.41,
    questions=4.56,
    stems=-1.69,
    answers=-1.52,
    content=0.46,
    told=0.14,
    pairs=-0.28,
    kin=2.79,
    kin_told=2.97,
    asked_wide=2.12,
    asked_narrow=2.53,
    wide=2.42,
    narrow=1.50,
    topic=0.77,
    near=1.04,
)
EXACT = 6.0  # what it is worth that the stored question itself was typed
CLASS = 24.0  # what a point of the linear model is worth


def plain(grams: Scores, stems: Scores, answers: Scores) -> Scores:
    """Return the sum of the three lanes every base has."""
    return PLAIN[0] * grams + PLAIN[1] * stems + PLAIN[2] * answers


def shares(scores: Scores) -> Scores:
    """Return the softmax of the scores."""
    raised = np.exp(scores - scores.max())
    held: Scores = raised / raised.sum()
    return held
