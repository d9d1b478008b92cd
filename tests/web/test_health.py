"""What whoever watches over an installation is told, with the faults themselves: nothing here is pretended."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import make
import pytest
from django.db import connection
from django.utils import timezone
from faults.disk import mounted

from besedka.web import disks, health


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
    with mounted(folder, 16):
        yield folder


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
