"""A process that works for others: one loop with the database's batchers, beside the threads of its tasks."""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager

from anyio.from_thread import BlockingPortal, start_blocking_portal

from besedka.conversations.batcher import Batcher
from besedka.project.housekeeping import Job

_workplaces: list[tuple[BlockingPortal, Batcher]] = []  # of this process: one at most


@contextlib.contextmanager
def at_work(life: AbstractAsyncContextManager[Batcher]) -> Iterator[None]:
    """The loop runs and `life` on it, which gives the writer; both have ended when this has."""
    with (
        start_blocking_portal("asyncio", {"use_uvloop": True}) as portal,
        portal.wrap_async_context_manager(life) as writer,
    ):
        _workplaces.append((portal, writer))
        try:
            yield
        finally:
            _workplaces.clear()


def do(job: Job) -> None:
    """This piece of housekeeping is done when this returns. In a process that is not at work, nothing happens."""
    for portal, writer in _workplaces:
        portal.call(job.work, writer)


def begin(job: Job) -> None:
    """As `do`, and nobody waits for its end."""
    for portal, writer in _workplaces:
        portal.start_task_soon(job.work, writer)
