"""Deliveries go out to Telegram: in order for each person, and no faster than Telegram takes them."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import transaction

from besedka import about
from besedka.conversations import deliveries, mirror, signals
from besedka.conversations.batcher import Batcher
from besedka.conversations.deliveries import Beginning, Delivered, Due, Parked
from besedka.desk import outside
from besedka.desk.outside import TELEGRAM
from besedka.figures import counted
from besedka.problems import Unavailable
from besedka.telegram.failures import Blocked, Failure, Later, Never
from besedka.telegram.letters import Letters
from besedka.telegram.pace import Pace

if TYPE_CHECKING:
    from besedka.telegram.client import Client

logger = logging.getLogger(__name__)

CHANNELS = (TELEGRAM, mirror.CHANNEL)  # to operators, and to people about what they posted
WAKE = "send"  # the kind of signal by which a task says what `deliver` says after a commit
AT_ONCE = 50  # deliveries on their way, of each channel
SWEEP_S = 1.0  # those that were put off, and those whose signal was lost
LONGEST_PAUSE_S = 60.0
STOP_S = 5.0  # that what is on its way has, when we are asked to end
PAUSE_S = 1.0


class Lost(msgspec.Struct, frozen=True):
    """A delivery to somebody who does not want to hear from us."""

    id: int
    channel: str
    recipient: str
    reason: str


class Sender:
    """What is on its way from this process."""

    def __init__(self, client: "Client", writer: Batcher, reader: Batcher) -> None:
        """The database by its batchers."""
        self._writer = writer
        self._pace = Pace()
        self._letters = Letters(client, reader, self._pace)
        self._on_their_way: dict[int, asyncio.Task[None]] = {}
        self._of_channel = dict.fromkeys(CHANNELS, 0)

    async def run(self) -> None:
        """Send whatever is to be sent, until cancelled; then what was begun ends first."""
        try:
            with signals.listen_to_all(CHANNELS, frozenset({"deliver", WAKE})) as woken:
                while True:
                    with contextlib.suppress(Unavailable):
                        await self._begin()
                    await woken.wait(SWEEP_S)
        finally:
            self._pace.stop()
            tasks = list(self._on_their_way.values())
            if tasks:
                await asyncio.wait(tasks, timeout=STOP_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self) -> None:
        wishes = [
            Beginning(channel, AT_ONCE - taken) for channel, taken in self._of_channel.items() if taken < AT_ONCE
        ]
        for found in await asyncio.gather(*(self._writer.submit(deliveries.begin_many, wish) for wish in wishes)):
            for due in found:
                if due.id not in self._on_their_way:  # else its end could not be noted for a minute, and will be
                    self._on_their_way[due.id] = asyncio.create_task(self._send(due))
                    self._of_channel[due.channel] += 1

    async def _send(self, due: Due) -> None:
        about.note(delivery=due.id, conversation=due.conversation_id)
        try:
            work, end = await self._outcome(due)
            counted.DELIVERIES.labels(due.channel, _OUTCOMES[work]).inc()
            while True:  # what became of it is too dear to be forgotten
                try:
                    await self._writer.submit(work, end)
                    return
                except Unavailable:
                    await asyncio.sleep(PAUSE_S)
        except Exception:
            logger.exception("delivery %d: its end was not noted", due.id)
        finally:
            self._on_their_way.pop(due.id, None)
            self._of_channel[due.channel] -= 1
            signals.deliver({"deliver": [due.channel]})

    async def _outcome(self, due: Due) -> tuple[Callable[[list[Any]], Sequence[Any]], Any]:
        """Send it; what is to be noted about it, and by which function."""
        try:
            external_id = await self._letters.send(due)
        except Blocked as failure:
            return lost_many, Lost(due.id, due.channel, due.recipient, str(failure))
        except Never as failure:
            return park_many, Parked(due.id, str(failure))
        except Later as failure:
            after_s = failure.after_s if failure.after_s is not None else _pause_s(due.attempts)
            return deliveries.later_many, deliveries.Later(due.id, after_s, str(failure))
        except Unavailable as problem:  # nothing was asked of Telegram: what we need to know could not be read
            return deliveries.later_many, deliveries.Later(due.id, PAUSE_S, str(problem))
        except Failure as failure:
            return deliveries.unclear_many, deliveries.Unclear(due.id, str(failure))
        except Exception as error:
            logger.exception("delivery %d could not be sent", due.id)
            return deliveries.unclear_many, deliveries.Unclear(due.id, f"{type(error).__name__}: {error}")
        return deliveries.delivered_many, Delivered(due.id, external_id)


def _pause_s(attempts: int) -> float:
    """1, 2, 4 … seconds."""
    return min(2.0 ** min(attempts - 1, 10), LONGEST_PAUSE_S)


def park_many(ends: Sequence[Parked]) -> Sequence[None]:
    """These are given up, and it is in our log."""
    for end in ends:
        logger.error("delivery %d to Telegram is parked: %s", end.id, end.reason)
    return deliveries.park_many(ends)


@transaction.atomic(savepoint=False)
def lost_many(lost: Sequence[Lost]) -> list[None]:
    """These are given up, and so is what else waits for their recipients.

    Whom an operator among them talked to waits for the next one.
    """
    deliveries.park_many([Parked(one.id, one.reason) for one in lost])
    chats = sorted({(one.channel, one.recipient) for one in lost})
    outside.lost_many([outside.Lost(recipient) for channel, recipient in chats if channel == TELEGRAM])
    for channel, recipient in chats:
        if channel == mirror.CHANNEL:
            deliveries.park_all(channel, recipient, "this person has blocked the bot")
    return [None] * len(lost)


_OUTCOMES = {  # in figures
    deliveries.delivered_many: "delivered",
    deliveries.later_many: "later",
    deliveries.unclear_many: "unclear",
    park_many: "parked",
    lost_many: "lost",
}
