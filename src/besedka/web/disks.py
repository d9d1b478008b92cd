"""The disks that we write to: how much room there is, and whether they take what we write."""

import contextlib
import errno
import os
import shutil
from pathlib import Path

from django.conf import settings

OK = "ok"
LOW = "low"  # somebody should look at it today
FULL = "full"
READ_ONLY = "read_only"
LOW_BYTES = 500_000_000
FULL_BYTES = 8_000_000  # less is gone with the next checkpoint of a database
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def state(folder: Path) -> str:
    """One of the words above. A few bytes are written and removed again."""
    there = existing(folder)
    try:
        free = shutil.disk_usage(there).free
        _try_to_write(there)
    except OSError as error:
        return FULL if error.errno in NO_ROOM else READ_ONLY
    if free < FULL_BYTES:
        return FULL
    return LOW if free < LOW_BYTES else OK


def ours() -> list[Path]:
    """The folders that we write to: our home, and that of people's files unless these lie elsewhere."""
    return [settings.HOME] if settings.S3_BUCKET else [settings.HOME, settings.MEDIA_ROOT]


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there: it is made when it is first needed."""
    return next(one for one in (folder, *folder.parents) if one.is_dir())


def worst(states: list[str]) -> str:
    """The word of the disk that does worst."""
    return next(word for word in (READ_ONLY, FULL, LOW, OK) if word in states)


def _try_to_write(folder: Path) -> None:
    probe = folder / f".besedka-{os.getpid()}"
    try:
        probe.write_bytes(bytes(4096))
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
