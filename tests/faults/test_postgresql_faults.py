"""A PostgreSQL that is killed, full, slow or has no place left: refusals that say when, and it heals by itself."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import make
import psycopg
import pytest
from faults import cluster, disk, trial
from faults.test_database_away import PATIENCE_S, fill, post

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400), pytest.mark.xdist_group("postgresql-faults")]

HEALED_S = 20  # after the database is back
DISK_MB = 220


def test_a_database_that_is_killed_under_load_loses_and_doubles_nothing(tmp_path):
    told, healed_s = [], []
    with cluster.cluster() as database, cluster.site(database.url(), tmp_path / "home") as site:

        async def kill_and_start() -> None:
            for _ in range(3):
                await asyncio.sleep(1)
                database.kill()
                told.append(await asyncio.to_thread(post, site, "hello"))
                told.append(await asyncio.to_thread(httpx2.get, f"{site.url}/health/ready/", timeout=30))
                told.append(await asyncio.to_thread(sign_in, site.url))
                await asyncio.to_thread(database.start)
                healed_s.append(await asyncio.to_thread(until_taken, site))
            await asyncio.sleep(1)

        people, broken = trial.visited(site, tmp_path, kill_and_start)

    print("healed after", [f"{seconds:.1f} s" for seconds in healed_s])
    assert broken == []
    assert [response.status_code for response in told] == [503] * 9
    assert all("retry-after" in response.headers for response in told)
    assert max(healed_s) < HEALED_S
    assert max(visitor.slowest_s for visitor in people) < PATIENCE_S


def test_without_a_place_at_the_database_people_are_told_and_taken_as_soon_as_there_is_one(tmp_path):
    with (
        cluster.cluster(max_connections="30", superuser_reserved_connections="0") as database,
        cluster.site(database.url(), tmp_path / "home") as site,
    ):
        refused = []

        async def crowd_out() -> None:
            for _ in range(2):
                await asyncio.sleep(1)
                with crowd(database):
                    refused.append(await asyncio.to_thread(post, site, "hello"))
                    await asyncio.sleep(1)
                await asyncio.to_thread(until_taken, site)

        people, broken = trial.visited(site, tmp_path, crowd_out)

    assert broken == []
    assert [response.status_code for response in refused] == [503] * 2
    assert all("retry-after" in response.headers for response in refused)
    assert max(visitor.slowest_s for visitor in people) < PATIENCE_S


def test_who_holds_what_others_need_and_does_nothing_is_sent_away(tmp_path):
    with cluster.cluster() as database, cluster.site(database.url(), tmp_path / "home") as site:
        ours = site.shell(
            "from django.db import connection\n"
            "with connection.cursor() as cursor:\n"
            "    cursor.execute('SHOW idle_in_transaction_session_timeout')\n"
            "    print(cursor.fetchone()[0])"
        )

        sent_away = []

        async def hold_and_do_nothing() -> None:
            holder = psycopg.connect(database.url())
            with contextlib.closing(holder):
                holder.execute("SET idle_in_transaction_session_timeout = '3s'")
                holder.execute("LOCK TABLE conversations_conversation")
                await asyncio.to_thread(until_taken, site)
                try:
                    holder.execute("SELECT 1")
                except psycopg.Error as error:
                    sent_away.append(error.sqlstate)

        people, broken = trial.visited(site, tmp_path, hold_and_do_nothing)

    assert ours.strip() == "1min"
    assert sent_away == ["25P03"]
    assert broken == []
    assert max(visitor.slowest_s for visitor in people) < PATIENCE_S


def test_a_statement_that_takes_too_long_is_ended_and_its_sender_told(tmp_path):
    with cluster.cluster() as database, cluster.site(database.url(), tmp_path / "home") as site:
        database.ask(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$"
        )
        database.ask("CREATE TRIGGER dawdle BEFORE INSERT ON conversations_message EXECUTE FUNCTION dawdle()")
        began = time.monotonic()
        refused = post(site, "hello")
        took_s = time.monotonic() - began
        database.ask("DROP TRIGGER dawdle ON conversations_message")
        taken = post(site, "hello")

    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert took_s < PATIENCE_S
    assert taken.status_code == 201


def test_a_page_that_waits_for_a_lock_too_long_says_when_to_come_again(tmp_path):
    with cluster.cluster() as database, cluster.site(database.url(), tmp_path / "home") as site:
        with psycopg.connect(database.url()) as holder:
            holder.execute("LOCK TABLE accounts_user")
            refused = sign_in(site.url)
        answered = sign_in(site.url)

    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert refused.json()["code"] == "unavailable"
    assert answered.status_code == 401


def test_a_database_whose_disk_is_full_loses_nothing_and_goes_on_when_there_is_room(small_disk, tmp_path):
    refused = []
    with cluster.cluster(small_disk) as database, cluster.site(database.url(), tmp_path / "home") as site:

        async def fill_and_empty() -> None:
            for _ in range(2):
                await asyncio.sleep(1)
                fill(small_disk)
                refused.append(await asyncio.to_thread(until_refused, site))
                await asyncio.sleep(1)
                (small_disk / "ballast").unlink()
                if not database.answers():  # it may have ended for want of room; whoever minds it starts it again
                    await asyncio.to_thread(database.start)
                await asyncio.to_thread(until_taken, site)

        people, broken = trial.visited(site, tmp_path, fill_and_empty)

    assert broken == []
    assert [response.status_code for response in refused] == [503] * 2
    assert all("retry-after" in response.headers for response in refused)
    assert max(visitor.slowest_s for visitor in people) < PATIENCE_S


def until_taken(site) -> float:
    """Seconds until somebody's message is taken."""
    began = time.monotonic()
    while post(site, "hello").status_code != 201:
        assert time.monotonic() - began < 60, "it never healed"
        time.sleep(0.05)
    return time.monotonic() - began


def until_refused(site) -> httpx2.Response:
    """The first refusal: what is free inside of the files is used first."""
    for _ in range(3_000):
        if (answer := post(site, "x" * 4_000)).status_code != 201:
            return answer
    raise AssertionError("nothing was refused")


def sign_in(url: str) -> httpx2.Response:
    """What Django's side says to somebody whom it has to look up."""
    asked = {"username": make.token(), "password": "no such password"}
    return httpx2.post(f"{url}/api/token/", json=asked, timeout=60)


@contextlib.contextmanager
def crowd(database: cluster.Cluster) -> Iterator[None]:
    """Others have every place, and whoever had one before has lost it."""
    with contextlib.ExitStack() as guests:
        first = guests.enter_context(psycopg.connect(database.url(), autocommit=True))
        full_for = 0
        while full_for < 5:  # what is freed by the last one to be sent away is taken, too
            first.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND application_name <> 'guest' AND pid <> pg_backend_pid()"
            )
            try:
                guests.enter_context(psycopg.connect(database.url(), application_name="guest"))
                full_for = 0
            except psycopg.OperationalError:
                full_for += 1
        yield


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of a few megabytes that PostgreSQL can write to."""
    with cluster.own_folder(None) as folder, disk.mounted(folder, DISK_MB, mode="777"):
        yield folder
