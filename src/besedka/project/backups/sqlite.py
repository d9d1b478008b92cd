"""SQLite: its online backup in one reading transaction: writers go on, and the copy is of one moment."""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.db import connection

from besedka.project.backups.archive import CHUNK
from besedka.project.backups.refusals import Refused
from besedka.project.backups.snapshots import Snapshot, counts, migrations

PAGES = 2_000  # copied between two looks whether somebody wants us to stop


@contextlib.contextmanager
def snapshot(scratch: Path) -> Iterator[Snapshot]:
    """The database as it is now; `scratch` is a name for a copy of it, which is gone in the end."""
    try:
        _copy(Path(connection.settings_dict["NAME"]), scratch)
        with contextlib.closing(sqlite3.connect(scratch)) as copied:

            def ask(question: str) -> list[tuple[object, ...]]:
                return copied.execute(question).fetchall()

            known = migrations(ask)
            counted = counts(ask)
        yield Snapshot(_chunks(scratch), known, sqlite3.sqlite_version, counted)
    finally:
        scratch.unlink(missing_ok=True)


def refuse_where_somebody_is() -> None:
    """Nobody else has the database open: only then it can be taken out of WAL. Raises `Refused`."""
    path = Path(connection.settings_dict["NAME"])
    connection.close()
    if not path.exists():
        return
    with contextlib.closing(sqlite3.connect(path, timeout=1)) as database:
        try:
            database.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError:
            raise Refused(f"Somebody works with {path}: stop the server first.") from None


@contextlib.contextmanager
def loaded(chunks: Iterable[bytes]) -> Iterator[None]:
    """Within, the connection is to the new database; when that went well, it takes the old one's place.

    Before that moment nothing has changed, whatever happens; after it everything has.
    """
    path = Path(connection.settings_dict["NAME"])
    staged = path.with_name(f"{path.name}.restoring")
    path.parent.mkdir(parents=True, exist_ok=True)
    forget(staged)
    try:
        with staged.open("xb") as file:
            file.writelines(chunks)
        connection.close()
        connection.settings_dict["NAME"] = str(staged)
        try:
            yield
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
            connection.settings_dict["NAME"] = str(path)
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        forget(path, but_not_itself=True)  # a journal of the old one is none of the new one
        staged.replace(path)
        sync_folder(path.parent)
    except BaseException:
        forget(staged)
        raise


def sync_folder(folder: Path) -> None:
    """Names in this folder are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(path: Path, to: Path) -> None:
    to.unlink(missing_ok=True)
    to.touch(mode=0o600)
    with (
        contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=20)) as source,
        contextlib.closing(sqlite3.connect(to)) as target,
    ):
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")
        source.isolation_level = None
        source.execute("BEGIN")  # reading: what others write from now on is not for us, and does not start us anew
        source.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        source.backup(target, pages=PAGES, sleep=0)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def forget(path: Path, *, but_not_itself: bool = False) -> None:
    """A database is gone, with the journals beside it."""
    for ending in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    if not but_not_itself:
        path.unlink(missing_ok=True)
