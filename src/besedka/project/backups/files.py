"""What people sent: in a backup under the names of the store, which are the same in a folder and elsewhere."""

import re
from collections.abc import Iterable, Iterator

from besedka.media import store

FOLDERS = ("files", "ads")
_OURS = re.compile(r"files/[0-9a-f]{2}/[0-9a-f]{32}|ads/[0-9a-f]{32}(?:-small)?\.webp")


def names() -> Iterator[str]:
    """All files that the store has, as files/ab/abcd… and ads/abcd….webp; half written ones are none."""
    for folder in FOLDERS:
        yield from (name for name, _ in store.stored(folder) if _OURS.fullmatch(name))


def content(name: str) -> bytes | None:
    """The bytes; None where it went meanwhile."""
    try:
        return store.read(name)
    except FileNotFoundError:
        return None


def put_all(files: Iterable[tuple[str, bytes]]) -> None:
    """The store has these. Names are random and a file is there whole or not at all: what is there is it."""
    there = set(names())
    for name, data in files:
        if name in there:
            continue
        if store.place(name) is not None:
            store.remove(f"{name}.part")  # half of it, of a restore that was killed
        store.write(name, data)


def attachment(key: str) -> str:
    """The name of the file of a message."""
    return f"files/{key[:2]}/{key}"


def picture(name: str) -> str:
    """The name of this file of an ad's picture."""
    return f"ads/{name}"
