"""`kill -9` at any moment of a running load loses and doubles nothing."""

import asyncio
import itertools
import os
import random
import sys
import time
from pathlib import Path

import pytest
import running

sys.path.insert(0, str(Path(__file__).parent))
import ledger

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

KILLS = int(os.environ.get("BESEDKA_KILLS", "20"))
BACK_S = 30  # a service that was killed is back by then
POSTGRESQL = os.environ.get("BESEDKA_TEST_POSTGRESQL", "")


@pytest.mark.xdist_group("kills")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killing_the_server_at_any_moment_loses_and_doubles_nothing(database, tmp_path):
    if database == "postgresql" and not POSTGRESQL:
        pytest.skip("BESEDKA_TEST_POSTGRESQL names no server")
    seed = int(time.time())
    print(f"seed {seed}, {KILLS} kills")
    url = POSTGRESQL if database == "postgresql" else ""

    with running.server(tmp_path / "home", DATABASE_URL=url) as site:
        people, slowest = asyncio.run(under_fire(site, tmp_path, seed))
        broken = [fault for visitor in people for fault in ledger.faults(visitor)]
        broken += doubled_turns(site)

    messages = sum(len(visitor.promises()) for visitor in people)
    retries = sum(visitor.retries for visitor in people)
    print(f"{messages} messages, {retries} sent again, slowest return {slowest:.1f} s")
    assert broken == []
    assert messages > KILLS
    assert slowest < BACK_S


def doubled_turns(site: running.Server) -> list[str]:
    """Turns that answered what another one had answered, and answers that belong to no turn."""
    answered = site.select(
        "SELECT conversation_id, from_seq, upto_seq FROM conversations_turn WHERE outcome = 'answered' "
        "ORDER BY conversation_id, from_seq"
    )
    said = site.select("SELECT COUNT(*) FROM conversations_message WHERE author = 'bot'")[0][0]
    found = [
        f"conversation {one[0]}: {one[1:]} and {next_one[1:]} overlap"
        for one, next_one in itertools.pairwise(answered)
        if one[0] == next_one[0] and next_one[1] <= one[2]
    ]
    return found if said == len(answered) else [*found, f"{said} answers, {len(answered)} turns"]


async def under_fire(site: running.Server, folder: Path, seed: int) -> tuple[list[ledger.Visitor], float]:
    """Visitors live while the server is killed and started again; the slowest return in seconds."""
    dice, stop, slowest = random.Random(seed), asyncio.Event(), 0.0
    visiting = asyncio.create_task(ledger.visit(site.url, 8, folder, stop, seed))
    for _ in range(KILLS):
        await asyncio.sleep(dice.uniform(0.02, 1.2))
        site.kill()
        began = time.monotonic()
        await asyncio.to_thread(site.start)
        slowest = max(slowest, time.monotonic() - began)
    await asyncio.sleep(1)
    stop.set()
    return await visiting, slowest
