"""Working at imports: a file that was handed in becomes a source, in whatever process has time for it."""

import contextlib
import io
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from besedka.knowledge import imports, leases
from besedka.knowledge.leases import Claim, Lost
from besedka.knowledge.models import Import, ImportPart
from besedka.problems import Problem

logger = logging.getLogger(__name__)

AT_ONCE = 2  # in one process: a small file need not wait for a large one, and memory has a bound
CLOSE_S = 5.0  # then whoever asked us to end waits no more: the lease runs out, and another begins
TELL_S = 1.0  # between two times that an import says how far it is

_room = threading.BoundedSemaphore(AT_ONCE)
_closing = threading.Event()


class _Stopped(Exception):
    """This process is to end: another goes on with the import."""


@dataclass
class _Way:
    """How far an import is."""

    stage: str = Import.Stage.READING
    done: int = 0
    of: int = 0

    def tell(self, done: int, of: int) -> None:
        """So far. Raises `_Stopped`."""
        if _closing.is_set():
            raise _Stopped
        self.done, self.of = done, of


def begin(waiting: object = None) -> None:
    """Imports that wait are begun soon, as far as there is room in this process. Returns at once; from any thread.

    Which ones a signal named does not matter: the database knows what waits, and in which order.
    """
    if not _closing.is_set():
        threading.Thread(target=_work, name="imports", daemon=True).start()


def close() -> None:
    """Nothing is begun here any more, and what is under way stops: another process begins it anew.

    Blocks until it has stopped, at most `CLOSE_S` seconds.
    """
    _closing.set()
    until = time.monotonic() + CLOSE_S
    free = [_room.acquire(timeout=max(0.0, until - time.monotonic())) for _ in range(AT_ONCE)]
    for _ in filter(None, free):
        _room.release()


def open_again() -> None:
    """Undo `close`, for a process that begins its life anew."""
    _closing.clear()


def _work() -> None:
    try:
        run_due()
    except DatabaseError as error:
        logger.warning("no database; imports wait: %s", error)
    finally:
        connection.close()  # this thread's own


def run_due() -> int:
    """Every import that waits has been begun, by this process or another; how many by this call.

    Any number of processes and threads may do so at once. A call that finds no room in this process returns:
    whoever has the room looks again when it is done with its own.
    """
    ran = 0
    while not _closing.is_set():
        waiting = leases.due(now=timezone.now(), limit=1)
        if not waiting or not _room.acquire(blocking=False):
            break
        try:
            ran += run(waiting[0])
        finally:
            _room.release()
    return ran


def run(import_id: int) -> bool:
    """The import has ended, or will be tried again; False where it was not ours to begin.

    Doing it twice does nothing the second time: the lease decides, and the last transaction asks it again.
    """
    claim = leases.claim(import_id, now=timezone.now())
    if claim is None:
        return False
    try:
        with _kept(claim) as way:
            _import(claim, way)
    except _Stopped:
        leases.put_back(claim, now=timezone.now(), counted=False)
    except Lost:
        logger.warning("import %d was taken over by another process; what this one did is dropped", import_id)
    except Problem as problem:
        leases.fail(claim, problem, now=timezone.now())
    except Exception:
        logger.exception("import %d failed; it is tried %d times", import_id, leases.ATTEMPTS)
        leases.put_back(claim, now=timezone.now(), after_s=leases.AGAIN_S)
    return True


def _import(claim: Claim, way: _Way) -> None:
    reading = imports.read(_content(claim), name=claim.name, url=claim.url, progress=way.tell)
    way.stage, way.done, way.of = Import.Stage.WRITING, 0, len(reading.table.pieces)
    now = timezone.now()
    with transaction.atomic():
        imported = imports.store(claim.title, reading, now=now, progress=way.tell)
        leases.finish(claim, imported, now=now)


def _content(claim: Claim) -> bytes:
    """The file, put together from its parts: one copy of it, and a part."""
    whole = io.BytesIO()
    parts = ImportPart.objects.filter(of=claim.import_id)
    for number in range(parts.count()):
        whole.write(parts.values_list("content", flat=True).get(number=number))
    return whole.getvalue()


@contextlib.contextmanager
def _kept(claim: Claim) -> Iterator[_Way]:
    """While this lasts the lease is renewed and how far it is is told, by a thread with a connection of its own.

    Neither reading nor writing comes by often enough, and what is said in an open transaction nobody hears.
    """
    way, over = _Way(), threading.Event()

    def keep() -> None:
        try:
            while not over.wait(TELL_S):
                _renew(claim, way)
        finally:
            connection.close()

    keeper = threading.Thread(target=keep, name=f"import {claim.import_id}", daemon=True)
    keeper.start()
    try:
        yield way
    finally:
        over.set()
        keeper.join()


def _renew(claim: Claim, way: _Way) -> None:
    if way.stage == Import.Stage.WRITING and connection.vendor == "sqlite":
        return  # it has one writer at a time, and that is the import: nobody else can take the lease, either
    try:
        leases.renew(claim, way.stage, way.done, way.of, now=timezone.now())
    except DatabaseError:
        logger.warning("import %d could not say how far it is; it goes on", claim.import_id)
