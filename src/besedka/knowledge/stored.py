"""Large indexes in files, so that a restart need not build them anew. A lost file costs time and nothing else."""

import logging
import os
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from zipfile import BadZipFile

import msgspec
import numpy as np

from besedka.knowledge.index import Index

FORMAT = 1  # of what is in the files: grows with every change of lanes, words or weights
# What reading a file can come to that is not ours, broken, or half written.
_UNFIT = (OSError, ValueError, KeyError, EOFError, BadZipFile, msgspec.MsgspecError)

logger = logging.getLogger(__name__)


def read(folder: Path, name: str, state: str) -> Index | None:
    """Return the index of this name that was kept in this state; None when there is none that can be used."""
    file = _file(folder, name)
    if not file.exists():
        return None
    try:
        with file.open("rb") as content, np.load(content) as kept:
            if kept["state"].tobytes() != _state(state):
                return None
            return Index.of_state({part: kept[part] for part in kept.files if part != "state"})
    except _UNFIT as fault:
        logger.warning("the index kept in %s cannot be read and is built anew: %s", file, fault)
        return None


def write(folder: Path, name: str, state: str, index: Index) -> None:
    """Keep the index in the place of the one of this name; what cannot be written is logged and left out."""
    file = _file(folder, name)
    half: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as part:
            half = Path(part.name)
            np.savez(part, allow_pickle=False, state=np.frombuffer(_state(state), np.uint8), **index.state())
        os.replace(half, file)
    except OSError as fault:
        logger.warning("the index of %s is not kept: %s", name, fault)
        if half is not None:
            half.unlink(missing_ok=True)


def drop(folder: Path, but: set[str]) -> None:
    """Remove every index but those of these names, and what was left half written."""
    kept = {_file(folder, name) for name in but}
    for file in (*folder.glob("*.npz"), *folder.glob("*.part")):
        if file not in kept:
            file.unlink(missing_ok=True)


def _file(folder: Path, name: str) -> Path:
    return folder / f"{sha256(name.encode()).hexdigest()[:32]}.npz"


def _state(state: str) -> bytes:
    return f"{FORMAT}:{state}".encode()
