"""The databases' own programs: whether they are here and new enough, and what they say when they fail."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO

from besedka.project.backups.refusals import Refused

TOLD = 600  # characters of what a program said


def find(*names: str, package: str) -> str:
    """Where the first of these programs is. Raises `Refused`, which says what to install."""
    for name in names:
        if found := shutil.which(name):
            return found
    raise Refused(f"{names[0]} is not installed here. It comes with the package {package}.")


def major_version(program: str) -> int:
    """The first number of the version of a program of PostgreSQL."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else 0


@contextlib.contextmanager
def reading(command: Sequence[str], surroundings: Mapping[str, str]) -> Iterator[IO[bytes]]:
    """What a program writes, as it writes it. Raises `Refused` at the end, if the program failed."""
    with tempfile.TemporaryFile() as errors:
        running = subprocess.Popen(
            command, env={**os.environ, **surroundings}, stdout=subprocess.PIPE, stderr=errors
        )
        assert running.stdout is not None
        with running, _ended(running):
            yield running.stdout
        _insist(command, running, errors)


def feed(command: Sequence[str], surroundings: Mapping[str, str], chunks: Iterable[bytes]) -> None:
    """A program reads all of this and is content. Raises `Refused`."""
    with tempfile.TemporaryFile() as errors:
        running = subprocess.Popen(
            command, env={**os.environ, **surroundings}, stdin=subprocess.PIPE, stdout=errors, stderr=errors
        )
        assert running.stdin is not None
        with running, _ended(running), contextlib.suppress(BrokenPipeError):  # it says itself why it ended
            for chunk in chunks:
                running.stdin.write(chunk)
            running.stdin.flush()
        _insist(command, running, errors)


@contextlib.contextmanager
def _ended(running: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Where we fail, the program does not go on without us."""
    try:
        yield
    except BaseException:
        running.kill()
        raise


def _insist(command: Sequence[str], running: "subprocess.Popen[bytes]", errors: IO[bytes]) -> None:
    if running.returncode:
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()
        raise Refused(f"{os.path.basename(command[0])} failed: {said[-TOLD:] or running.returncode}")
