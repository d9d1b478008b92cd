"""Database and disks: whether they are there, new enough, in time, and keep what they are given."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import Error, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from besedka.media import store
from besedka.project import databases
from besedka.project.doctor import connections
from besedka.project.doctor.findings import Finding, doubtful, fine, told, wrong
from besedka.web import disks

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MySQL or MariaDB"}
AWRY_S = 2  # between two clocks
SETTLED = datetime(2025, 1, 1, tzinfo=UTC)  # a clock that says less was never set


def database() -> Iterator[Finding]:
    """It answers, is one that we know, has our tables, takes what we write, and keeps it."""
    began = time.monotonic()
    databases.leave_pool()
    try:
        connection.ensure_connection()
        took_ms = (time.monotonic() - began) * 1000
        version = ".".join(map(str, connection.get_database_version()))
        yield fine("database", f"{NAMES[connection.vendor]} {version} answers in {took_ms:.0f} ms")
        connection.check_database_version_supported()
        if connection.vendor == "postgresql":
            yield from connections.examined()
        yield from _durability()
        missing = list(_missing_migrations())
        yield from missing or [fine("migrations", "all of them are applied")]
        if not missing:
            yield from _written()
        yield from _clock()
    except Error as error:
        yield wrong("database", told(error), "Look at DATABASE_URL, and whether the database runs and lets us in.")
    except Exception as error:  # Django has an exception of its own for versions that it does not know
        yield wrong("database", told(error), "Use a version that this program supports.")


def folders() -> Iterator[Finding]:
    """Our folders take what we write, and have room."""
    for there in dict.fromkeys(disks.existing(folder) for folder in disks.ours()):
        state = disks.state(there)
        free = f"{shutil.disk_usage(there).free / 1e9:.1f} GB free at {there}"
        if state == disks.OK:
            yield fine("disk", free)
        elif state == disks.READ_ONLY:
            yield wrong(
                "disk", f"we cannot write to {there}", "Give this account the right to, or mount it writable."
            )
        else:
            grave = wrong if state == disks.FULL else doubtful
            yield grave("disk", free, "Make room, or move BESEDKA_HOME to a larger disk.")


def bucket() -> Iterator[Finding]:
    """Files on S3: it answers, and takes what we write."""
    if not settings.S3_BUCKET:
        return
    where = f"{settings.S3_BUCKET} at {settings.S3_ENDPOINT or 'Amazon'}"
    match store.state(patience_s=30):
        case "ok":
            yield fine("files", f"the bucket {where} takes what we write")
        case "refused":
            advice = "Look at BESEDKA_S3_KEY, its secret, the region, and what that key may do in the bucket."
            yield wrong("files", f"the bucket {where} does not let us write", advice)
        case _:
            yield wrong(
                "files", f"the bucket {where} does not answer", "Look at BESEDKA_S3_ENDPOINT and the network."
            )


def _missing_migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    plan = executor.migration_plan(graph.leaf_nodes())
    if plan:
        yield wrong("migrations", f"{len(plan)} are missing", "besedka manage migrate (besedka run does it, too)")
    apps = {app for app, _ in executor.loader.disk_migrations}
    known = set(executor.loader.disk_migrations)
    newer = [name for name in executor.loader.applied_migrations if name[0] in apps and name not in known]
    if newer:
        yield wrong("migrations", f"a newer version was here: {newer[0][0]}.{newer[0][1]}", "Start that version.")


def _written() -> Iterator[Finding]:
    key = "besedka-doctor"
    with transaction.atomic():
        Session.objects.create(session_key=key, session_data="", expire_date=timezone.now())
        written = Session.objects.filter(session_key=key).exists()
        transaction.set_rollback(True)
    if written:
        yield fine("database", "it takes what we write")


def _durability() -> Iterator[Finding]:
    """Whether what was answered with 201 survives that the machine loses power, and every character is kept."""
    if connection.vendor == "sqlite":
        yield _is("journal_mode", _asked("PRAGMA journal_mode"), ("wal",))
        yield _is("synchronous", _asked("PRAGMA synchronous"), ("2", "3"))
    elif connection.vendor == "postgresql":
        for name in ("fsync", "full_page_writes"):
            yield _is(name, _asked(f"SHOW {name}"), ("on",))
        yield _is("synchronous_commit", _asked("SHOW synchronous_commit"), ("on", "remote_write", "remote_apply"))
        yield _is("server_encoding", _asked("SHOW server_encoding"), ("UTF8",))
    else:
        yield _is("innodb_flush_log_at_trx_commit", _asked("SELECT @@innodb_flush_log_at_trx_commit"), ("1",))
        yield _is("character_set_database", _asked("SELECT @@character_set_database"), ("utf8mb4",))


def _is(name: str, found: str, wanted: tuple[str, ...]) -> Finding:
    if found in wanted:
        return fine("database", f"{name} is {found}")
    return wrong("database", f"{name} is {found}", f"Set it to {wanted[0]}: messages could be lost or damaged.")


def _asked(question: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(question)
        [found] = cursor.fetchone() or ("unknown",)
    return str(found).removeprefix("b'")


def _clock() -> Iterator[Finding]:
    """Our clock was set, and goes with the database's: leases and invitations are held by time."""
    now = datetime.now(UTC)
    asked = {
        "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
        "mysql": "SELECT unix_timestamp(sysdate(6))",
    }.get(connection.vendor)
    if now < SETTLED:
        yield wrong("clock", f"it says {now:%Y-%m-%d}", "Set this machine's clock; let NTP keep it.")
    elif asked is not None and abs(awry_s := float(_asked(asked)) - now.timestamp()) > AWRY_S:
        advice = "Let NTP keep both machines' clocks."
        yield doubtful("clock", f"the database's is {awry_s:+.0f} s from ours", advice)
    else:
        yield fine("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")
