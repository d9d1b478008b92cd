"""Commands that serve: each of them is a process, until it is told to stop."""

import argparse
import importlib
import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.db import connection

from besedka.cli.saying import complain
from besedka.project import serve
from besedka.project.backups import marking
from besedka.project.doctor.scaled import SHORTEST


def run(options: argparse.Namespace) -> int:
    """Migrate, and serve everything in one process."""
    serve.make_ready()
    serve.serve()
    return 0


def prepare(options: argparse.Namespace) -> int:
    """Migrate, and make what a first start finds."""
    serve.prepare()
    return 0


def web(options: argparse.Namespace) -> int:
    """Serve in several processes."""
    if connection.vendor == "sqlite":
        return complain(
            "SQLite is for one process, `besedka run`: DATABASE_URL has to name PostgreSQL or MariaDB."
        )
    if options.workers < 1:
        return complain("--workers is 1 at least.")
    if options.workers > 1 and not settings.REDIS_URL:
        complain("REDIS_URL is not set: what one process stores, readers at the others see a second later.")
    serve.serve(workers=options.workers)
    return 0


def telegram(options: argparse.Namespace) -> int:
    """Talk to people in Telegram, apart from who serves."""
    if not settings.TELEGRAM_BOT_TOKEN:
        return complain("TELEGRAM_BOT_TOKEN is not set.")
    serve.serve_telegram()
    return 0


def worker(options: argparse.Namespace) -> int:
    """Run turns, send and keep house, less urgently than those who answer requests on this machine."""
    queues = [queue.strip() for queue in options.queues.split(",")]
    unknown = set(queues) - {"turns", "deliveries", "maintenance"}
    if unknown or options.threads < 1:
        return complain(f"There is no queue {min(unknown)!r}." if unknown else "--threads is 1 at least.")
    if options.nice not in range(20):
        return complain("--nice is 0 to 19.")
    os.nice(options.nice)
    return _with_a_broker(lambda scaled: scaled.serve_worker(queues, threads=options.threads))


def beat(options: argparse.Namespace) -> int:
    """Say when it is time to keep house."""
    return _with_a_broker(lambda scaled: scaled.serve_beat())


def flower(options: argparse.Namespace) -> int:
    """Show workers and tasks."""
    if len(settings.FLOWER_PASSWORD) < SHORTEST:
        return complain(f"FLOWER_PASSWORD has to have {SHORTEST} characters at least.")
    return _with_a_broker(lambda scaled: scaled.serve_flower())


def _with_a_broker(serve: Callable[[Any], None]) -> int:
    """Serve, where there is what it takes."""
    if connection.vendor == "sqlite":
        return complain(
            "SQLite is for one process, `besedka run`: DATABASE_URL has to name PostgreSQL or MariaDB."
        )
    if not settings.CELERY_BROKER_URL:
        return complain("CELERY_BROKER_URL is not set; without a broker `besedka web` does all of it.")
    if find_spec("celery") is None or find_spec("flower") is None:
        return complain("Celery is not installed: pip install 'besedka[scale]'")
    marking.refuse_half_restored()
    serve(importlib.import_module("besedka.project.scaled"))
    return 0
