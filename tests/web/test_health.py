"""What whoever watches over an installation is told, with the faults themselves: nothing here is pretended."""

import contextlib
import os
import re
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import httpx2
import make
import psycopg
import pytest
import running
from django.db import connection
from django.utils import timezone
from faults import proxy, trial

from besedka.web import disks, health

REDIS = urllib.parse.urlsplit(os.environ.get("BESEDKA_TEST_REDIS", ""))
BOUND_S = 10  # of an answer, on a machine that is busy with other things; the product's own bound is two seconds


@pytest.fixture(autouse=True)
def fresh() -> None:
    """What was seen a moment ago does not count."""
    health.forget()


@pytest.mark.django_db(transaction=True)
def test_a_machine_that_is_well_says_so_in_words(client):
    health_of = client.get("/health/ready/")

    told = health_of.json()
    assert health_of.status_code == 200
    assert told["status"] in ("ok", "degraded")  # the disk of this machine may be nearly full
    assert {name: told[name] for name in ("database", "migrations", "turns", "loops", "signals")} == {
        "database": "ok",
        "migrations": "ok",
        "turns": "ok",
        "loops": "off",
        "signals": "off",
    }
    assert all(re.fullmatch("[a-z_]+", word) for word in told.values())


@pytest.mark.django_db(transaction=True)
def test_somebody_whom_no_bot_answers_is_told_of(client):
    make.conversation(due_at=timezone.now() - timedelta(minutes=5))

    told = client.get("/health/ready/")

    assert (told.status_code, told.json()["status"], told.json()["turns"]) == (200, "degraded", "late")


def test_to_be_alive_asks_no_database(client):
    assert client.get("/health/").json() == {"status": "ok"}  # this test may not use one


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of sixteen megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_stops_who_has_the_database_on_it_and_worries_everybody_else(client, settings, disk):
    settings.HOME = settings.MEDIA_ROOT = disk
    small = client.get("/health/ready/").json()["disk"]

    with contextlib.suppress(OSError):
        (disk / "ballast").write_bytes(bytes(32_000_000))
    health.forget()
    full = client.get("/health/ready/")
    (disk / "ballast").unlink()
    health.forget()
    emptied = client.get("/health/ready/")

    assert small == disks.LOW
    assert full.json()["disk"] == disks.FULL
    assert full.status_code == (503 if connection.vendor == "sqlite" else 200)
    assert (emptied.status_code, emptied.json()["status"]) == (200, "degraded")


def test_a_disk_that_takes_nothing_is_told_of(disk):
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)

    assert disks.state(disk) == disks.READ_ONLY
    assert disks.state(disk / "not" / "made" / "yet") == disks.READ_ONLY


class Away(NamedTuple):
    """A server, and the lines to its PostgreSQL and its Redis."""

    site: running.Server
    database: proxy.Proxy
    redis: proxy.Proxy

    def told(self) -> httpx2.Response:
        """What it says now."""
        return httpx2.get(f"{self.site.url}/health/ready/", timeout=30)

    def says(self, status: int, **parts: str) -> bool:
        """Whether it answers so, in bounded time."""
        began = time.monotonic()
        told = self.told()
        assert time.monotonic() - began < BOUND_S
        return told.status_code == status and parts.items() <= told.json().items()


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Away]:
    """One server for all that can be away."""
    url = urllib.parse.urlsplit(trial.database_url("postgresql"))
    if not REDIS.hostname:
        pytest.skip("BESEDKA_TEST_REDIS names no server")
    with (
        proxy.proxy_to(url.hostname or "", url.port or 5432) as database,
        proxy.proxy_to(REDIS.hostname, REDIS.port or 6379) as redis,
    ):
        through = url._replace(netloc=f"{url.username}:{url.password or ''}@127.0.0.1:{database.port}").geturl()
        home = tmp_path_factory.mktemp("away") / "home"
        with running.server(home, DATABASE_URL=through, REDIS_URL=f"redis://127.0.0.1:{redis.port}/0") as site:
            try:
                yield Away(site, database, redis)
            finally:
                database.mend()


@pytest.mark.xdist_group("health-away")
class TestAway:
    def test_while_all_is_there_everything_is_well(self, away):
        assert away.says(200, database="ok", migrations="ok", loops="ok", signals="ok", telegram="off")

    @pytest.mark.parametrize("fault", ["cut", "stall"])
    def test_a_database_that_hangs_up_or_hangs_makes_us_unready_until_it_is_back(self, away, fault):
        getattr(away.database, fault)()
        running.wait_until(lambda: away.says(503, code="unavailable", database="away"))
        told = away.told()
        with ThreadPoolExecutor(8) as many:
            together = [answer.status_code for answer in many.map(lambda _: away.told(), range(8))]
        alive = httpx2.get(f"{away.site.url}/health/", timeout=BOUND_S)
        page = httpx2.get(away.site.url, headers={"Accept": "text/html", "Accept-Language": "en"}, timeout=60)
        away.database.mend()
        running.wait_until(lambda: away.says(200, database="ok"))

        assert int(told.headers["Retry-After"]) > 0
        assert "127.0.0.1" not in told.text
        assert together == [503] * 8
        assert alive.status_code == 200
        assert page.status_code == 503
        assert "We will be back soon" in page.text
        assert page.headers["X-Request-ID"] in page.text
        assert "Retry-After" in page.headers

    def test_redis_away_makes_nobody_unready(self, away):
        away.redis.cut()
        running.wait_until(lambda: away.says(200, signals="away"))
        away.redis.mend()
        running.wait_until(lambda: away.says(200, signals="ok"))

    def test_a_database_that_was_not_migrated_takes_nobody_in(self, away):
        url = away.site.environment["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as database:
            newest = database.execute(
                "DELETE FROM django_migrations WHERE id = "
                "(SELECT max(id) FROM django_migrations WHERE app = 'conversations') RETURNING app, name, applied"
            ).fetchone()
            running.wait_until(lambda: away.says(503, database="ok", migrations="missing"))
            database.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", newest)
            running.wait_until(lambda: away.says(200, migrations="ok"))
