"""An update while people talk: the program before and the program after, together on one database."""

import asyncio
import os
import subprocess
import time
from pathlib import Path

import psycopg
import pytest
import running
import services
from faults import ledger, trial

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900), pytest.mark.xdist_group("update")]

BEFORE = "7f69ace"  # the last program that knew nothing of updates under traffic
MESSAGES = int(os.environ.get("BESEDKA_MESSAGES", "200000"))  # that are there already
EACH = 50  # of them in a conversation
FIRST = 1_000_000  # the id of the first of these conversations
PAST = range(FIRST, FIRST + MESSAGES // EACH)
TOGETHER_S = float(os.environ.get("BESEDKA_TOGETHER_S", "15"))
PATIENCE_S = 25  # a visitor waits so long for an answer, at most
FILLED = f"""
INSERT INTO conversations_contact (id, name, created_at) SELECT n, '', now() FROM {{series}};
INSERT INTO conversations_identity (contact_id, kind, known_as, shown)
  SELECT n, 'token', lpad(to_hex(n), 64, '0'), 'past' FROM {{series}};
INSERT INTO conversations_conversation
  (id, inbox_id, contact_id, status, owner, owner_version, episode, episode_after, last_seq, heard_seq,
   reacted_seq, created_at, last_message_at, lease_key, attempts)
  SELECT n, (SELECT MIN(id) FROM conversations_inbox), n, 'closed', 'bot', 0, 1, 0, {EACH}, {EACH}, {EACH},
         now(), now(), '', 0 FROM {{series}};
INSERT INTO conversations_message (conversation_id, seq, author, text, created_at)
  SELECT n, s, 'contact', 'a message of the past, of an ordinary length, number ' || s, now()
  FROM {{series}} CROSS JOIN generate_series(1, {EACH}) AS h(s);
SELECT setval(pg_get_serial_sequence('conversations_contact', 'id'), {PAST.stop});
SELECT setval(pg_get_serial_sequence('conversations_conversation', 'id'), {PAST.stop});
"""


def test_an_update_under_traffic_loses_nothing_and_refuses_nobody(before, tmp_path):
    """Old and new serve side by side, on tables of a realistic size, while the update goes on and after it."""
    home = tmp_path / "home"
    with running.scratch_database(trial.database_url("postgresql")) as url:
        shared = {"DATABASE_URL": url, "REDIS_URL": services.url("Redis"), "BESEDKA_RATE_LIMITS": "off"}
        old = running.Server(home, running.free_port(), {**shared, "PYTHONPATH": str(before)})
        new = running.Server(home, running.free_port(), shared)
        newcomers: list[ledger.Visitor] = []

        async def update() -> None:
            began = time.monotonic()
            migrated = await asyncio.to_thread(new.beside, "manage", "migrate", "--verbosity", "1")
            print(f"migrated in {time.monotonic() - began:.1f} s")
            assert migrated.returncode == 0, migrated.stderr
            await asyncio.to_thread(new.start)
            stop = asyncio.Event()
            asyncio.get_running_loop().call_later(TOGETHER_S, stop.set)
            newcomers.extend(await ledger.visit(new.url, 4, tmp_path, stop, 7))

        try:
            running.first_start(home, url, PYTHONPATH=str(before))
            old.start()
            fill(url)
            people, broken = trial.visited(old, tmp_path, update, visitors=4, past=PAST)
            asyncio.run(ledger.catch_up(newcomers))
            broken += trial.wrong(new, newcomers, past=PAST)
        finally:
            old.stop()
            new.stop()

    assert broken == []
    assert sum(visitor.promised for visitor in newcomers) > 0
    assert max(visitor.slowest_s for visitor in [*people, *newcomers]) < PATIENCE_S


def fill(url: str) -> None:
    """The tables have the size that those of a company have."""
    began = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection:
        series = f"generate_series({PAST.start}, {PAST.stop - 1}) AS g(n)"
        connection.execute(FILLED.format(series=series).encode())
        connection.execute(b"ANALYZE")
    print(f"{MESSAGES} messages filled in {time.monotonic() - began:.1f} s")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The source of the program before."""
    repository = ["git", "-C", str(running.ROOT)]
    if subprocess.run([*repository, "cat-file", "-e", f"{BEFORE}^{{commit}}"], capture_output=True).returncode:
        pytest.skip(f"the history does not reach back to {BEFORE}, the program before")
    folder = tmp_path / "before"
    folder.mkdir()
    archive = subprocess.run([*repository, "archive", BEFORE, "src"], capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder / "src"
