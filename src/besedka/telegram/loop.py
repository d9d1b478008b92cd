"""Telegram's part of the house as one task: who holds the post receives, handles and sends; others wait."""

import asyncio
import contextlib
import importlib
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from besedka.conversations import posts
from besedka.conversations.batcher import Batcher
from besedka.conversations.posts import Held
from besedka.problems import Unavailable
from besedka.telegram import health, polling, post, updates
from besedka.telegram.failures import Failure, Refused
from besedka.telegram.handling import Handling
from besedka.telegram.post import Wish
from besedka.telegram.sender import Sender

if TYPE_CHECKING:
    from besedka.telegram.client import Client

logger = logging.getLogger(__name__)

SENDING = "telegram's sender"  # the post of whoever sends, where that is not who receives
FORGET_S = 3600  # between two looks for what is too old
PAUSE_S = 1.0  # before what broke down begins again
WEBHOOK_S = 600  # between two times that Telegram is told where we are


class Told:
    """How it goes, as the parts say; the process that holds the post writes it down."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.state = health.STARTING

    def tell(self, state: str) -> None:
        """It goes so from now on."""
        if state != self.state:
            logger.info("Telegram: %s", state)
        self.state = state


async def run(writer: Batcher, reader: Batcher, *, sending: bool = True) -> None:
    """Do what is to be done in Telegram for as long as we hold the post, and wait for it while we do not.

    For ever, until cancelled. Any number of processes may run this; Telegram's client is loaded by the one that
    has the post only. Without `sending`, deliveries are left to whoever runs `send`.
    """
    holder = post.new_holder()
    while True:
        told = Told()
        if not await _hold(writer, holder, told):
            await asyncio.sleep(post.RENEWED_S)
            continue
        working = asyncio.create_task(_work(writer, reader, told, sending=sending))
        try:
            await _renew(writer, holder, told, working)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            with contextlib.suppress(Unavailable):
                await writer.submit(post.leave_many, holder)


async def _hold(writer: Batcher, holder: str, told: Told) -> bool:
    try:
        return await writer.submit(post.hold_many, Wish(holder, told.state), durable=False)
    except Unavailable:
        return False


async def _renew(writer: Batcher, holder: str, told: Told, working: "asyncio.Task[None]") -> None:
    """Return when the post is lost, or may be lost as the database is away, or the work has ended."""
    loop = asyncio.get_running_loop()
    sure_until = loop.time() + post.HELD_S - post.RENEWED_S
    while loop.time() < sure_until and not working.done():
        await asyncio.wait([working], timeout=post.RENEWED_S)
        try:
            if not await writer.submit(post.hold_many, Wish(holder, told.state), durable=False):
                logger.warning("another process talks to Telegram now")
                return
            sure_until = loop.time() + post.HELD_S - post.RENEWED_S
        except Unavailable:
            continue


async def send(writer: Batcher, reader: Batcher) -> None:
    """Send deliveries for as long as no other process does. For ever, until cancelled."""
    mine = Held(SENDING, posts.new_holder())
    while True:
        if await _may_send(writer, mine):
            sending = asyncio.create_task(_send(writer, reader))
            try:
                while not sending.done() and await _may_send(writer, mine):
                    await asyncio.wait([sending], timeout=post.RENEWED_S)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
                with contextlib.suppress(Unavailable):
                    await writer.submit(posts.leave_many, mine)
        await asyncio.sleep(post.RENEWED_S)


async def _may_send(writer: Batcher, mine: Held) -> bool:
    """Whether no other process sends; unsure is no."""
    try:
        return await writer.submit(posts.hold_many, posts.Wish(mine.name, mine.holder, post.HELD_S), durable=False)
    except Unavailable:
        return False


async def _send(writer: Batcher, reader: Batcher) -> None:
    async with _client() as client:
        await _logged(Sender(client, writer, reader).run())


async def _work(writer: Batcher, reader: Batcher, told: Told, *, sending: bool) -> None:
    async with _client() as client, asyncio.TaskGroup() as group:
        group.create_task(_logged(_receive(client, writer, told)))
        group.create_task(_logged(Handling(client, writer, reader).run()))
        group.create_task(_logged(_forget(writer)))
        if sending:
            group.create_task(_logged(Sender(client, writer, reader).run()))


@contextlib.asynccontextmanager
async def _client() -> "AsyncIterator[Client]":
    # Loading takes a second or more and must not hold up the loop; only here, where it is needed.
    module: Any = await asyncio.to_thread(importlib.import_module, "besedka.telegram.client")
    client: Client = module.Client(settings.TELEGRAM_BOT_TOKEN, settings.TELEGRAM_API_BASE)
    try:
        yield client
    finally:
        await client.close()


async def _logged(part: Coroutine[Any, Any, None]) -> None:
    """One part that breaks down is a bug; the log has it, and all of them begin anew."""
    try:
        await part
    except Exception:
        logger.exception("a part of Telegram broke down; it begins anew")
        await asyncio.sleep(PAUSE_S)
        raise


async def _receive(client: "Client", writer: Batcher, told: Told) -> None:
    """Telegram brings updates to our webhook, or we ask for them."""
    if settings.TELEGRAM_WEBHOOK_URL:
        await _be_called(client, told)
    await _until_done(client.delete_webhook, told)
    await polling.poll(client, writer, told.tell)


async def _be_called(client: "Client", told: Told) -> None:
    while True:
        await _until_done(
            lambda: client.set_webhook(settings.TELEGRAM_WEBHOOK_URL, settings.TELEGRAM_WEBHOOK_SECRET), told
        )
        told.tell(health.OK)
        await asyncio.sleep(WEBHOOK_S)


async def _until_done(ask: Any, told: Told) -> None:
    pause_s = polling.FIRST_PAUSE_S
    while True:
        try:
            await ask()
            return
        except Failure as failure:
            told.tell(health.REFUSED if isinstance(failure, Refused) else health.UNREACHABLE)
            logger.warning("Telegram: %s", failure)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, polling.LONGEST_PAUSE_S)


async def _forget(writer: Batcher) -> None:
    while True:
        with contextlib.suppress(Unavailable):
            await writer.submit(updates.forget_many, timezone.now(), durable=False)
        await asyncio.sleep(FORGET_S)
