"""A clock that jumps ahead and back while people talk: turns are neither lost nor held up by leases."""

import asyncio
from pathlib import Path

import pytest
import running
from faults import trial
from faults.readers import WAYS
from faults.test_kill import started

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
JUMPS = ["+2h", "-3h", "+0", "+26h", "-1d"]


@pytest.mark.xdist_group("clock")
@pytest.mark.parametrize("database", trial.DATABASES)
def test_a_clock_that_jumps_loses_and_doubles_nothing(database, tmp_path):
    if LIBRARY is None:
        pytest.skip("libfaketime is not installed")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    environment = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with running.server(tmp_path / "home", DATABASE_URL=trial.database_url(database), **environment) as site:

        async def jump() -> None:
            for number, to in enumerate(JUMPS):
                await asyncio.sleep(1)
                clock.write_text(to)
                if number % 2:
                    await asyncio.sleep(0.3)
                    site.kill()  # its leases end in another time
                    await started(site)
            await asyncio.sleep(2)

        people, broken = trial.visited(site, tmp_path, jump, visitors=4, ways=WAYS)
        days = site.select("SELECT MAX(created_at), MIN(created_at) FROM conversations_message")

    print(days)
    assert broken == []
    assert sum(visitor.promised for visitor in people) > 0
