"""Every background loop of the product and its period; and the one place that says what follows from a signal."""

import asyncio
import contextlib
import gc
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from django.conf import settings
from starlette.applications import Starlette

from besedka.conversations import news, signals, speech
from besedka.conversations.batcher import Batcher
from besedka.door import admission, house
from besedka.door.house import Door
from besedka.problems import Unavailable
from besedka.turns import embedded, shelves, staff
from besedka.turns.embedded import Runner

logger = logging.getLogger(__name__)


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
    latest = news.Latest()
    periodic: list[tuple[Callable[[], Awaitable[None]], float]] = [
        (runner.sweep, embedded.SWEEP_S),
        (runner.renew, embedded.RENEW_S),
        (runner.rouse, embedded.SWEEP_S),
        (lambda: _wake_for_news(reader, latest), news.SWEEP_S),
        (lambda: admission.cut_slow_bodies(door), 1),
        (door.read_directory, house.DIRECTORY_S),
    ]
    tasks = [asyncio.create_task(_every(period_s, work)) for work, period_s in periodic]
    tasks.append(asyncio.create_task(asyncio.to_thread(staff.load_installed)))
    tasks.append(asyncio.create_task(shelves.warm()))
    if redis_url:
        from besedka.conversations import relay  # noqa: PLC0415 - Redis' client takes 6 MB: only who has one pays

        tasks.append(asyncio.create_task(relay.run(redis_url, f"{relay.CHANNEL}:{_installation()}")))
    gc.collect()
    gc.freeze()  # what is here now stays: the collector need not walk through all of Django again and again
    try:
        yield
    finally:
        gc.unfreeze()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await runner.stop()
        await asyncio.to_thread(writer.stop)
        await asyncio.to_thread(reader.stop)
        signals.detach()
        speech.forget_relays()


@contextlib.asynccontextmanager
async def lifespan(app: Starlette, *, door: Door, redis_url: str | None) -> AsyncIterator[None]:
    """The life of the ASGI app."""
    async with running(door, redis_url=redis_url):
        yield


def _installation() -> str:
    """The name of this installation: all its processes have the same secret, and no other has."""
    return hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()[:12]


async def _every(period_s: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do it, wait, for ever. One that fails is logged and tried again: a loop must not die of one bad moment."""
    while True:
        try:
            await work()
        except Unavailable:
            logger.warning("no database; the loop goes on")
        except Exception:
            logger.exception("a background loop failed; it goes on")
        await asyncio.sleep(period_s)


async def _wake_for_news(reader: Batcher, latest: news.Latest) -> None:
    signals.deliver(await reader.submit(news.since_many, latest))
