"""Whether we live, and whether we can work. What strangers are told are words: no version, no path, no error."""

import threading
import time
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache

from besedka.conversations import leases
from besedka.problems import Unavailable
from besedka.web import disks
from besedka.web.problems import read_only, refuse

KEPT_S = 1.0  # that long an answer is good for whoever asks next
PATIENCE_S = 2.0  # a database that has not answered by then does not answer
TURN_LATE_S = 30  # since when somebody waits for a bot that nobody lets speak
FINE = ("ok", "off", "starting")
Parts = dict[str, str]


class _Look:
    """The last look at what is dear to look at; one at a time, however many ask."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.parts: Parts = {}
        self.at = -KEPT_S
        self.asking: threading.Thread | None = None  # the database, which may hang


_look = _Look()


@read_only
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """`/health/`: this process answers. It asks nobody."""
    return JsonResponse({"status": "ok"})


@read_only
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """`/health/ready/`: 200 while we can take messages, else 503; and how each part does, in a word.

    A part that does badly while messages are still taken makes us `degraded`, and nobody unready.
    """
    parts = parts_now()
    if why := why_not(parts):
        return refuse(Unavailable(why, **parts))
    parts |= {name: import_string(state)() for name, state in settings.HEALTH.items()}
    status = "ok" if all(word in FINE for word in parts.values()) else "degraded"
    return JsonResponse({"status": status, **parts})


def parts_now() -> Parts:
    """Database, migrations, turns, disk and signals, as of at most a second ago; within some three seconds."""
    with _look.lock:
        if time.monotonic() - _look.at >= KEPT_S:
            folders = {disks.existing(folder) for folder in disks.ours()}
            signals = "off"
            if settings.REDIS_URL:  # only who has one loads its client
                signals = import_string("besedka.conversations.relay.state")(settings.REDIS_URL)
            disk = disks.worst([disks.state(folder) for folder in folders])
            _look.parts = {**_database(), "disk": disk, "signals": signals}
            _look.at = time.monotonic()
        return dict(_look.parts)


def forget() -> None:
    """Look again, whenever the last look was."""
    with _look.lock:
        _look.at = -KEPT_S


def why_not(parts: Parts) -> str:
    """Why no message can be taken; "" where it can."""
    if parts["database"] != "ok":
        return "The database does not answer."
    if parts["migrations"] != "ok":
        return "The database is older than this program: it has to be migrated."
    if connection.vendor == "sqlite" and parts["disk"] in (disks.FULL, disks.READ_ONLY):
        return "The database cannot write to its disk."  # any other database has a disk of its own
    return ""


def _database() -> Parts:
    """What the database says, in a thread with a connection of its own: one that hangs must not hold us up."""
    if _look.asking is not None and _look.asking.is_alive():
        return {"database": "away"}
    said: Parts = {}
    _look.asking = threading.Thread(target=_ask, args=(said,), name="health", daemon=True)
    _look.asking.start()
    _look.asking.join(PATIENCE_S)
    return {"database": "away"} if _look.asking.is_alive() else said


def _ask(said: Parts) -> None:
    parts = {"database": "away"}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        migrated = _last_migrations() <= set(MigrationRecorder(connection).applied_migrations())
        parts = {"database": "ok", "migrations": "ok" if migrated else "missing"}
        if migrated:
            since = leases.oldest_due()
            late = since is not None and timezone.now() - since > timedelta(seconds=TURN_LATE_S)
            parts["turns"] = "late" if late else "ok"
    except Error:  # not only DatabaseError: a broken connection is an InterfaceError
        parts = {"database": "away"}
    finally:
        said.update(parts)
        connection.close()


@cache
def _last_migrations() -> frozenset[tuple[str, str]]:
    """The newest migration of each app, as this program has it."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())
