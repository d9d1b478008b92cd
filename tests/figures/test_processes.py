"""Several processes tell their figures in one folder; whoever dies is missed, and its place is taken again."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import running

from besedka.figures import processes

TELLS = """
import sys
from pathlib import Path
from besedka.figures import counted, processes
counted.TURNS.labels("answered").inc(float(sys.argv[2]))
with processes.telling(Path(sys.argv[1]), "worker"):
    print("here", flush=True)
    sys.stdin.read()
"""


@contextmanager
def worker(folder: Path, turns: int) -> Iterator["subprocess.Popen[str]"]:
    """A process that has answered so many turns, and tells so."""
    command = [sys.executable, "-c", TELLS, str(folder), str(turns)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        try:
            yield process
        finally:
            process.kill()


def answered() -> dict[str, float]:
    """Turns answered, by process, as we are told."""
    told = {}
    for line in processes.text().decode().splitlines():
        if line.startswith('besedka_turns_total{outcome="answered",process="'):
            name, _, value = line.partition('process="')[2].partition('"} ')
            told[name] = float(value)
    return told


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where we ourselves tell our figures, too."""
    with processes.telling(tmp_path, "web"):
        yield tmp_path


def test_one_is_asked_and_tells_the_figures_of_all(folder):
    with worker(folder, 3), worker(folder, 4):
        running.wait_until(lambda: answered().get("worker-1"))

        told = answered()

    assert {name: told[name] for name in ("worker-0", "worker-1")} == {"worker-0": 3, "worker-1": 4}


def test_a_process_that_is_killed_is_told_of_no_more_and_the_next_one_has_its_place(folder):
    with ExitStack() as living:
        first = living.enter_context(worker(folder, 3))
        living.enter_context(worker(folder, 4))
        running.wait_until(lambda: answered().get("worker-1"))
        first.kill()
        first.wait()

        after_its_death = answered()
        living.enter_context(worker(folder, 5))
        running.wait_until(lambda: answered().get("worker-0") == 5)

    assert "worker-0" not in after_its_death
    assert after_its_death["worker-1"] == 4


def test_one_that_hangs_is_told_of_with_the_age_of_its_figures(folder):
    with worker(folder, 3) as process:
        running.wait_until(lambda: answered().get("worker-0"))
        process.send_signal(signal.SIGSTOP)

        def age_s() -> float:
            told = processes.text().decode()
            return float(told.partition('besedka_figures_age_seconds{process="worker-0"} ')[2].split()[0])

        running.wait_until(lambda: age_s() > 2)

        assert answered()["worker-0"] == 3


def test_a_disk_that_takes_nothing_costs_the_figures_of_others_and_no_more(tmp_path):
    (tmp_path / "metrics").write_text("a file where the folder should be")

    with processes.telling(tmp_path / "metrics", "web"):
        told = processes.text().decode()

    assert 'process="this"' in told
