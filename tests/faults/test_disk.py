"""A disk that does not keep what it is given: nothing is promised that is not on it."""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import make
import pytest
import running
from faults import trial
from faults.test_database_away import fill, post, small_disk

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

ROUNDS = 2
STRACE = ["strace", "--quiet=attach,exit", "--follow-forks", "--trace=fsync,fdatasync"]
FAILING = ["--inject=fsync,fdatasync:error=EIO", "--output=/dev/null"]
FILES = "/api/v1/conversation/files?name=note.txt"

__all__ = ["small_disk"]  # a fixture


@pytest.mark.xdist_group("disk-full")
def test_what_a_disk_does_not_take_is_not_promised_and_nothing_of_it_is_left(tmp_path):
    """Each sync of the disk fails; what was not synced must not have been answered with 201."""
    refused = []
    with running.server(tmp_path / "home", DATABASE_URL="") as site:

        async def fail_to_sync() -> None:
            for _ in range(ROUNDS):
                await asyncio.sleep(1)
                with nothing_synced(site):
                    refused.extend([await asyncio.to_thread(post, site, "hello") for _ in range(2)])
                await asyncio.sleep(1)
            site.kill()
            await asyncio.to_thread(site.start)

        people, broken = trial.visited(site, tmp_path, fail_to_sync)
        whole = site.select("PRAGMA integrity_check")

    assert broken == []
    assert [answer.status_code for answer in refused] == [503] * 2 * ROUNDS
    assert all("retry-after" in answer.headers for answer in refused)
    assert sum(visitor.retries for visitor in people) > 0
    assert whole == [("ok",)]


@pytest.mark.xdist_group("disk-full")
def test_a_file_that_finds_no_room_is_refused_and_may_come_again(small_disk):
    with running.server(small_disk / "home", DATABASE_URL="") as site:
        headers = {"chat-token": make.token(), "Content-Type": "text/plain"}
        httpx2.post(f"{site.url}/api/v1/conversation/handoff", headers=headers, timeout=60)
        fill(small_disk)
        refused = [send_file(site, headers) for _ in range(3)]
        alive = httpx2.get(f"{site.url}/health/", timeout=60)
        (small_disk / "ballast").unlink()
        running.wait_until(lambda: httpx2.get(f"{site.url}/health/ready/", timeout=60).status_code == 200)
        taken = send_file(site, headers)
        parts = [path for path in (site.home / "media").rglob("*") if path.is_file()]

    assert [answer.status_code for answer in refused] == [503] * 3
    assert all(answer.headers["retry-after"] for answer in refused)
    assert alive.status_code == 200
    assert taken.status_code == 201
    assert len(parts) == 1


def send_file(site: running.Server, headers: dict[str, str]) -> httpx2.Response:
    return httpx2.post(site.url + FILES, content=b"words " * 20_000, headers=headers, timeout=120)


@contextlib.contextmanager
def nothing_synced(site: running.Server) -> Iterator[None]:
    """Whatever this server wants to have on its disk, the disk fails."""
    assert site.process is not None
    command = [*STRACE, *FAILING, f"--attach={site.process.pid}"]
    tracing = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        running.wait_until(lambda: traced(site))
        yield
    finally:
        tracing.send_signal(signal.SIGINT)  # it lets go, and the disk is well
        tracing.communicate(timeout=60)


def traced(site: running.Server) -> bool:
    """Whether somebody stands between each of its threads and the system."""
    assert site.process is not None
    statuses = Path(f"/proc/{site.process.pid}/task").glob("*/status")
    return all("TracerPid:\t0" not in status.read_text() for status in statuses)
