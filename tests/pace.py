"""Limits of time that hold on a slower machine, too: what was promised was measured on one of a known pace."""

import functools
import time

ROUNDS = 1_000_000
REFERENCE_S = 0.045  # that these rounds took there


def seconds(promised: float) -> float:
    """So many seconds of that machine, on this one; twice as many, for others may be at work beside us."""
    return promised * 2 * max(1.0, _slower())


@functools.cache
def _slower() -> float:
    """How many times slower this machine is: the best of three, for others may be at work."""
    return min(_took() for _ in range(3)) / REFERENCE_S


def _took() -> float:
    start = time.process_time()
    total = 0
    for number in range(ROUNDS):
        total += number
    return time.process_time() - start
