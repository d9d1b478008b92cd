"""MariaDB and MySQL: their dump in one transaction, which nobody waits for, and their client to read it again."""

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from django.db import connection

from besedka.project.backups import marking, tools
from besedka.project.backups.archive import CHUNK
from besedka.project.backups.refusals import Refused
from besedka.project.backups.snapshots import Snapshot, live, migrations, modelled, tables

PACKAGE = "mariadb-client"
OPTIONS = ("--single-transaction", "--quick", "--hex-blob", "--no-tablespaces", "--skip-lock-tables")
UTF8 = "--default-character-set=utf8mb4"
OTHERS = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
_INTO = re.compile(rb"INSERT INTO `([a-z0-9_]+)`")


@contextlib.contextmanager
def snapshot(scratch: Path) -> Iterator[Snapshot]:
    """The database as it is now. `scratch` is not needed."""
    program = tools.find("mariadb-dump", "mysqldump", package=PACKAGE)
    connection.ensure_connection()
    server = ".".join(map(str, connection.get_database_version()))
    counted = dict.fromkeys(modelled(), 0)
    command = [program, *OPTIONS, UTF8, *_place(), _name(), *tables()]
    with tools.reading(command, _surroundings()) as output:
        yield Snapshot(_chunks(output, counted), migrations(live), server, counted)


def refuse_where_somebody_is() -> None:
    """Nobody else works with the database. Raises `Refused`."""
    [(others,)] = live(OTHERS)
    if others:
        raise Refused("Somebody works with the database: stop web, workers, beat and Telegram first.")


@contextlib.contextmanager
def loaded(chunks: Iterable[bytes]) -> Iterator[None]:
    """The tables are those of the backup. They are made one by one; until the end nobody can start on them."""
    program = tools.find("mariadb", "mysql", package=PACKAGE)
    with marking.marked():
        drop()
        connection.close()
        # Binary: what stands in a text is no command of the client.
        tools.feed([program, "--binary-mode", UTF8, *_place(), _name()], _surroundings(), chunks)
        yield


def _chunks(output: IO[bytes], counted: dict[str, int]) -> Iterator[bytes]:
    """The dump in pieces. Its rows are counted on the way, where each has a line: MySQL writes many into one."""
    table, rows, plain = "", Counter[str](), True
    gathered, size = [], 0
    for line in output:
        if line.startswith(b"("):
            rows[table] += 1
        elif into := _INTO.match(line):
            table = into[1].decode()
            plain = plain and line.endswith(b"VALUES\n")
        gathered.append(line)
        size += len(line)
        if size >= CHUNK:
            yield from _cut(b"".join(gathered))
            gathered, size = [], 0
    yield from _cut(b"".join(gathered))
    if plain:
        counted.update({name: rows[name] for name in counted})
    else:
        counted.clear()


def _cut(data: bytes) -> Iterator[bytes]:
    """A line may be long: one text has up to 4 GB there."""
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def drop() -> None:
    """None of our tables is there any more."""
    with connection.cursor() as cursor:
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        for name in tables():
            cursor.execute(f"DROP TABLE {name}")
        cursor.execute("SET FOREIGN_KEY_CHECKS = 1")


def _name() -> str:
    return str(connection.settings_dict["NAME"])


def _place() -> list[str]:
    known = connection.settings_dict
    named = {"host": "HOST", "port": "PORT", "user": "USER"}
    return [f"--{name}={known[key]}" for name, key in named.items() if known.get(key)]


def _surroundings() -> dict[str, str]:
    """A command line would show the password to everybody on this machine."""
    password = connection.settings_dict.get("PASSWORD")
    return {"MYSQL_PWD": str(password)} if password else {}
