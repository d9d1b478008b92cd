"""Whether somebody notices that a background loop has ended, hangs, or fails again and again."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from besedka.project import loops, pulse

PERIOD_S = 0.001


@pytest.fixture(autouse=True)
def nobody_else() -> Iterator[None]:
    """No other loop is minded."""
    pulse.forget()
    yield
    pulse.forget()


def states(work: Callable[[], Awaitable[None]], *, rounds: int, end: bool = False) -> tuple[str, str]:
    """What is said of a loop after so many rounds, and a minute after that."""

    async def watch() -> tuple[str, str]:
        left, done = rounds, asyncio.Event()

        async def counted() -> None:
            nonlocal left
            left -= 1
            if left <= 0:
                done.set()
            await work()

        task = loops._begin("one", counted, PERIOD_S)
        await done.wait()
        await asyncio.sleep(0)
        if end:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        found = pulse.state(), pulse.state(asyncio.get_running_loop().time() + 60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return found

    return asyncio.run(watch())


async def nothing() -> None:
    """Done at once."""


async def hang() -> None:
    """Never done."""
    await asyncio.Event().wait()


async def fail() -> None:
    """A bug."""
    raise ValueError("a bug")


def test_a_loop_that_comes_round_is_well_until_it_does_not():
    assert states(nothing, rounds=3) == ("ok", "late")


def test_a_loop_that_hangs_is_late():
    assert states(hang, rounds=1) == ("ok", "late")


def test_a_loop_that_fails_again_and_again_lives_and_is_told_of():
    assert states(fail, rounds=5)[0] == "failing"


def test_a_loop_that_has_ended_is_dead():
    assert states(nothing, rounds=2, end=True) == ("dead", "dead")


def test_a_process_without_loops_says_so():
    assert pulse.state() == "off"
