"""Reading a file in a process of its own, which is bounded in time and memory.

Whoever writes a file can make its reader loop or swell; a thread that does so cannot be ended, a process can. The
libraries, tens of megabytes, never come into the server this way, and a flaw in one finds no secret beside it.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from typing import IO, Any, Protocol, cast

from besedka.knowledge import rows
from besedka.knowledge.formats import refusals
from besedka.knowledge.rows import Piece, Progress, Refused, Row, Table
from besedka.problems import Problem

try:
    import resource
except ImportError:  # Windows has no such limits; the deadline holds there, too
    resource = None  # type: ignore[assignment]

MAX_SECONDS = 60
MAX_MEMORY = 1536 * 1024 * 1024  # bytes of address space

_ENVIRONMENT = ("PATH", "PYTHONPATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "LANG", "TMPDIR", "TEMP")
_NO_MEMORY = 3  # our own exit code
_OUT_OF_BOUNDS = (
    _NO_MEMORY,
    -6,
    -9,
    -24,
)  # how a process ends that may have no more: aborted, killed, out of time
PROBLEMS: dict[str, type[Problem]] = {
    kind.code: kind
    for module in (rows, refusals)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Problem)
}


class Reader(Protocol):
    """What a module of `formats` has."""

    def read(self, content: bytes, progress: Progress) -> Table:
        """What the file holds."""


def reader(module: str) -> Reader:
    """The module that reads a format, imported only when there is such a file."""
    return cast(Reader, importlib.import_module(f"besedka.knowledge.formats.{module}"))


def read(module: str, content: bytes, progress: Progress) -> Table:
    """What the file holds, read in another process.

    Raises what its reader raises, `FileBroken`, `TakesTooMuch`.
    """
    command = [sys.executable, "-P", "-m", "besedka.knowledge.formats.apart", module]
    command += [str(MAX_SECONDS), str(MAX_MEMORY)]
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        child = subprocess.Popen(
            command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
    late = threading.Timer(MAX_SECONDS, child.kill)
    late.start()
    try:
        with child:
            told = _heard(cast(IO[bytes], child.stdout), progress)
    except BaseException:
        child.kill()  # nobody waits for it any more
        raise
    finally:
        late.cancel()
    if told is None:
        raise refusals.TakesTooMuch if child.returncode in _OUT_OF_BOUNDS else refusals.FileBroken
    return _table(told)


def _heard(said: IO[bytes], progress: Progress) -> dict[str, Any] | None:
    """The last thing that the other process says; None if it ends without having said it."""
    for line in said:
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:  # it was ended in the middle of the line
            return None
        if "done" not in told:
            return told
        progress(told["done"], told["of"])
    return None


def _table(told: dict[str, Any]) -> Table:
    if "code" in told:
        raise PROBLEMS[told["code"]](told["detail"], **told["details"])
    pieces = [Piece(Row(*row), known_by, url) for row, known_by, url in told["pieces"]]
    return Table(pieces, [Refused(*error) for error in told["errors"]])


def _answer(module: str, content: bytes) -> dict[str, Any]:
    """In the other process: the table or the problem, as JSON."""
    try:
        table = reader(module).read(content, lambda done, of: _say({"done": done, "of": of}))
    except Problem as problem:
        return {"code": problem.code, "detail": problem.detail, "details": problem.details}
    except MemoryError:
        raise
    except Exception:  # each library has dozens of its own, and RecursionError, KeyError, … besides
        return {"code": refusals.FileBroken.code, "detail": None, "details": {}}
    return table._asdict()


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main() -> None:
    """In the other process: read the file on standard input, say what it holds."""
    module, seconds, memory = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        _say(_answer(module, sys.stdin.buffer.read()))
    except MemoryError:
        os._exit(_NO_MEMORY)  # there may not be enough left to end in order


if __name__ == "__main__":
    main()
