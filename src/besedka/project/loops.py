"""Every background loop of the product and its period; and the one place that says what follows from a signal."""

import asyncio
import contextlib
import functools
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from starlette.applications import Starlette

from besedka.conversations import news, signals, speech, waits
from besedka.conversations.batcher import Batcher
from besedka.desk import places, presence
from besedka.desk.places import Board
from besedka.door import admission, house
from besedka.door.house import Door
from besedka.knowledge import submissions, workshop
from besedka.problems import Unavailable
from besedka.project import housekeeping, installation, pulse, telling
from besedka.telegram import calling, internal
from besedka.telegram import loop as telegram
from besedka.turns import embedded, shelves, staff
from besedka.turns.embedded import Runner

if TYPE_CHECKING:
    from besedka.conversations.relay import Hearsay

logger = logging.getLogger(__name__)

GARBAGE_AFTER = 20_000  # new objects between two collections (CPython's own: 700); the rest is freed by counting


@contextlib.asynccontextmanager
async def running(door: Door, *, redis_url: str | None) -> AsyncIterator[None]:
    """Everything that lives as long as a process that serves does is alive; it ends in the reverse order.

    Where there is a broker, workers run turns, send and keep house; else this process does.
    """
    writer, reader = door.writer, door.reader
    alone = not settings.CELERY_BROKER_URL
    apart = alone and connection.vendor != "sqlite"  # which has one writer, whoever it is
    keeper = Batcher("keeper", writes=True) if apart else writer
    async with _telling(*dict.fromkeys((writer, reader, door.desk_reader, keeper))):
        await door.read_directory()  # before anybody is let in: to an empty directory every inbox is unknown
        board = Board(functools.partial(reader.submit, waits.places_many, waits.PLACES))
        signals.subscribe("desk", board.hear)
        latest = news.Latest()
        tasks = [
            _begin("news", lambda: _wake_for_news(reader, latest), news.SWEEP_S),
            _begin("bodies", lambda: admission.cut_slow_bodies(door), 1),
            _begin("inboxes", door.read_directory, house.DIRECTORY_S),
            _begin("places", board.refresh, places.PAUSE_S),
        ]
        if alone:
            for name, job in housekeeping.JOBS.items():
                tasks.append(_begin(name, functools.partial(job.work, keeper), job.period_s, at_once=job.at_once))
        if settings.TELEGRAM_BOT_TOKEN and not settings.BOT_SECRET:
            talking = telegram.run(writer, reader, sending=alone)
            tasks.append(pulse.watch("telegram", asyncio.create_task(talking)))
        elif settings.BOT_SECRET and not redis_url:  # it runs apart, and hears of what is new from us alone
            tasks.append(pulse.watch("telegram's bell", asyncio.create_task(calling.run())))
        tasks += _relays(redis_url, {"presence": presence.Hearsay(), "rates": door.rates})
        async with (
            _turning(writer, reader) if alone else contextlib.nullcontext(),
            _importing(),
            _ended_with(tasks),
        ):
            try:
                with _collecting_seldom():
                    yield
            finally:
                pulse.forget()


@contextlib.asynccontextmanager
async def working(*, turns: bool, deliveries: bool) -> AsyncIterator[Batcher]:
    """What a worker does besides its tasks, or for them, is alive; the batcher is for housekeeping alone.

    A broker only says that something is due. Whoever runs turns looks for those that are, too, and whoever sends
    for deliveries: a broker that is away makes them late by a second, and no more.
    """
    from besedka.turns import tasks as turn_tasks  # noqa: PLC0415 - Celery is loaded where there is a broker only

    writer, reader = Batcher("writer", writes=True), Batcher("reader", writes=False)
    keeper = Batcher("keeper", writes=True)
    async with _telling(writer, reader, keeper):
        tasks = _relays(settings.REDIS_URL)
        if deliveries and settings.TELEGRAM_BOT_TOKEN:
            tasks.append(pulse.watch("sender", asyncio.create_task(telegram.send(writer, reader))))
        async with (
            _importing(),
            _ended_with(tasks),
            _turning(writer, reader) if turns else contextlib.nullcontext() as runner,
        ):
            turn_tasks.serve_with(runner)
            try:
                with _collecting_seldom():
                    yield keeper
            finally:
                turn_tasks.serve_with(None)
                if runner is not None:
                    await runner.finish()
                pulse.forget()


async def telegram_apart(*, redis_url: str | None) -> None:
    """Telegram's part alone, in a process of its own, until cancelled."""
    writer, reader = Batcher("writer", writes=True), Batcher("reader", writes=False)
    async with _telling(writer, reader):
        tasks = _relays(redis_url)
        if settings.BOT_SECRET:
            tasks.append(asyncio.create_task(internal.serve(reader)))
        async with _ended_with(tasks):
            await telegram.run(writer, reader, sending=not settings.CELERY_BROKER_URL)


@contextlib.asynccontextmanager
async def lifespan(app: Starlette, *, door: Door, redis_url: str | None) -> AsyncIterator[None]:
    """The life of the ASGI app."""
    with telling.figures("web"):
        async with running(door, redis_url=redis_url):
            yield


@contextlib.contextmanager
def _collecting_seldom() -> Iterator[None]:
    """What is here now stays: the collector of garbage need not walk through all of Django each time."""
    gc.set_threshold(GARBAGE_AFTER)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextlib.asynccontextmanager
async def _telling(*batchers: Batcher) -> AsyncIterator[None]:
    """The database can be asked, and signals are heard here; where there is a broker, workers hear what is due."""
    for batcher in batchers:
        batcher.start()
    signals.attach(asyncio.get_running_loop())
    dispatcher = None
    if settings.CELERY_BROKER_URL:
        from besedka.project.dispatch import Dispatcher  # noqa: PLC0415 - as above

        dispatcher = Dispatcher()
    try:
        yield
    finally:
        for batcher in batchers:
            await asyncio.to_thread(batcher.stop)
        if dispatcher is not None:
            await asyncio.to_thread(dispatcher.stop)
        signals.detach()
        speech.forget_relays()


@contextlib.asynccontextmanager
async def _turning(writer: Batcher, reader: Batcher) -> AsyncIterator[Runner]:
    """Turns that are due are run here."""
    runner = Runner(writer, reader)
    if not settings.CELERY_BROKER_URL:
        signals.subscribe("due", runner.begin)
    signals.subscribe("bots", lambda changed: staff.forget())
    tasks = [
        _begin("turns", runner.sweep, embedded.SWEEP_S),
        _begin("leases", runner.renew, embedded.RENEW_S),
        asyncio.create_task(asyncio.to_thread(staff.load_installed)),
        asyncio.create_task(shelves.warm()),
    ]
    try:
        async with _ended_with(tasks):
            yield runner
    finally:
        await runner.stop()


@contextlib.asynccontextmanager
async def _importing() -> AsyncIterator[None]:
    """Files that wait to become sources are imported here, when a signal, a task or housekeeping says so."""
    workshop.open_again()
    if not settings.CELERY_BROKER_URL:
        signals.subscribe(submissions.SIGNAL, workshop.begin)
    try:
        yield
    finally:
        await asyncio.to_thread(workshop.close)


@contextlib.asynccontextmanager
async def _ended_with(tasks: list[asyncio.Task[None]]) -> AsyncIterator[None]:
    """These end when what is inside does."""
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _relays(redis_url: str | None, hearsay: "Mapping[str, Hearsay] | None" = None) -> list[asyncio.Task[None]]:
    """Signals go to the other processes and come from them, where there is a Redis; so does hearsay."""
    if not redis_url:
        return []
    from besedka.conversations import relay  # noqa: PLC0415 - Redis' client takes 6 MB: only who has one pays

    relaying = relay.run(redis_url, f"{relay.CHANNEL}:{installation.name()}", hearsay)
    return [pulse.watch("signals", asyncio.create_task(relaying))]


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
        except Unavailable as problem:
            logger.warning("the background loop %r goes on later: %s", name, problem.detail)
        except Exception:
            failed = True
            logger.exception("the background loop %r failed; it goes on", name)
        pulse.beat(name, failed=failed)
        await asyncio.sleep(period_s)


async def _wake_for_news(reader: Batcher, latest: news.Latest) -> None:
    signals.deliver(await reader.submit(news.since_many, latest))
