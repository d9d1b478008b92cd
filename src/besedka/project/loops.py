"""Every background loop of the product and its period; and the one place that says what follows from a signal."""

import asyncio
import contextlib
import functools
import gc
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from django.utils import timezone
from starlette.applications import Starlette

from besedka.accounts import sweeping
from besedka.ads import changes
from besedka.conversations import (
    attachments,
    closing,
    erasure,
    news,
    retention,
    search_index,
    signals,
    speech,
    waits,
)
from besedka.conversations.batcher import Batcher
from besedka.desk import invitations, places, presence, routing
from besedka.desk.places import Board
from besedka.door import admission, house
from besedka.door.house import Door
from besedka.problems import Unavailable
from besedka.project import pulse
from besedka.telegram import calling, internal
from besedka.telegram import loop as telegram
from besedka.turns import embedded, shelves, staff
from besedka.turns.embedded import Runner

if TYPE_CHECKING:
    from besedka.conversations.relay import Hearsay

logger = logging.getLogger(__name__)

LADDER_S = 1  # seconds between two looks at who waits
WAKE_S = 5  # seconds that a snoozed conversation may oversleep
PORTION = 200  # conversations that one look takes care of
INDEX_S = 0.05  # between two portions of the log that become searchable
FILES_S = 3_600  # between two looks for files that nobody sent
GARBAGE_AFTER = 20_000  # new objects between two collections (CPython's own: 700); the rest is freed by counting
ERASE_S = 3  # until what is behind the fence of an erasure goes on being removed
ERASING_S = 10  # at a stretch: who asks us to stop waits for the end of it
OLD_S = 3_600  # between two looks for conversations that are older than their inbox keeps any
OLD_AT_ONCE = 5_000  # of these in one look; the rest waits for the next
ACCOUNTS_S = 1_800  # between two looks for tokens, sessions and wrong tries that have run out


@contextlib.asynccontextmanager
async def running(door: Door, *, redis_url: str | None) -> AsyncIterator[None]:
    """Everything that lives as long as the process does is alive; it ends in the reverse order."""
    writer, reader = door.writer, door.reader
    loop = asyncio.get_running_loop()
    writer.start()
    reader.start()
    await door.read_directory()  # before anybody is let in: to an empty directory every inbox is unknown
    signals.attach(loop)
    runner = Runner(writer, reader)
    signals.subscribe("due", runner.begin)
    signals.subscribe("bots", lambda changed: staff.forget())
    board = Board(functools.partial(reader.submit, waits.places_many, waits.PLACES))
    signals.subscribe("desk", board.hear)
    latest = news.Latest()
    periodic: list[tuple[str, Callable[[], Awaitable[None]], float]] = [
        ("turns", runner.sweep, embedded.SWEEP_S),
        ("leases", runner.renew, embedded.RENEW_S),
        ("walks", runner.rouse, embedded.SWEEP_S),
        ("news", lambda: _wake_for_news(reader, latest), news.SWEEP_S),
        ("bodies", lambda: admission.cut_slow_bodies(door), 1),
        ("inboxes", door.read_directory, house.DIRECTORY_S),
        ("places", board.refresh, places.PAUSE_S),
        ("ladder", lambda: _write(writer, routing.climb_many), LADDER_S),
        ("invitations", lambda: _write(writer, invitations.sweep_many), LADDER_S),
        ("snoozed", lambda: _write(writer, closing.wake_many), WAKE_S),
        ("index", functools.partial(_index, writer), INDEX_S),
    ]
    tasks = [_begin(name, work, period_s) for name, work, period_s in periodic]
    tasks.append(_begin("files", _sweep_files, FILES_S, at_once=False))
    tasks.append(_begin("erasures", _erase, ERASE_S))
    tasks.append(_begin("retention", _erase_old, OLD_S, at_once=False))
    tasks.append(_begin("accounts", _sweep_accounts, ACCOUNTS_S, at_once=False))
    tasks.append(asyncio.create_task(asyncio.to_thread(staff.load_installed)))
    tasks.append(asyncio.create_task(shelves.warm()))
    if settings.TELEGRAM_BOT_TOKEN and not settings.BOT_SECRET:
        tasks.append(pulse.watch("telegram", asyncio.create_task(telegram.run(writer, reader))))
    elif settings.BOT_SECRET and not redis_url:  # it runs apart, and hears of what is new from us alone
        tasks.append(pulse.watch("telegram's bell", asyncio.create_task(calling.run())))
    tasks += _relays(redis_url, {"presence": presence.Hearsay(), "rates": door.rates})
    gc.set_threshold(GARBAGE_AFTER)
    gc.collect()
    gc.freeze()  # what is here now stays: the collector need not walk through all of Django again and again
    try:
        yield
    finally:
        gc.unfreeze()
        pulse.forget()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await runner.stop()
        await asyncio.to_thread(writer.stop)
        await asyncio.to_thread(reader.stop)
        signals.detach()
        speech.forget_relays()


async def telegram_apart(*, redis_url: str | None) -> None:
    """Telegram's part alone, in a process of its own, until cancelled."""
    writer, reader = Batcher("writer", writes=True), Batcher("reader", writes=False)
    writer.start()
    reader.start()
    signals.attach(asyncio.get_running_loop())
    tasks = _relays(redis_url)
    if settings.BOT_SECRET:
        tasks.append(asyncio.create_task(internal.serve(reader)))
    try:
        await telegram.run(writer, reader)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(writer.stop)
        await asyncio.to_thread(reader.stop)
        signals.detach()


@contextlib.asynccontextmanager
async def lifespan(app: Starlette, *, door: Door, redis_url: str | None) -> AsyncIterator[None]:
    """The life of the ASGI app."""
    async with running(door, redis_url=redis_url):
        yield


def _relays(redis_url: str | None, hearsay: "Mapping[str, Hearsay] | None" = None) -> list[asyncio.Task[None]]:
    """Signals go to the other processes and come from them, where there is a Redis; so does hearsay."""
    if not redis_url:
        return []
    from besedka.conversations import relay  # noqa: PLC0415 - Redis' client takes 6 MB: only who has one pays

    relaying = relay.run(redis_url, f"{relay.CHANNEL}:{_installation()}", hearsay)
    return [pulse.watch("signals", asyncio.create_task(relaying))]


def _installation() -> str:
    """The name of this installation: all its processes have the same secret, and no other has."""
    return hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()[:12]


def _begin(
    name: str, work: Callable[[], Awaitable[None]], period_s: float, *, at_once: bool = True
) -> asyncio.Task[None]:
    """Do this every so many seconds from now on, under somebody's eyes."""
    return pulse.watch(name, asyncio.create_task(_every(name, work, period_s, at_once=at_once)), period_s)


async def _every(name: str, work: Callable[[], Awaitable[None]], period_s: float, *, at_once: bool) -> None:
    """Do it, wait, for ever. One that fails is logged and tried again: a loop must not die of one bad moment."""
    if not at_once:
        await asyncio.sleep(period_s)
    while True:
        failed = False
        try:
            await work()
        except Unavailable:
            logger.warning("no database; the loop goes on")
        except Exception:
            failed = True
            logger.exception("the background loop %r failed; it goes on", name)
        pulse.beat(name, failed=failed)
        await asyncio.sleep(period_s)


async def _write(writer: Batcher, work: Callable[[list[int]], Sequence[int]]) -> None:
    """One piece of housekeeping, a portion at a time; nobody waits for it, so it need not wait for the disk."""
    await writer.submit(work, PORTION, durable=False)


async def _index(writer: Batcher) -> None:
    """Some more of the log can be searched; where there was not much of it, there is time."""
    indexed = await writer.submit(search_index.index_more_many, search_index.AT_ONCE, durable=False)
    if indexed < search_index.AT_ONCE:
        await asyncio.sleep(search_index.PERIOD_S)


async def _wake_for_news(reader: Batcher, latest: news.Latest) -> None:
    signals.deliver(await reader.submit(news.since_many, latest))


async def _sweep_files() -> None:
    """In a thread of its own: it walks through folders, and nobody waits for it."""

    def sweep() -> None:
        removed = attachments.sweep_many(timezone.now()) + changes.sweep(timezone.now())
        if removed:
            logger.info("%d files that nobody sent or shows were removed", removed)

    await _apart(sweep)


async def _erase() -> None:
    """What is left behind the fence of an erasure, whoever began it, is removed; mostly there is nothing."""
    await _apart(lambda: erasure.finish(within_s=ERASING_S))


async def _erase_old() -> None:
    await _apart(lambda: retention.sweep_many(timezone.now(), limit=OLD_AT_ONCE))


async def _sweep_accounts() -> None:
    await _apart(sweeping.sweep)


async def _apart(work: Callable[[], object]) -> None:
    """Do it in a thread of its own, in small transactions between those of others."""

    def do() -> None:
        try:
            work()
        finally:
            connection.close()  # this thread's own

    await asyncio.to_thread(do)
