"""Two processes on one database: one is held for longer than its leases last, dies, or fails where it must not."""

import asyncio
import sys
from pathlib import Path

import pytest
import services
from faults import dying, trial
from faults.readers import WAYS
from faults.site import RUN, installed

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), pytest.mark.xdist_group("site-of-two")]

HELD_S = 20  # longer than a lease
FAILING = [sys.executable, str(Path(dying.__file__)), "before-answer-commit", "3", "--act", "raise", "--", *RUN]


@pytest.fixture
def two(tmp_path):
    """Two of ours behind one address; in the second an answer fails just before it is committed."""
    url = trial.database_url("postgresql")
    with installed(tmp_path / "home", url, web=[RUN, FAILING], REDIS_URL=services.url("Redis")) as site:
        yield site


def test_one_that_is_held_dies_or_fails_leaves_nothing_undone_and_does_nothing_twice(two, tmp_path):
    async def trouble() -> None:
        await asyncio.sleep(2)
        two.hold("web 1")
        await asyncio.sleep(HELD_S)
        two.let_go("web 1")  # it believes that it still has its leases
        await asyncio.sleep(2)
        two.kill("web 2")
        await asyncio.sleep(1)
        await asyncio.to_thread(two.start, "web 2")

    people, broken = trial.visited(two, tmp_path, trouble, visitors=4, ways=WAYS, operators=1)

    assert broken == []
    assert sum(visitor.promised for visitor in people) > 0
