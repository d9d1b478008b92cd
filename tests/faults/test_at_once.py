"""Many who write and many who read one SQLite: nobody is told that the database is locked."""

import asyncio
import contextlib
import os
import sqlite3
import threading
import time

import pytest
import running
from authors import Author
from faults import ledger, trial

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

FAULT_S = float(os.environ.get("BESEDKA_FAULT_S", "10"))
VISITORS, AUTHORS = 4, 4  # who write, at the door and behind it
OUTSIDE = 8  # who read past the server
WAYS = ["poll", "stream", "socket", ledger.OLD]  # of reading each of the visitors' conversations


@pytest.mark.xdist_group("at-once")
def test_eight_who_write_and_twenty_who_read_never_meet_a_lock(tmp_path):
    over, refused = threading.Event(), []
    with running.server(tmp_path / "home", DATABASE_URL="") as site:

        def write(number: int) -> None:
            author = Author(site)
            bot = author.bot(name=f"Bot {number}")
            while not over.is_set():
                answer = author.ask("PATCH", f"/api/bots/{bot}/", json={"description": str(time.monotonic())})
                if answer.status_code != 200:
                    refused.append(f"{answer.status_code}: {answer.text}")

        def read() -> None:
            while not over.is_set():
                try:
                    with contextlib.closing(sqlite3.connect(site.home / "besedka.sqlite3")) as database:
                        database.execute("SELECT COUNT(*), MAX(seq) FROM conversations_message").fetchone()
                except sqlite3.OperationalError as error:
                    refused.append(str(error))
                time.sleep(0.01)

        async def at_once() -> None:
            busy = [threading.Thread(target=write, args=(number,)) for number in range(AUTHORS)]
            busy += [threading.Thread(target=read) for _ in range(OUTSIDE)]
            for one in busy:
                one.start()
            await asyncio.sleep(FAULT_S)
            over.set()
            for one in busy:
                await asyncio.to_thread(one.join)

        people, broken = trial.visited(site, tmp_path, at_once, visitors=VISITORS, ways=WAYS)
        said = site.log.read_text(errors="replace")

    assert broken == []
    assert refused == []
    assert "locked" not in said
    assert sum(visitor.retries for visitor in people) == 0
