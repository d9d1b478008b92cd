"""How soon after the commit a turn begins: in the web process itself, and through Celery over each broker.

From the commit of the message, whose time a PostgreSQL of our own keeps, to the claim of its turn; few enough
messages that none waits for another.
"""

import os
from typing import Any

import load
import load_report
import services
from faults import cluster  # the tests know how to run a PostgreSQL

REDIS = os.environ.get("BESEDKA_BENCH_BROKER", "redis://127.0.0.1:6379/8")  # a database that nobody else uses
BROKERS = {
    "the web process itself": "none",
    "Celery over Redis": REDIS,
    "Celery over RabbitMQ": services.address("RabbitMQ"),
}


def measure(broker: str, postgresql: str, *, seconds: float, rate: float = 20.0) -> dict[str, float]:
    """The figures of one run at this rate; nothing may be lost on the way."""
    arguments = ["--minutes", str(seconds / 60), "--rate", str(rate), "--visitors", "after=100", "--ramp", "3"]
    arguments += ["--wishes", "0", "--operators", "0", "--phones", "0", "--web", "1", "--broker", broker]
    arguments += ["--postgresql", postgresql]
    measured = load.run(load.options_of(arguments))
    found = load_report.figures(measured)
    if measured.verdict.broken or measured.errors:
        raise RuntimeError(f"{measured.verdict} {measured.errors}")
    return found


def run(*, seconds: float = 20.0) -> dict[str, dict[str, Any]]:
    """p50, p95 and p99 in milliseconds by the way that the turn is begun."""
    with cluster.cluster(track_commit_timestamp="on", shared_buffers="128MB", max_wal_size="1GB") as database:
        return {name: _start(measure(broker, database.url(), seconds=seconds)) for name, broker in BROKERS.items()}


def _start(found: dict[str, float]) -> dict[str, float]:
    return {part: found[f"start_of_a_turn_{part}_ms"] for part in ("p50", "p95", "p99")}
