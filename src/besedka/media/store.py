"""Bytes under names: written to stay, read, removed, listed; wherever the settings say that they lie.

Names are ours and never used again. What cannot be done right now is `Unavailable`, and can be done later.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from besedka.media.folder import Folder
from besedka.problems import Unavailable

if TYPE_CHECKING:  # S3's client takes a second and 30 MB: only who has a bucket pays
    from besedka.media.bucket import Bucket


def write(name: str, data: bytes) -> None:
    """All of it is stored under this name, and to stay. Raises `Unavailable`; then it is not there."""
    with _told("The file cannot be stored right now"):
        default_storage.save(name, ContentFile(data))


def opened(name: str) -> "File[Any]":
    """The file, whole, at its beginning; the caller closes it. Raises `FileNotFoundError`, `Unavailable`."""
    with _told("The file cannot be read right now"):
        return default_storage.open(name)


def read(name: str) -> bytes:
    """What is in the file. Raises `FileNotFoundError`, `Unavailable`."""
    with opened(name) as file, _told("The file cannot be read right now"):
        return bytes(file.read())


def remove(name: str) -> bool:
    """It is gone; false where we know that it was already. Raises `Unavailable`."""
    path = place(name)
    with _told("The file cannot be removed right now"):
        if path is None:
            default_storage.delete(name)
            return True
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            return True
    return False


def place(name: str) -> Path | None:
    """Where the file would lie on this machine; None where files lie elsewhere."""
    store = _store()
    return store.place(name) if isinstance(store, Folder) else None


def stored(prefix: str) -> Iterator[tuple[str, float]]:
    """The names in the folder `prefix`, and the second since 1970 in which each was written; a page at a time.

    Raises `Unavailable`.
    """
    with _told("The files cannot be listed right now"):
        yield from _store().stored(prefix)


def state(patience_s: float = 2.0) -> str:
    """How S3 does: `ok`, `away`, or `refused`: it does not let us write. What takes longer is away."""
    store = _store()
    return "ok" if isinstance(store, Folder) else store.state(patience_s)


def _store() -> "Folder | Bucket":
    return cast("Folder | Bucket", default_storage)


@contextlib.contextmanager
def _told(sentence: str) -> Iterator[None]:
    """What a disk refuses, in our words; that there is no such file is another matter."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unavailable(f"{sentence}: {error.strerror}.") from error
