"""What is done again and again for the whole installation, by one process or another; and how often.

Any number of processes may do the same at once: each of these asks the database what is to be done, and takes it
there. One process does them by loops of its own; a scaled installation by tasks, which `besedka beat` sends.
"""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from besedka import collisions
from besedka.accounts import sweeping
from besedka.ads import changes
from besedka.conversations import attachments, closing, erasure, posts, retention, search_index
from besedka.conversations.batcher import Batcher
from besedka.conversations.posts import Held, Wish
from besedka.desk import invitations, routing
from besedka.knowledge import leases as imports
from besedka.knowledge import workshop
from besedka.turns import rousing

logger = logging.getLogger(__name__)

LADDER_S = 1  # seconds between two looks at who waits
WALKS_S = 1  # between two looks for walks that have waited long enough
WAKE_S = 5  # seconds that a snoozed conversation may oversleep
PORTION = 200  # conversations that one transaction takes care of
PORTIONS = 20  # of them in one look
INDEX_PAUSE_S = 0.05  # between two portions of the log that become searchable
INDEX_ROUNDS = 200  # portions at a stretch
FILES_S = 3_600  # between two looks for files that nobody sent
ERASE_S = 3  # until what is behind the fence of an erasure goes on being removed
ERASING_S = 10  # at a stretch: who asks us to stop waits for the end of it
OLD_S = 3_600  # between two looks for conversations that are older than their inbox keeps any
OLD_AT_ONCE = 5_000  # of these in one look; the rest waits for the next
ACCOUNTS_S = 1_800  # between two looks for tokens, sessions and wrong tries that have run out
IMPORTS_S = 5  # between two looks for files that wait to be imported, and whose signal was lost
OLD_IMPORTS_S = 3_600  # between two looks for what imports did a month ago
ALONE_S = 600  # that one process may be at such work, before it counts as dead


class Job(NamedTuple):
    """What is to be done with the writer's help, and the seconds between two times; `at_once`: also at a start."""

    period_s: float
    work: Callable[[Batcher], Awaitable[None]]
    at_once: bool = True


async def _portion(work: Callable[[list[int]], Sequence[int]], writer: Batcher) -> None:
    """A portion at a time; nobody waits for it, so it need not wait for the disk."""
    for _ in range(PORTIONS):
        if await writer.submit(work, PORTION, durable=False) < PORTION:
            return


async def _index(writer: Batcher) -> None:
    """What is new in the log can be searched."""
    for _ in range(INDEX_ROUNDS):
        if await writer.submit(search_index.index_more_many, search_index.AT_ONCE, durable=False) < (
            search_index.AT_ONCE
        ):
            return
        await asyncio.sleep(INDEX_PAUSE_S)


async def _apart(work: Callable[[], object], writer: Batcher) -> None:
    """Long work: in a thread of its own, in small transactions between those of others."""

    def do() -> None:
        try:
            collisions.again(work, repeatable=True)
        finally:
            connection.close()  # this thread's own

    await asyncio.to_thread(do)


async def _alone(name: str, work: Callable[[], object], writer: Batcher) -> None:
    """Such work that one process at a time does."""
    mine = Held(name, posts.new_holder())
    if not await writer.submit(posts.hold_many, Wish(mine.name, mine.holder, ALONE_S), durable=False):
        return
    try:
        await _apart(work, writer)
    finally:
        await writer.submit(posts.leave_many, mine, durable=False)


def _sweep_files() -> None:
    removed = attachments.sweep_many(timezone.now()) + changes.sweep(timezone.now())
    if removed:
        logger.info("%d files that nobody sent or shows were removed", removed)


def _finish_erasing() -> None:
    """What is left behind the fence of an erasure, whoever began it, is removed; mostly there is nothing."""
    erasure.finish(within_s=ERASING_S)


def _erase_old() -> None:
    retention.sweep_many(timezone.now(), limit=OLD_AT_ONCE)


def _forget_imports() -> None:
    imports.sweep(now=timezone.now())


async def _import(writer: Batcher) -> None:
    """Nobody waits for the end of it."""
    workshop.begin()


JOBS = {
    "walks": Job(WALKS_S, functools.partial(_portion, rousing.rouse_many)),
    "ladder": Job(LADDER_S, functools.partial(_portion, routing.climb_many)),
    "invitations": Job(LADDER_S, functools.partial(_portion, invitations.sweep_many)),
    "snoozed": Job(WAKE_S, functools.partial(_portion, closing.wake_many)),
    "index": Job(search_index.PERIOD_S, _index),
    "erasures": Job(ERASE_S, functools.partial(_apart, _finish_erasing)),
    "files": Job(FILES_S, functools.partial(_alone, "files", _sweep_files), at_once=False),
    "retention": Job(OLD_S, functools.partial(_alone, "retention", _erase_old), at_once=False),
    "accounts": Job(ACCOUNTS_S, functools.partial(_alone, "accounts", sweeping.sweep), at_once=False),
    "imports": Job(IMPORTS_S, _import),
    "old imports": Job(OLD_IMPORTS_S, functools.partial(_alone, "old imports", _forget_imports), at_once=False),
}
