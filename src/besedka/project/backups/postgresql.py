"""PostgreSQL: pg_dump of a snapshot that we look at, too; pg_restore in one transaction."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.db import connection, transaction

from besedka.project.backups import marking, tools
from besedka.project.backups.archive import CHUNK
from besedka.project.backups.refusals import Refused
from besedka.project.backups.snapshots import Snapshot, counts, live, migrations, tables

PACKAGE = "postgresql-client"
PATIENT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)
# Connections that a pooler keeps for nobody stay idle; whoever serves asks for something every second.
BUSY = (
    "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend' AND (state <> 'idle' OR state_change > now() - interval '5 seconds')"
)


@contextlib.contextmanager
def snapshot(scratch: Path) -> Iterator[Snapshot]:
    """The database as it is now. Nobody waits for it; `scratch` is not needed."""
    program = tools.find("pg_dump", package=PACKAGE)
    server = server_version()
    if tools.major_version(program) < server:
        raise Refused(
            f"{program} is of version {tools.major_version(program)}, the server of {server}: "
            f"install {PACKAGE}-{server}."
        )
    with transaction.atomic():
        with connection.cursor() as cursor:
            for statement in PATIENT:
                cursor.execute(statement)
        [(name,)] = live("SELECT pg_export_snapshot()")
        command = [program, "--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--no-comments"]
        command += [f"--snapshot={name}", *(f"--table={table}" for table in tables())]
        known, counted = migrations(live), counts(live)
        with tools.reading(command, _surroundings()) as output:
            yield Snapshot(iter(lambda: output.read(CHUNK), b""), known, str(server), counted)


def refuse_where_somebody_is() -> None:
    """Nobody else works with the database. Raises `Refused`."""
    if live(BUSY) != [(0,)]:
        raise Refused("Somebody works with the database: stop web, workers, beat and Telegram first.")


@contextlib.contextmanager
def loaded(chunks: Iterable[bytes]) -> Iterator[None]:
    """The tables are those of the backup, in one transaction; until the end nobody can start on them."""
    program = tools.find("pg_restore", package=PACKAGE)
    with marking.marked():
        drop()
        connection.close()
        command = [program, "--single-transaction", "--no-owner", "--no-privileges", "--exit-on-error"]
        tools.feed([*command, f"--dbname={connection.settings_dict['NAME']}"], _surroundings(), chunks)
        yield


def drop() -> None:
    """None of our tables is there any more."""
    found = tables()
    if found:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {', '.join(found)} CASCADE")


def server_version() -> int:
    """The first number of the version of the server."""
    connection.ensure_connection()
    return int(connection.get_database_version()[0])


def _surroundings() -> dict[str, str]:
    """Where the database is, for libpq: a command line would show the password to everybody on this machine."""
    known = connection.settings_dict
    named = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    places = {name: str(known[key]) for name, key in named.items() if known.get(key)}
    return {**places, **_tls(known.get("OPTIONS") or {})}


def _tls(options: dict[str, object]) -> dict[str, str]:
    return {f"PG{name.upper()}": str(options[name]) for name in options if name.startswith("ssl")}
