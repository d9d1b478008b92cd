"""How probable it is that the first passage found is the right one: a small logistic model over named signs.

The coefficients come from `benchmarks/calibrate.py`, which fits them anew and prints them in the form below:
questions of several bases cut to many sizes, questions whose passage was taken away, and a neutral background of
small talk, other domains and abuse. They are scored by cross-validation in which no question is in both parts
(calibration error 0.03; on the largest base alone 0.07). They know no single word.
"""

from math import exp
from typing import NamedTuple

EXACT = 0.97  # the stored question itself was typed: sure, but for two passages that share their question


class Signs(NamedTuple):
    """What can be seen of one search. All are 0 to 1."""

    grams: float  # cosine of question and passage over character n-grams
    answer: float  # BM25 of question and answer over stems, as a share of the most that could be reached
    margin: float  # lead over the best passage with another answer, as a share of the first's score
    known: float  # share of the question's content that the index knows at all
    alike: float  # share of the question's content, in grams, that the stored question or topic spells
    met: float  # share of the question's content that the passage knows
    most: float  # met x met: nine tenths say more than twice what five tenths say
    asked: float  # share of the stored question's content that was asked for
    fit: float  # met x asked: both at once
    brevity: float  # 1 for one word of content, 1/2 for two …; 0 for none


BIAS = -4.07
COEFFICIENTS = Signs(
    grams=4.11,
    answer=3.09,
    margin=2.53,
    known=-0.36,
    alike=1.83,
    met=5.33,
    most=-3.24,
    asked=1.09,
    fit=-1.98,
    brevity=-2.05,
)


def of(signs: Signs) -> float:
    """Return the probability that the first passage is right."""
    total = BIAS
    for coefficient, sign in zip(COEFFICIENTS, signs, strict=True):
        total += coefficient * sign
    return 1 / (1 + exp(-total))
