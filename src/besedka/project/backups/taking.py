"""Taking a backup of an installation that is being served."""

import contextlib
import importlib.metadata
import os
import re
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

from besedka import sealed
from besedka.conversations import restored
from besedka.problems import Unavailable
from besedka.project.backups import archive, files, mariadb, marking, postgresql, sqlite
from besedka.project.backups.archive import Told, Writer
from besedka.project.backups.refusals import Refused
from besedka.project.backups.snapshots import tables

VENDORS = {"sqlite": sqlite, "postgresql": postgresql, "mysql": mariadb}
HALF = timedelta(days=1)  # after which a half written backup is nobody's any more
CHECK = "besedka"  # sealed in the head, so that a restore knows whether it has the keys
_NAMED = re.compile(r"besedka-\d{8}T\d{6}Z\.tar")


class Taken(NamedTuple):
    """A backup that lies there, whole."""

    path: Path
    size: int
    counts: dict[str, int]
    files: int
    has_key: bool
    dropped: list[Path]  # older ones, which were to be kept no longer


def take(target: Path, *, keep: int | None, with_key: bool, told: Told) -> Taken:
    """Write a backup into this file, or into this folder under a name with the time. Raises `Refused`.

    It appears under its name when it is whole and on disk; until then, and where anything fails, what was there
    under that name stays. With `keep`, only so many of the newest in the folder stay.
    """
    now = timezone.now()
    folder, path = _place(target, now)
    part = path.with_name(f".{path.name}.part")
    scratch = path.with_name(f".{path.name}.sqlite3.part")
    try:
        _refuse_without_tables()
        folder.mkdir(parents=True, exist_ok=True)
        _forget_halves(folder, now)
        with _made(part) as file:
            head, manifest = _write(Writer(file, told), scratch, now, with_key=with_key)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sqlite.sync_folder(folder)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}. What was there before is as it was.") from None
    except Unavailable as refusal:
        raise Refused(refusal.detail) from None
    except Error as error:
        raise Refused(f"The database did not give all it has: {str(error).strip()}") from None
    dropped = _drop_old(folder, keep) if keep is not None else []
    return Taken(path, path.stat().st_size, manifest["counts"], manifest["files"], head["has_key"], dropped)


def own_key() -> Path | None:
    """The file with this installation's secret key; None where the environment gives one."""
    path = settings.HOME / archive.KEY
    if path.is_file() and path.read_text(encoding="ascii") == settings.SECRET_KEY:
        return path
    return None


def _write(
    writer: Writer, scratch: Path, now: datetime, *, with_key: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """First the files that are there, then the database, then the files that came since.

    A file is there before its row, so each row of the database has its file, unless that came and went in between.
    """
    key = own_key() if with_key else None
    head = {
        "format": archive.FORMAT,
        "product": importlib.metadata.version("besedka"),
        "vendor": connection.vendor,
        "has_key": key is not None,
        "check": sealed.seal(CHECK),
        "begun_at": now.isoformat(),
    }
    writer.add(archive.HEAD, archive.written(head))
    if key is not None:
        writer.add(archive.KEY, key.read_bytes())
    copied = set(_copy_files(writer, set()))
    taken_at = timezone.now()
    size = 0
    with VENDORS[connection.vendor].snapshot(scratch) as snapshot:
        for number, chunk in enumerate(snapshot.chunks):
            writer.add(f"database/{number:06}.z", zlib.compress(chunk))
            size += len(chunk)
    copied.update(_copy_files(writer, copied))
    manifest = {
        "taken_at": taken_at.isoformat(),
        "server": snapshot.server,
        "migrations": snapshot.migrations,
        "database_bytes": size,
        "counts": snapshot.counts,
        "files": len(copied),
        "erased": restored.erased_since(taken_at),  # meanwhile: they are still in the copy
    }
    writer.seal(manifest)
    return head, manifest


def _copy_files(writer: Writer, but: set[str]) -> Iterator[str]:
    for name in files.names():
        if name not in but and (data := files.content(name)) is not None:
            writer.add(f"media/{name}", data)
            yield name


def is_folder(target: Path) -> bool:
    """Whether backups go into it under names of ours: it is one, or nothing yet, and looks like one."""
    return target.is_dir() or not (target.suffix or target.exists())


def _place(target: Path, now: datetime) -> tuple[Path, Path]:
    target = target.absolute()
    if is_folder(target):
        return target, target / f"besedka-{now:%Y%m%dT%H%M%SZ}.tar"
    return target.parent, target


@contextlib.contextmanager
def _made(part: Path) -> Iterator[Any]:
    """A file for our eyes only; it is gone if anything fails."""
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _refuse_without_tables() -> None:
    if not tables():
        raise Refused("There is nothing to back up: the database is empty.")
    if connection.vendor != "sqlite" and marking.is_marked():
        raise Refused(marking.UNDER_WAY)


def _forget_halves(folder: Path, now: datetime) -> None:
    """What a backup left that was killed."""
    for half in folder.glob(".*.part"):
        with contextlib.suppress(FileNotFoundError):
            if half.stat().st_mtime < (now - HALF).timestamp():
                half.unlink()


def _drop_old(folder: Path, keep: int) -> list[Path]:
    named = sorted((path for path in folder.iterdir() if _NAMED.fullmatch(path.name)), reverse=True)
    for path in named[keep:]:
        path.unlink()
    return named[keep:]
