"""Behind a PgBouncer that pools transactions, where no session is anybody's own."""

import asyncio
from pathlib import Path

import httpx2
import psycopg
import pytest
import running
import services
from faults import cluster, trial

WEB = (running.BESEDKA, "web", "--workers", "2")
OF_THE_ROLE = {"statement_timeout": "20s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "60s"}

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400), pytest.mark.xdist_group("pgbouncer")]


def test_two_processes_behind_pgbouncer_lose_and_double_nothing(tmp_path: Path):
    with cluster.cluster() as database, cluster.bouncer(database, size=6) as port:
        for name, value in OF_THE_ROLE.items():
            database.ask(f"ALTER ROLE postgres SET {name} = '{value}'")
        database.ask("CREATE DATABASE talk TEMPLATE postgres")
        url = database.url("talk").replace(str(database.port), str(port))
        environment = {"REDIS_URL": services.url("Redis"), "BESEDKA_PGBOUNCER": "on"}
        with cluster.site(url, tmp_path / "home", command=WEB, **environment) as site:
            people, broken = trial.visited(site, tmp_path, lambda: asyncio.sleep(10))
            signing_in = {"username": "admin", "password": running.PASSWORD}
            signed_in = httpx2.post(f"{site.url}/api/token/", json=signing_in, timeout=60)
            examined = site.beside("doctor")
            with psycopg.connect(url, autocommit=True) as bounced:
                bounced.prepare_threshold = None
                left = {bounced.execute("SHOW synchronous_commit").fetchone() for _ in range(20)}
        taken = database.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = 'talk'")

    assert broken == []
    assert sum(visitor.promised for visitor in people) > 20
    assert signed_in.status_code == 200
    assert left == {("on",)}
    assert taken[0][0] <= 6
    assert "sessions have no" not in examined.stdout
    assert "prepared statement" not in site.log.read_text(errors="replace")
