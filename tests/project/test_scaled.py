"""Commands of a scaled installation say what they lack."""

import os
import subprocess

import pytest
import running

POSTGRESQL = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
BROKER = {"CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}


def refused(tmp_path, *arguments, **environment):
    """What a command says that ends at once."""
    done = subprocess.run(
        [running.BESEDKA, *arguments],
        env={"PATH": os.environ["PATH"], "BESEDKA_HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_sqlite_is_for_one_process(command, tmp_path):
    assert "SQLite is for one process" in refused(tmp_path, command, **BROKER)


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_without_a_broker_there_is_nothing_to_do(command, tmp_path):
    assert "CELERY_BROKER_URL is not set" in refused(tmp_path, command, **POSTGRESQL)


def test_a_queue_that_nobody_sends_to_is_not_served(tmp_path):
    said = refused(tmp_path, "worker", "--queues", "turns,letters", **POSTGRESQL, **BROKER)

    assert said == "There is no queue 'letters'.\n"


@pytest.mark.parametrize("nice", ["-1", "20"])
def test_a_worker_is_never_more_urgent_than_others(nice, tmp_path):
    assert refused(tmp_path, "worker", "--nice", nice, **POSTGRESQL, **BROKER) == "--nice is 0 to 19.\n"


@pytest.mark.parametrize("password", ["", "short"])
def test_flower_does_not_start_without_a_password_that_is_one(password, tmp_path):
    said = refused(tmp_path, "flower", FLOWER_PASSWORD=password, **POSTGRESQL, **BROKER)

    assert said == "FLOWER_PASSWORD has to have 12 characters at least.\n"
