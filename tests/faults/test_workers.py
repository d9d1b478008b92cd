"""Several web processes behind one address: one that dies is replaced, and all of them one after the other."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import make
import pytest
import running
import services
from faults import trial

MESSAGES = "/api/v1/conversation/messages"

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[running.Server]:
    """Two workers on PostgreSQL."""
    url = trial.database_url("postgresql")
    with running.scratch_database(url) as database:
        environment = {"DATABASE_URL": database, "REDIS_URL": services.url("Redis"), "BESEDKA_RATE_LIMITS": "off"}
        home = tmp_path / "home"
        home.mkdir()
        once = running.Server(home, running.free_port(), environment)
        once.start()  # migrates, and opens the shop
        once.stop()
        command = [running.BESEDKA, "web", "--workers", "2"]
        site = running.Server(home, running.free_port(), environment, command)
        try:
            site.start()
            yield site
        finally:
            site.stop()


def workers(site: running.Server) -> set[int]:
    """The processes that serve."""
    assert site.process is not None
    serving = set()
    for pid in Path(f"/proc/{site.process.pid}/task/{site.process.pid}/children").read_text().split():
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it has ended meanwhile
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                serving.add(int(pid))
    return serving


def until(holds, within_s=60.0):
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it never came so far"
        time.sleep(0.1)


def insist(site, text, token):
    """Say it with one id until it is taken."""
    body = {"text": text, "client_id": text}
    end, answer = time.monotonic() + 60, None
    while time.monotonic() < end:
        with contextlib.suppress(httpx2.HTTPError):
            answer = httpx2.post(site.url + MESSAGES, json=body, headers={"chat-token": token}, timeout=10)
            if answer.status_code in (200, 201):
                return
        time.sleep(0.05)
    raise AssertionError(f"it was never taken: {answer and answer.text}")


def test_workers_that_die_or_are_replaced_lose_nothing_and_double_nothing(site):
    token = make.token()
    before = workers(site)
    assert len(before) == 2

    insist(site, "one", token)
    os.kill(min(before), signal.SIGKILL)
    insist(site, "two", token)
    until(lambda: len(workers(site)) == 2 and min(before) not in workers(site))
    os.kill(site.process.pid, signal.SIGHUP)
    for number in range(20):
        insist(site, f"during-{number}", token)
    until(lambda: len(workers(site)) == 2 and not before & workers(site))
    insist(site, "last", token)

    log = httpx2.get(site.url + MESSAGES, headers={"chat-token": token}, timeout=30).json()["messages"]
    said = [message["text"] for message in log if message["author"] == "contact"]
    assert said == ["one", "two", *(f"during-{number}" for number in range(20)), "last"]


def test_sqlite_is_refused(tmp_path):
    environment = {"PATH": os.environ["PATH"], "BESEDKA_HOME": str(tmp_path)}

    refused = subprocess.run(
        [running.BESEDKA, "web"], env=environment, capture_output=True, text=True, check=False
    )

    assert refused.returncode == 1
    assert "SQLite is for one process" in refused.stderr
