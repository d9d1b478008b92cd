"""`kill -9` at any moment of a running load loses and doubles nothing."""

import asyncio
import contextlib
import itertools
import os
import random
import sys
import time
from pathlib import Path

import pytest
import running
from faults import book, dying, trial
from faults.readers import WAYS

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # clients whose server dies while they connect
]

KILLS = int(os.environ.get("BESEDKA_KILLS", "8"))
SEED = int(os.environ.get("BESEDKA_SEED", "0")) or int(time.time())
TIMES = (3, 20) if KILLS > 8 else (3,)  # that each point is come by before it kills
BACK_S = 30  # a service that was killed is back by then
DYING = [sys.executable, str(Path(dying.__file__))]


@pytest.mark.xdist_group("kills")
@pytest.mark.parametrize("database", trial.DATABASES)
def test_killing_the_server_at_any_moment_loses_and_doubles_nothing(database, tmp_path):
    dice, back_s = random.Random(SEED), []
    print(f"BESEDKA_SEED={SEED} BESEDKA_KILLS={KILLS}")
    with running.server(tmp_path / "home", DATABASE_URL=trial.database_url(database)) as site:

        async def kill_again_and_again() -> None:
            for _ in range(KILLS):
                await asyncio.sleep(dice.uniform(0.02, 1.2))
                site.kill()
                back_s.append(await started(site))
            await asyncio.sleep(1)

        people, broken = trial.visited(site, tmp_path, kill_again_and_again, seed=SEED, ways=WAYS, deadly=True)

    print(f"slowest return {max(back_s):.1f} s")
    book.note(back_s=round(max(back_s), 1))
    assert broken == []
    assert sum(visitor.promised for visitor in people) > KILLS
    assert max(back_s) < BACK_S


@pytest.mark.xdist_group("deaths")
@pytest.mark.parametrize("database", trial.DATABASES)
def test_dying_at_each_point_of_a_messages_way_loses_and_doubles_nothing(database, tmp_path):
    survived = []
    with running.server(tmp_path / "home", DATABASE_URL=trial.database_url(database)) as site:

        async def die_at_each_point() -> None:
            for point, nth in itertools.product(dying.POINTS, TIMES):
                site.kill()
                with contextlib.suppress(RuntimeError):  # it may die before anybody has seen it live
                    await started(site, [*DYING, point, str(nth)])
                if not await asyncio.to_thread(site.died, within_s=20):
                    survived.append((point, nth))
            site.kill()
            await started(site)
            await asyncio.sleep(1)

        _, broken = trial.visited(site, tmp_path, die_at_each_point, ways=WAYS, deadly=True)

    assert broken == []
    assert survived == []


async def started(site: running.Server, command: list[str] | None = None) -> float:
    """Seconds until it answers again."""
    site.command = command or [running.BESEDKA, "run"]
    began = time.monotonic()
    await asyncio.to_thread(site.start)
    return time.monotonic() - began
