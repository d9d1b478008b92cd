"""What a doctor says of an installation of several processes, and of each of them that is missing."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest
import running
import services
from faults import cluster

from besedka.project.doctor import connections, scaled

TOKEN = "a-token-of-whoever-watches-over-us"

pytestmark = [pytest.mark.xdist_group("doctor_scaled"), pytest.mark.timeout(900)]  # a doctor comes several times


@contextmanager
def beside(site: running.Server, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of this installation."""
    with (site.home.parent / f"{arguments[0]}.log").open("ab") as log:
        process = subprocess.Popen(
            [running.BESEDKA, *arguments], env=site.surroundings(), stdout=log, stderr=log, cwd=site.home.parent
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[running.Server]:
    """An installation with a broker, whose workers are not there yet."""
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("several processes are for a database of their own: PostgreSQL")
    given = {"CELERY_BROKER_URL": services.url("Redis"), "BESEDKA_METRICS_TOKEN": TOKEN}
    with running.server(tmp_path / "home", **given) as site:
        yield site


def examined(site: running.Server) -> dict[tuple[str, str], str]:
    """What is found, with how it stands."""
    findings = json.loads(site.beside("doctor", "--json").stdout)["findings"]
    return {(finding["part"], finding["said"]): finding["state"] for finding in findings}


def test_who_is_missing_is_named_and_who_is_there_is_counted(site):
    nobody = examined(site)
    with ExitStack() as processes:
        processes.enter_context(beside(site, "worker", "--queues", "turns,deliveries"))
        processes.enter_context(beside(site, "worker", "--queues", "turns,maintenance"))
        processes.enter_context(beside(site, "beat"))
        running.wait_until(lambda: ("workers", "turns: 2 of 2") in examined(site), within_s=300)
        running.wait_until(lambda: ("beat", "it ticks") in examined(site), within_s=300)
        everybody = examined(site)

    gone = {said: state for (part, said), state in nobody.items() if part in ("workers", "beat")}
    assert gone == {
        "nobody who answers within 3 s serves turns": "wrong",
        "nobody who answers within 3 s serves deliveries": "wrong",
        "nobody who answers within 3 s serves maintenance": "wrong",
        "nobody says when to keep house": "wrong",
    }
    there = {said: state for (part, said), state in everybody.items() if part in ("broker", "workers", "beat")}
    assert there == {
        "redis answers": "fine",
        "turns: 2 of 2": "fine",
        "deliveries: 1 of 2": "fine",
        "maintenance: 1 of 2": "fine",
        "it ticks": "fine",
    }


def test_a_broker_that_is_away_is_named_and_its_password_is_not(settings):
    settings.CELERY_BROKER_URL = f"redis://:s3cret-of-the-broker@127.0.0.1:{running.free_port()}/0"

    [finding] = scaled.broker()

    assert (finding.state, finding.part) == ("wrong", "broker")
    assert "CELERY_BROKER_URL" in finding.advice
    assert "s3cret" not in finding.said


def test_flower_and_figures_are_for_nobody_who_shows_nothing(settings):
    assert [next(part()).state for part in (scaled.flower, scaled.metrics)] == ["fine", "fine"]

    settings.FLOWER_PASSWORD = "short"
    assert next(scaled.flower()).state == "wrong"
    settings.FLOWER_PASSWORD, settings.FLOWER_HOST = "a-long-enough-password", "0.0.0.0"
    assert next(scaled.flower()).state == "doubtful"
    settings.METRICS_TOKEN, settings.METRICS_PORT, settings.HOST = TOKEN, 9100, "0.0.0.0"
    assert next(scaled.metrics()).state == "doubtful"


def test_beat_says_when_it_last_came_round(tmp_path):
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("several processes are for a database of their own: PostgreSQL")
    file = tmp_path / "beat"
    given = {"CELERY_BROKER_URL": services.url("Redis"), "BESEDKA_BEAT_FILE": str(file)}
    asking = [sys.executable, str(Path(__file__).parents[2] / "deploy/healthy.py"), "beat"]

    def is_well() -> bool:
        return subprocess.run(asking, env=given, timeout=30).returncode == 0

    before = is_well()
    with running.server(tmp_path / "home", **given) as site, beside(site, "beat"):
        running.wait_until(is_well, within_s=120)
    os.utime(file, (time.time() - 60,) * 2)

    assert (before, is_well()) == (False, False)


def test_flower_tells_everybody_that_it_is_well_and_nothing_else(tmp_path):
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("several processes are for a database of their own: PostgreSQL")
    port = running.free_port()
    given = {"CELERY_BROKER_URL": services.url("Redis"), "FLOWER_PASSWORD": TOKEN, "FLOWER_PORT": str(port)}
    asking = [sys.executable, str(Path(__file__).parents[2] / "deploy/healthy.py"), "flower"]
    with running.server(tmp_path / "home", **given) as site, beside(site, "flower"):
        running.wait_until(
            lambda: subprocess.run(asking, env={"FLOWER_PORT": str(port)}, timeout=30).returncode == 0,
            within_s=120,
        )
        nobody = httpx2.get(f"http://127.0.0.1:{port}/workers")
        somebody = httpx2.get(f"http://127.0.0.1:{port}/workers", auth=("admin", TOKEN))

    assert (nobody.status_code, somebody.status_code) == (401, 200)


@pytest.mark.django_db
def test_a_database_with_hardly_a_connection_left_is_told_of(settings):
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("only PostgreSQL counts its connections so")
    settings.DATABASE_POOL = 1
    enough = next(connections.examined())
    settings.DATABASE_POOL = 100_000
    too_few = next(connections.examined())

    assert (enough.state, too_few.state) == ("fine", "doubtful")


@pytest.mark.parametrize("autovacuum", ["on", "off"])
def test_a_database_that_nobody_tidies_is_told_of(autovacuum, tmp_path):
    with cluster.cluster(autovacuum=autovacuum) as database:
        site = running.Server(tmp_path / "home", running.free_port(), {"DATABASE_URL": database.url()})
        found = examined(site)

    assert found.get(("database", "autovacuum is off: what grows becomes slow")) == (
        "doubtful" if autovacuum == "off" else None
    )
