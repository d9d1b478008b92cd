"""A database or a Redis that is away: what readiness says, in bounded time, and that it heals by itself."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx2
import psycopg
import pytest
import running
import services
from faults import proxy

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("parts-away")]

BOUND_S = 10  # of an answer, on a machine that is busy with other things; the product's own bound is two seconds


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
    url, cache = services.parts("PostgreSQL"), services.parts("Redis")
    with (
        proxy.proxy_to(url.hostname or "", url.port or 5432) as database,
        proxy.proxy_to(cache.hostname or "", cache.port or 0) as redis,
    ):
        through = url._replace(netloc=f"{url.username}:{url.password or ''}@127.0.0.1:{database.port}").geturl()
        home = tmp_path_factory.mktemp("away") / "home"
        with running.server(home, DATABASE_URL=through, REDIS_URL=f"redis://127.0.0.1:{redis.port}/0") as site:
            try:
                yield Away(site, database, redis)
            finally:
                database.mend()


def test_while_all_is_there_everything_is_well(away):
    assert away.says(200, database="ok", migrations="ok", loops="ok", signals="ok", telegram="off")


@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_a_database_that_hangs_up_or_hangs_makes_us_unready_until_it_is_back(away, fault):
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


def test_redis_away_makes_nobody_unready(away):
    away.redis.cut()
    running.wait_until(lambda: away.says(200, signals="away"))
    away.redis.mend()
    running.wait_until(lambda: away.says(200, signals="ok"))


def test_a_database_that_was_not_migrated_takes_nobody_in(away):
    url = away.site.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as database:
        newest = database.execute(
            "DELETE FROM django_migrations WHERE id = "
            "(SELECT max(id) FROM django_migrations WHERE app = 'conversations') RETURNING app, name, applied"
        ).fetchone()
        running.wait_until(lambda: away.says(503, database="ok", migrations="missing"))
        database.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", newest)
        running.wait_until(lambda: away.says(200, migrations="ok"))
