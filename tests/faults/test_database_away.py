"""A database that is gone, shut, locked or full: refusals that say "come again", and it heals by itself."""

import asyncio
import contextlib
import secrets
import sqlite3
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import httpx2
import make
import psycopg
import pytest
import running
from faults import disk, trial
from faults.readers import WAYS

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

MESSAGES = "/api/v1/conversation/messages"
ALL_BUT_US = "FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
PATIENCE_S = 25  # a visitor waits so long for a "come again", at most
DISK_MB = 48


@pytest.mark.xdist_group("database-away")
def test_a_database_that_drops_every_connection_loses_and_doubles_nothing(tmp_path):
    with running.server(tmp_path / "home", DATABASE_URL=trial.database_url("postgresql")) as site:

        async def hang_up() -> None:
            for _ in range(40):
                await asyncio.sleep(0.2)
                administer(site, f"SELECT pg_terminate_backend(pid) {ALL_BUT_US}")

        people, broken = trial.visited(site, tmp_path, hang_up, ways=WAYS)

    assert broken == []
    assert max(visitor.slowest_s for visitor in people) < PATIENCE_S


@pytest.mark.xdist_group("database-away")
def test_a_database_that_lets_nobody_in_is_waited_for(tmp_path):
    with running.server(tmp_path / "home", DATABASE_URL=trial.database_url("postgresql")) as site:
        told = []

        async def shut_out() -> None:
            for _ in range(3):
                await asyncio.sleep(1)
                administer(site, "ALTER DATABASE {name} ALLOW_CONNECTIONS false")
                administer(site, f"SELECT pg_terminate_backend(pid) {ALL_BUT_US}")
                await asyncio.sleep(1)
                told.append(await asyncio.to_thread(post, site, "hello"))
                told.append(await asyncio.to_thread(httpx2.get, f"{site.url}/health/ready/"))
                administer(site, "ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            await asyncio.sleep(1)

        people, broken = trial.visited(site, tmp_path, shut_out)

    assert broken == []
    assert [response.status_code for response in told] == [503] * 6
    assert all("retry-after" in response.headers for response in told)
    assert max(visitor.slowest_s for visitor in people) < PATIENCE_S


@pytest.mark.xdist_group("database-locked")
@pytest.mark.parametrize("database", trial.DATABASES)
def test_who_writes_to_a_locked_database_is_told_to_come_again(database, tmp_path):
    with running.server(tmp_path / "home", DATABASE_URL=trial.database_url(database)) as site:
        with locked(site):
            began = time.monotonic()
            refused = post(site, "hello")
            took_s = time.monotonic() - began
        taken = post(site, "hello")

    print(f"refused after {took_s:.1f} s")
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert took_s < PATIENCE_S
    assert taken.status_code == 201


@pytest.mark.xdist_group("disk-full")
def test_a_full_disk_loses_nothing_and_is_survived(small_disk, tmp_path):
    with running.server(small_disk / "home", DATABASE_URL="") as site:
        refused = []

        async def fill_and_empty() -> None:
            for _ in range(3):
                await asyncio.sleep(1)
                fill(small_disk)
                refused.append(await asyncio.to_thread(post_until_refused, site))
                await asyncio.sleep(1)
                (small_disk / "ballast").unlink()
            await asyncio.sleep(1)

        people, broken = trial.visited(site, tmp_path, fill_and_empty, ways=WAYS)

    print(site.log.read_text(errors="replace")[-1_500:])
    assert broken == []
    assert refused == [503] * 3
    assert sum(visitor.retries for visitor in people) > 0


def post_until_refused(site: running.Server) -> int:
    """The status of the first refusal; 201 if there is none."""
    for _ in range(1_000):  # what is free inside of the files is used first
        refused = post(site, "x" * 4_000).status_code
        if refused != 201:
            return refused
    return 201


def post(site: running.Server, text: str) -> httpx2.Response:
    """A message of somebody new."""
    headers = {"chat-token": make.token() + secrets.token_hex(4)}
    return httpx2.post(site.url + MESSAGES, json={"text": text}, headers=headers, timeout=120)


def administer(site: running.Server, statement: str) -> None:
    """Run it beside the server's database; `{name}` is the database's name."""
    parts = urllib.parse.urlsplit(site.environment["DATABASE_URL"])
    with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(statement.format(name=parts.path.strip("/")).encode())


@contextlib.contextmanager
def locked(site: running.Server) -> Iterator[None]:
    """Somebody else holds what a writer needs, and does not let go."""
    url = site.environment["DATABASE_URL"]
    if url:
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE conversations_conversation, conversations_contact")
            yield
            connection.rollback()
        return
    with contextlib.closing(sqlite3.connect(site.home / "besedka.sqlite3", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with disk.mounted(folder, DISK_MB):
        yield folder


def fill(folder: Path) -> None:
    """Leave nothing free on the disk of this folder."""
    with (folder / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(b"x" * 4096)
