"""Where Telegram runs apart, and no Redis carries signals: we tell that process that there is something to send.

After the commit, and without what it is. Nobody waits for it, and what it does not hear of it finds by itself.
"""

import asyncio
import contextlib
import logging

from django.conf import settings

from besedka import outbound
from besedka.conversations import signals
from besedka.conversations.signals import Kinds
from besedka.problems import Problem
from besedka.telegram import internal, sender, updates

logger = logging.getLogger(__name__)

CALL_S = 3  # that one call may take
FIRST_PAUSE_S = 1.0  # after one that failed
LONGEST_PAUSE_S = 30.0

_TOPICS = {"deliver": frozenset(sender.CHANNELS), updates.KIND: frozenset({updates.TOPIC})}


async def run() -> None:
    """Call whenever something is new, for ever; what comes while a call is under way is one more call."""
    loop = asyncio.get_running_loop()
    news = asyncio.Event()

    def hear(kinds: Kinds) -> None:
        if any(not topics.isdisjoint(kinds.get(kind, ())) for kind, topics in _TOPICS.items()):
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody calls any more
                loop.call_soon_threadsafe(news.set)

    signals.relay_to(hear)
    pause_s = FIRST_PAUSE_S
    async with outbound.client_inside(f"{settings.BOT_HOST}:{settings.BOT_PORT}") as client:
        while True:
            await news.wait()
            news.clear()
            fault = await _call(client)
            if not fault:
                pause_s = FIRST_PAUSE_S
                continue
            if pause_s == FIRST_PAUSE_S:
                logger.warning("the process that talks to Telegram was not woken: %s", fault)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


async def _call(client: outbound.Client) -> str:
    """Wake it; what went wrong, or nothing."""
    host = f"[{settings.BOT_HOST}]" if ":" in settings.BOT_HOST else settings.BOT_HOST
    try:
        answer = await client.post(
            f"http://{host}:{settings.BOT_PORT}{internal.WAKE}",
            headers={"Authorization": f"Bearer {settings.BOT_SECRET}"},
            timeout=CALL_S,
        )
    except (*outbound.FAILURES, Problem) as error:
        return type(error).__name__
    return "" if answer.status_code == 204 else f"HTTP {answer.status_code}"
