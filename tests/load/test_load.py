"""The short form of `make load`: everybody at once on a scaled installation, and the books compared.

What is asked here is that nothing is lost, doubled or out of order and that no error comes which nobody promised.
How fast it is says the long form, on a machine that does nothing else.
"""

import json
import os
import subprocess
import sys

import pytest
import running
import services
from faults import trial

LOAD = running.ROOT / "benchmarks" / "load.py"
SHORT = [
    "--minutes",
    "0.25",
    "--ramp",
    "3",
    "--rate",
    "8",
    "--wishes",
    "0.05",
    "--operators",
    "2",
    "--phones",
    "1",
]
FEW = "legacy=10,after=10,socket=15,stream=5"
TALKED = 30  # messages at the least: less is a load of nothing

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900), pytest.mark.xdist_group("load")]


@pytest.mark.parametrize("broker", ["none", "redis"])
def test_everybody_at_once_loses_nothing_and_doubles_nothing(broker, tmp_path):
    environment = {**os.environ, "BESEDKA_TEST_POSTGRESQL": trial.database_url("postgresql")}
    redis = services.url("Redis")
    command = [sys.executable, str(LOAD), *SHORT, "--visitors", FEW, "--redis", redis, "--folder", str(tmp_path)]
    command += ["--broker", redis if broker == "redis" else "none"]

    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert finished.returncode == 0, finished.stdout + finished.stderr
    report = json.loads((tmp_path / "load.json").read_text())
    assert report["books"]["promised"] >= TALKED
    assert report["books"]["stored"] > report["books"]["promised"]  # the bots have answered
    assert (tmp_path / "load.png").stat().st_size > 10_000
