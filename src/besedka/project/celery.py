"""Celery, as a scaled installation uses it: tasks are signals, and what is to be done stands in the database.

So nothing here has to be durable or exactly once: a task that is lost is found by a sweep, one that comes twice
finds nothing to do, and one that is late finds it done.
"""

import os
from typing import Any

import django
from celery import Celery, signals
from django.apps import apps
from django.conf import settings

# `celery -A besedka.project.celery` begins here; `besedka worker` has set Django up before.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "besedka.project.settings")
if not apps.ready:
    django.setup()

from besedka import about
from besedka.knowledge.tasks import import_source
from besedka.project import housekeeping, installation, working
from besedka.telegram.tasks import deliver
from besedka.turns.tasks import run_turns

TURNS, DELIVERIES, MAINTENANCE = QUEUES = ("turns", "deliveries", "maintenance")
EXPIRES_S = 60  # a signal that nobody took by then is no news: sweeps have seen to it
CONNECT_S = 2  # until a broker that does not answer is away

app = Celery("besedka", broker=settings.CELERY_BROKER_URL, set_as_current=True)
app.conf.update(
    task_default_queue=MAINTENANCE,
    # Turns are told and not confirmed: that would take as long as beginning them, and sweeps find what is lost.
    task_queues={name: {"exchange": name, "routing_key": name, "no_ack": name == TURNS} for name in QUEUES},
    task_routes={run_turns.name: TURNS, deliver.name: DELIVERIES, import_source.name: MAINTENANCE},
    task_default_delivery_mode="transient",  # a broker need not write a signal to its disk
    task_ignore_result=True,
    task_acks_late=True,  # elsewhere a worker that dies gives back what it had
    task_reject_on_worker_lost=True,
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,  # what one worker has no thread for is another's
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,  # they hold a lease, and go on
    broker_connection_timeout=CONNECT_S,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # for ever
    broker_transport_options={
        "visibility_timeout": settings.CELERY_VISIBILITY_TIMEOUT,
        "socket_connect_timeout": CONNECT_S,
        "socket_timeout": 5 * CONNECT_S,  # more than a worker waits for a task at a stretch
        "socket_keepalive": True,
        "health_check_interval": 10,
        "global_keyprefix": f"besedka:{installation.name()}:",
    },
    beat_scheduler="besedka.project.beat:OneLeader",
    beat_schedule={
        name: {
            "task": "besedka.project.tidy",
            "schedule": job.period_s,
            "args": (name,),
            "options": {"expires": max(job.period_s, 10)},
        }
        for name, job in housekeeping.JOBS.items()
    },
)


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def keep_logging(**_: Any) -> None:
    """Logs look as the settings say, here as everywhere; that this listens is what tells Celery so."""


@signals.task_prerun.connect  # type: ignore[untyped-decorator]
def name_task(task_id: str = "", **_: Any) -> None:
    """Lines of this task, and of what it begins, say so."""
    about.note(task=task_id)


@app.task(name="besedka.project.tidy")  # type: ignore[untyped-decorator]
def tidy(name: str) -> None:
    """Do one piece of housekeeping now. An unknown one is of another release's beat, and is left alone."""
    if job := housekeeping.JOBS.get(name):
        working.do(job)
