"""The processes of a scaled installation that serve nobody directly: worker, beat and Flower."""

import os
from collections.abc import Sequence

from django.conf import settings

from besedka.project import loops, sentry, telling, working
from besedka.project.celery import DELIVERIES, TURNS, app


def serve_worker(queues: Sequence[str], *, threads: int) -> None:
    """Work until we are told to stop; what was begun is finished first."""
    sentry.begin()
    life = loops.working(turns=TURNS in queues, deliveries=DELIVERIES in queues)
    with telling.figures("worker", port=settings.METRICS_PORT), working.at_work(life):
        app.worker_main(
            [
                "worker",
                f"--queues={','.join(queues)}",
                "--pool=threads",
                f"--concurrency={threads}",
                f"--hostname={'-'.join(queues)}-{os.getpid()}@%h",
                "--without-gossip",
                "--without-mingle",
                "--loglevel=WARNING",
            ]
        )


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
