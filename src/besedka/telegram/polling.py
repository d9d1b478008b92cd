"""Asking Telegram for updates, for ever. What came is in the database before Telegram is told that we have it."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from besedka.conversations.batcher import Batcher
from besedka.problems import Unavailable
from besedka.telegram import health, updates
from besedka.telegram.failures import Conflict, Failure, Later, Refused
from besedka.telegram.updates import Arrived

if TYPE_CHECKING:
    from besedka.telegram.client import Client

logger = logging.getLogger(__name__)

WAIT_S = 25  # that Telegram waits for something before it answers that there is nothing
EMPTY_S = 0.5  # that an empty answer takes at least
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0


class Confused(Failure):
    """What came are no updates."""


async def poll(client: "Client", writer: Batcher, tell: Callable[[str], None]) -> None:
    """Keep whatever comes, until cancelled; `tell` is told how it goes.

    The offset is not kept: an empty answer confirms all that came before, and after a start what is not confirmed
    comes again and is known. So an id that is lower than the last one, as Telegram may give after a quiet week, is
    not passed over.
    """
    offset: int | None = None
    pause_s = FIRST_PAUSE_S
    wait_s = 0  # at first, and after a failure: so that we soon know how it goes
    while True:
        try:
            offset = await _poll_once(client, writer, offset, wait_s)
            wait_s = WAIT_S
        except (Failure, Unavailable) as failure:
            tell(_state_after(failure))
            if pause_s == FIRST_PAUSE_S:
                logger.warning("Telegram gives no updates: %s", failure)
            told_s = failure.after_s if isinstance(failure, Later) else None
            await asyncio.sleep(max(pause_s, min(told_s or 0, LONGEST_PAUSE_S)))
            pause_s, wait_s = min(pause_s * 2, LONGEST_PAUSE_S), 0
        else:
            tell(health.OK)
            pause_s = FIRST_PAUSE_S


async def _poll_once(client: "Client", writer: Batcher, offset: int | None, wait_s: int) -> int | None:
    """Ask once and keep what came; the next offset."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    came = await client.updates(offset, wait_s=wait_s)
    ids = [update_id for body in came if (update_id := updates.id_of(body)) is not None]
    if not came and loop.time() - began < min(EMPTY_S, wait_s):
        await asyncio.sleep(EMPTY_S)  # it does not wait for something as it was asked to: we wait for it
    if came and not ids:
        raise Confused("no update among what came has an id")
    await asyncio.gather(*(_keep(writer, body) for body in came))
    return max(ids) + 1 if ids else None


async def _keep(writer: Batcher, body: Any) -> None:
    if updates.id_of(body) is None:
        logger.error("an update without an id cannot be kept")
    else:
        await writer.submit(updates.keep_many, Arrived(body, "polling"))


def _state_after(failure: Exception) -> str:
    if isinstance(failure, Conflict):
        return health.CONFLICT
    return health.REFUSED if isinstance(failure, Refused) else health.UNREACHABLE
