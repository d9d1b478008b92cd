"""One thread that talks to the database, and takes everything that queued while it last did.

No timer: under load the batches grow by themselves, without load nobody waits for company. SQLite has one writer
at a time anyway, and would let several threads of ours wait for each other asleep.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from django.db import InterfaceError, InternalError, OperationalError, connection, transaction

from besedka.conversations import durability
from besedka.figures import counted
from besedka.problems import Problem, Unavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")

MAX_BATCH = 500  # jobs in one transaction
MAX_QUEUE = 20_000  # jobs that wait; who comes later is told to come again
TRIES = 4  # of a transaction that met a deadlock, or another process making the same row
PATIENCE_S = 2  # a database that took longer to fail has cost enough: no further try, whoever waits is told


class Job(msgspec.Struct, eq=False):
    """One item for a function that takes many, and who waits for its result."""

    work: Callable[[list[Any]], Sequence[Any]]
    item: Any
    done: "asyncio.Future[Any]"
    durable: bool


class Batcher:
    """Runs functions that take many items, with whatever was submitted one by one."""

    def __init__(self, name: str, *, writes: bool) -> None:
        """With `writes`, a batch is one transaction: on disk once for all that are in it."""
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._writes = writes
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._durability = durability.Session()
        self._sizes, self._seconds = counted.BATCH_JOBS.labels(name), counted.BATCH_SECONDS.labels(name)
        counted.BATCH_WAITING.labels(name).set_function(self._queue.qsize)

    def start(self) -> None:
        """Begin, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """End after everything that was submitted; blocks until then."""
        self._queue.put(None)
        self._thread.join(timeout=30)

    def submit(
        self, work: Callable[[list[T]], Sequence[R | Problem]], item: T, *, durable: bool = True
    ) -> "asyncio.Future[R]":
        """The result of `work` for this item, after the commit. A result that is a `Problem` is raised.

        What need not be `durable` may be undone when the machine loses power (not when a process dies): such work
        does not wait for the disk. Raises `Unavailable` when the database is away or too much waits already.
        """
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        if self._queue.qsize() >= MAX_QUEUE:
            done.set_exception(Unavailable("Too many messages wait to be stored."))
        else:
            self._queue.put(Job(work, item, done, durable))
        return done

    def _run(self) -> None:
        stopping = False
        while not stopping:
            first = self._queue.get()
            batch: list[Job] = []
            stopping = first is None
            if first is not None:
                batch.append(first)
            while len(batch) < MAX_BATCH and not self._queue.empty():
                job = self._queue.get()
                if job is None:
                    stopping = True
                else:
                    batch.append(job)
            for portion in self._portions(batch):
                began = time.monotonic()
                self._resolve(portion, self._results(portion))
                self._sizes.observe(len(portion))
                self._seconds.observe(time.monotonic() - began)
        connection.close()

    def _portions(self, batch: list[Job]) -> list[list[Job]]:
        """What is done and handed out together: what one function takes, so that nobody waits for another's.

        Writes on SQLite, which has one writer, are all one transaction: it waits for the disk once. Elsewhere
        other processes write, too. A function locks its rows in the order that all agree on, but two
        functions in one transaction lock theirs one after the other, and so would two processes, the other way
        round: a deadlock, which costs everybody in both batches a second and more. So each has its own.
        """
        if self._writes and connection.vendor == "sqlite":
            return [batch] if batch else []
        return [[batch[index] for index in indices] for indices in _by_work(batch).values()]

    def _resolve(self, batch: list[Job], results: list[Any]) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self._loop.call_soon_threadsafe(_hand_out, batch, results)

    def _results(self, batch: list[Job]) -> list[Any]:
        """One result a job, a value or an exception; a job that cannot be done spoils none of the others."""
        began = time.monotonic()
        for attempt in range(1, TRIES + 1):
            try:
                return self._together(batch)
            except (OperationalError, InterfaceError) as error:
                # Gone, full, locked, or a deadlock that the database ended: all of them may be over in a moment.
                logger.warning("database: %s (try %d of %d)", error, attempt, TRIES)
                counted.DATABASE_RETRIES.inc()
                _reconnect()
                if time.monotonic() - began > PATIENCE_S:
                    break
                if attempt < TRIES:
                    time.sleep(0.02 * attempt)
            except Exception as error:
                if isinstance(error, InternalError):  # the server ended a transaction that we slept in
                    _reconnect()
                if len(batch) == 1 and attempt == TRIES:
                    return [error]
                if len(batch) > 1 and attempt == 2:
                    return [result for job in batch for result in self._results([job])]
        return [Unavailable()] * len(batch)

    def _together(self, batch: list[Job]) -> list[Any]:
        results: list[Any] = [None] * len(batch)
        durable = any(job.durable for job in batch)
        if self._writes:
            self._durability.before(durable)
        with transaction.atomic() if self._writes else contextlib.nullcontext():
            if self._writes:
                durability.within(durable)
            for work, indices in _by_work(batch).items():
                for index, result in zip(indices, work([batch[i].item for i in indices]), strict=True):
                    results[index] = result
        return results


def _by_work(batch: list[Job]) -> dict[Callable[[list[Any]], Sequence[Any]], list[int]]:
    """Where in the batch the jobs of each function stand."""
    found: dict[Callable[[list[Any]], Sequence[Any]], list[int]] = {}
    for index, job in enumerate(batch):
        found.setdefault(job.work, []).append(index)
    return found


def _hand_out(batch: Iterable[Job], results: Iterable[Any]) -> None:
    for job, result in zip(batch, results, strict=True):
        if job.done.done():
            continue
        if isinstance(result, Exception):
            job.done.set_exception(result)
        else:
            job.done.set_result(result)


def _reconnect() -> None:
    with contextlib.suppress(Exception):  # it may be gone in any way; the next try says what is the matter
        connection.close()
