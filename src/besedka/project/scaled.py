"""The processes of a scaled installation that serve nobody directly: worker, beat and Flower."""

import logging
import os
import sys
import time
from collections.abc import Sequence

from celery import signals
from django.conf import settings

from besedka.project import loops, sentry, telling, working
from besedka.project.celery import DELIVERIES, TURNS, app

BORN_S = 5  # whoever fails sooner than that after the start was told something wrong
AGAIN_S = 1

logger = logging.getLogger(__name__)


def serve_worker(queues: Sequence[str], *, threads: int) -> None:
    """Work until we are told to stop; what was begun is finished first. Exits with 1 where that failed.

    Celery gives up where an error meets it while it lets go of a broker that is lost; then it is begun again.
    """
    sentry.begin()
    told: list[str] = []
    codes = [0]
    signals.worker_shutting_down.connect(lambda sig, **_: told.append(sig), weak=False)
    signals.worker_shutdown.connect(lambda sender, **_: codes.append(sender.exitcode), weak=False)
    arguments = [
        "worker",
        f"--queues={','.join(queues)}",
        "--pool=threads",
        f"--concurrency={threads}",
        f"--hostname={'-'.join(queues)}-{os.getpid()}@%h",
        "--without-gossip",
        "--without-mingle",
        "--loglevel=WARNING",
    ]
    born = time.monotonic()
    life = loops.working(turns=TURNS in queues, deliveries=DELIVERIES in queues)
    with telling.figures("worker", port=settings.METRICS_PORT), working.at_work(life):
        while True:
            app.worker_main(arguments)
            if not codes[-1] or told or time.monotonic() - born < BORN_S:
                break
            logger.warning("Celery has given up and begins again; meanwhile sweeps find what is due")
            time.sleep(AGAIN_S)
    if codes[-1]:
        sys.exit(codes[-1])


def serve_beat() -> None:
    """Tick until we are told to stop, while no other beat does."""
    sentry.begin()
    life = loops.working(turns=False, deliveries=False)
    with telling.figures("beat", port=settings.METRICS_PORT), working.at_work(life):
        app.Beat(loglevel="WARNING", quiet=True).run()


def serve_flower() -> None:
    """Show workers and tasks until we are told to stop. The password is on no command line."""
    app.start(
        [
            "flower",
            f"--address={settings.FLOWER_HOST}",
            f"--port={settings.FLOWER_PORT}",
            f"--basic-auth={settings.FLOWER_USER}:{settings.FLOWER_PASSWORD}",
        ]
    )
