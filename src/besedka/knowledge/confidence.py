"""How probable it is that what was found is right: small logistic models over named signs.

The coefficients come from `benchmarks/calibrate.py`, which fits them anew and prints them in the form below:
questions of two bases cut to many sizes, questions whose passage was taken away, and a neutral background of small
talk, other domains and abuse. What a sign says changes with the size of the base, so each has two coefficients:
the second counts by the logarithm of the size.
"""

from math import exp, log
from typing import NamedTuple

SIZE = 1_000  # passages from which the second coefficients count in full
NEVER = 1e-3  # the least probability whose odds are told apart


class Signs(NamedTuple):
    """What speaks for the first passage; all but the two odds are 0 to 1."""

    margin: float  # how far its score is above that of the best other answer, as a share of itself; down to -1
    known: float  # share of the question's content that the index knows at all
    alike: float  # share of the question's content, in grams, that the stored question or topic spells
    met: float  # share of the question's content that the passage knows
    brevity: float  # 1 for one word of content, 1/2 for two …; 0 for none
    odds: float  # logarithm of the odds that the ranker gives to the first answer, if one of them is right
    odds_three: float  # the same for the first three together
    votes: float  # share of the lanes that have this answer first
    linear: float  # what the linear model says of its first class
    ahead: float  # how much more that is than for its second class
    outside: float  # what it says of the question being none of its classes


class Model(NamedTuple):
    """A bias and a coefficient for each sign, and the same that count by size."""

    bias: float
    coefficients: Signs
    bias_by_size: float
    by_size: Signs

    def of(self, signs: Signs, size: int) -> float:
        """Return the probability, in a base of this many passages."""
        share = share_of(size)
        total = self.bias + share * self.bias_by_size
        for sign, one, other in zip(signs, self.coefficients, self.by_size, strict=True):
            total += sign * (one + share * other)
        return 1 / (1 + exp(-total)) if total > -700 else 0.0


def share_of(size: int) -> float:
    """Return how much the second coefficients count in a base of this many passages: 0 to 1."""
    return log(min(max(size, 1), SIZE)) / log(SIZE)


def odds(probability: float) -> float:
    """Return the logarithm of the odds, of a probability held between `NEVER` and what is left of it."""
    held = min(max(probability, NEVER), 1 - NEVER)
    return log(held / (1 - held))


# The first passage is right; one of the first three is; the same where the answer has many phrasings.
FIRST = Model(
    bias=-4.24,
    coefficients=Signs(
        margin=-2.20,
        known=-0.53,
        alike=6.04,
        met=2.46,
        brevity=-1.90,
        odds=0.41,
        odds_three=0.40,
        votes=-0.38,
        linear=0.00,
        ahead=0.00,
        outside=0.00,
    ),
    bias_by_size=5.00,
    by_size=Signs(
        margin=2.53,
        known=-0.41,
        alike=-4.92,
        met=-1.91,
        brevity=-0.94,
        odds=0.19,
        odds_three=-0.70,
        votes=1.67,
        linear=0.00,
        ahead=0.00,
        outside=0.00,
    ),
)
AMONG = Model(
    bias=-4.69,
    coefficients=Signs(
        margin=-1.75,
        known=0.80,
        alike=5.63,
        met=1.38,
        brevity=-0.98,
        odds=0.36,
        odds_three=0.34,
        votes=0.21,
        linear=0.00,
        ahead=0.00,
        outside=0.00,
    ),
    bias_by_size=6.15,
    by_size=Signs(
        margin=1.84,
        known=-0.71,
        alike=-4.13,
        met=-1.42,
        brevity=-2.65,
        odds=-0.22,
        odds_three=-0.07,
        votes=-0.57,
        linear=0.00,
        ahead=0.00,
        outside=0.00,
    ),
)
FIRST_OF_CLASS = Model(
    bias=2.09,
    coefficients=Signs(
        margin=1.88,
        known=1.11,
        alike=1.92,
        met=0.92,
        brevity=3.58,
        odds=1.59,
        odds_three=-1.70,
        votes=2.86,
        linear=4.55,
        ahead=4.51,
        outside=-1.01,
    ),
    bias_by_size=-6.58,
    by_size=Signs(
        margin=-1.60,
        known=0.26,
        alike=-0.11,
        met=-1.09,
        brevity=-3.72,
        odds=-1.64,
        odds_three=1.76,
        votes=-2.25,
        linear=0.25,
        ahead=0.23,
        outside=-3.85,
    ),
)
AMONG_CLASSES = Model(
    bias=3.66,
    coefficients=Signs(
        margin=2.64,
        known=1.74,
        alike=1.25,
        met=-0.07,
        brevity=3.84,
        odds=-0.09,
        odds_three=-0.01,
        votes=1.12,
        linear=6.29,
        ahead=2.16,
        outside=-0.04,
    ),
    bias_by_size=-8.39,
    by_size=Signs(
        margin=-2.11,
        known=-0.19,
        alike=0.93,
        met=-0.26,
        brevity=-3.54,
        odds=-0.02,
        odds_three=0.09,
        votes=-0.98,
        linear=2.50,
        ahead=-1.26,
        outside=-5.56,
    ),
)
EXACT = 0.97  # at least so sure, when the stored question itself was typed
