"""A backup is one file: a tar of parts whose names are known, in which no bit can change unseen.

First comes the head (what this is), last the manifest (every part with its size and digest) and the seal: the
digest of all bytes before it. `tar` can unpack it. We read it by lines of our own: there are no links, folders,
long names or sparse files in ours, and a tar that has them is refused before anything of it is used.
"""

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from besedka.project.backups.refusals import Damaged

FORMAT = 1
HEAD, MANIFEST, SEAL, KEY = "besedka-backup.json", "manifest.json", "seal", "secret_key"
BLOCK = 512  # bytes, of a tar
CHUNK = 16 * 1024 * 1024  # bytes of a database in one part, before it is compressed
LARGEST = 64 * 1024 * 1024  # bytes of any part but the manifest
LARGEST_MANIFEST = 1024 * 1024 * 1024
_KNOWN = re.compile(
    rf"{re.escape(HEAD)}|{re.escape(MANIFEST)}|{SEAL}|{KEY}|database/[0-9]{{6}}\.z"
    r"|media/files/[0-9a-f]{2}/[0-9a-f]{32}|media/ads/[0-9a-f]{32}(?:-small)?\.webp"
)

_END = bytes(2 * BLOCK)

Told = Callable[[int], object]  # how many more bytes are done


class Part(NamedTuple):
    """One part, and where in the file its bytes are."""

    name: str
    offset: int
    size: int


class Writer:
    """Writes parts, one after the other; `seal` ends it."""

    def __init__(self, file: BinaryIO, told: Told) -> None:
        self._file, self._told = file, told
        self._all = hashlib.sha256()
        self._parts: dict[str, tuple[int, str]] = {}

    def add(self, name: str, data: bytes) -> None:
        """One more part."""
        self._parts[name] = (len(data), hashlib.sha256(data).hexdigest())
        self._write(name, data)

    def seal(self, manifest: dict[str, Any]) -> None:
        """Nothing comes any more. The manifest tells of all parts, too."""
        self._write(MANIFEST, json.dumps({**manifest, "parts": self._parts}).encode())
        self._write(SEAL, self._all.hexdigest().encode())
        self._file.write(_END)

    def _write(self, name: str, data: bytes) -> None:
        for piece in (_header(name, len(data)), data, bytes(-len(data) % BLOCK)):
            self._file.write(piece)
            self._all.update(piece)
        self._told(len(data))


def head(path: Path) -> dict[str, Any]:
    """What this backup is. Raises `Damaged` for what is none, or one of a format that we do not read."""
    with path.open("rb") as file:
        first = next(_parts(file), None)
        if first is None or first.name != HEAD or first.size > LARGEST:
            raise Damaged(f"{path} is no backup of Besedka.")
        found = _json(path, HEAD, _bytes(file, first))
    if found.get("format") != FORMAT:
        raise Damaged(
            f"{path} was written in format {found.get('format')!r}; this version of Besedka reads format {FORMAT}."
        )
    return found


def verify(path: Path, told: Told) -> dict[str, Any]:
    """Read the whole file; its manifest. Raises `Damaged`, which says what is wrong and, if it can, where."""
    head(path)
    with path.open("rb") as file:
        parts = list(_parts(file))
        names = [part.name for part in parts]
        if len(set(names)) != len(names):
            raise Damaged(f"{path} has a part twice.")
        if names[-2:] != [MANIFEST, SEAL]:
            raise Damaged(f"{path} is not whole: its end is missing.")
        seal, written = parts[-1], parts[-2]
        digest = _digest(file, seal.offset - BLOCK, told)
        as_sealed = _bytes(file, seal) == digest.encode()
        if not as_sealed or file.read(BLOCK * 4) != bytes(-seal.size % BLOCK) + _END:
            raise Damaged(f"{path} is damaged{_where(path, file, parts)}.")
        manifest = _json(path, MANIFEST, _bytes(file, written))
    if set(manifest["parts"]) != set(names[:-2]):
        raise Damaged(f"{path} does not have the parts that its manifest names.")
    return manifest


def read(path: Path, prefix: str, told: Told) -> Iterator[tuple[str, bytes]]:
    """The parts whose names begin so, in the order in which they were written. `verify` comes first."""
    with path.open("rb") as file:
        for part in _parts(file):
            if part.name.startswith(prefix):
                data = _bytes(file, part)
                told(len(data))
                yield part.name, data


def _parts(file: BinaryIO) -> Iterator[Part]:
    """All parts, by their headers."""
    size = os.fstat(file.fileno()).st_size
    at = 0
    while at + BLOCK <= size:
        file.seek(at)
        block = file.read(BLOCK)
        if not any(block):
            return
        part = _part(file.name, block, at + BLOCK)
        if part.offset + part.size > size:
            raise Damaged(f"{file.name} is not whole: {part.name} is cut short.")
        yield part
        at = part.offset + part.size + -part.size % BLOCK


def _part(path: str, block: bytes, offset: int) -> Part:
    what = "is no backup of Besedka" if offset == BLOCK else f"is damaged at byte {offset - BLOCK}"
    try:
        header = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, ValueError):
        raise Damaged(f"{path} {what}.") from None
    if header.type != tarfile.REGTYPE or not _KNOWN.fullmatch(header.name):
        raise Damaged(f"{path} has a part that no backup of ours has: {header.name!a}.")
    if not 0 <= header.size <= (LARGEST_MANIFEST if header.name == MANIFEST else LARGEST):
        raise Damaged(f"{path} has a part that is too large: {header.name}, {header.size} bytes.")
    if block != _header(header.name, header.size):
        raise Damaged(f"{path} {what}.")
    return Part(header.name, offset, header.size)


def _header(name: str, size: int) -> bytes:
    """What stands before a part; all else that a tar can say of a file is the same for all of ours."""
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    return header.tobuf(tarfile.USTAR_FORMAT)


def _bytes(file: BinaryIO, part: Part) -> bytes:
    file.seek(part.offset)
    return file.read(part.size)


def _digest(file: BinaryIO, size: int, told: Told) -> str:
    """Of so many first bytes."""
    digest = hashlib.sha256()
    file.seek(0)
    while size > 0 and (piece := file.read(min(size, 1024 * 1024))):
        digest.update(piece)
        size -= len(piece)
        told(len(piece))
    return digest.hexdigest()


def _where(path: Path, file: BinaryIO, parts: list[Part]) -> str:
    """In which part, as far as the manifest still says what they were."""
    try:
        known = _json(path, MANIFEST, _bytes(file, parts[-2]))["parts"]
        for part in parts[:-2]:
            if hashlib.sha256(_bytes(file, part)).hexdigest() != known[part.name][1]:
                return f": {part.name} is not what was written"
    except (Damaged, KeyError, IndexError, TypeError):
        return ": its manifest is not what was written"
    return ": its end is not what was written"


def written(found: dict[str, Any]) -> bytes:
    """The bytes of a part that holds words."""
    return json.dumps(found, indent=1).encode()


def _json(path: Path, name: str, data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Damaged(f"{path} is damaged: {name} cannot be read.")
    return found
