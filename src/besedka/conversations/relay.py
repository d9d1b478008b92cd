"""Signals between processes, over Redis pub/sub. What Redis loses, the sweep finds.

With them travels what is forgotten anyway, and no message: what bots are saying just now, and the `Hearsay` of
those who want the other processes to know roughly what they know.
"""

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
import redis.asyncio
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from besedka.conversations import signals
from besedka.conversations import speech as speeches
from besedka.conversations.signals import Kinds
from besedka.conversations.speech import Speech
from besedka.figures import counted

logger = logging.getLogger(__name__)

CHANNEL = "besedka:signals"
WAITING = 10_000  # signals that wait while Redis is slow or away; older ones are dropped, the sweep has them
RETRY_S = 1
SENT, RECEIVED, LOST = (counted.SIGNALS.labels(way) for way in ("sent", "received", "lost"))
HEARSAY_S = 0.5  # seconds until the other processes hear what is known here


class Hearsay(Protocol):
    """What each process knows for itself, and wants the others to know. Both are called on the relay's loop."""

    def tell(self) -> Any:
        """What the others have not been told yet, as JSON; None for nothing. Told once, and perhaps lost."""

    def hear(self, sender: str, told: Any) -> None:
        """What another process knows. Raises `TypeError` or `ValueError` for what it cannot have said."""


class Envelope(msgspec.Struct):
    """What travels: who sent it, and what is new."""

    sender: str
    kinds: dict[str, list[int | str]]
    speeches: dict[int, Speech] = {}
    hearsay: dict[str, Any] = {}


async def run(redis_url: str, channel: str = CHANNEL, hearsay: Mapping[str, Hearsay] | None = None) -> None:
    """Bring our signals to the other processes and theirs to us, for ever, with or without Redis.

    `channel` is the installation's own: two of them may share a Redis and do not hear each other. `hearsay` goes
    along, by its name.
    """
    hearsay = hearsay or {}
    me = secrets.token_hex(8)
    loop = asyncio.get_running_loop()
    outbox: deque[Kinds] = deque(maxlen=WAITING)
    said: dict[int, Speech] = {}  # the newest of each: what it said before is in it
    filled = asyncio.Event()

    def post(kinds: Kinds) -> None:
        if any(kinds.values()):
            if len(outbox) == WAITING:
                LOST.inc()
            outbox.append(kinds)
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody carries signals any more
                loop.call_soon_threadsafe(filled.set)

    def speak(conversation_id: int, speech: Speech) -> None:
        said[conversation_id] = speech
        filled.set()  # a bot speaks on this loop

    signals.relay_to(post)
    speeches.relay_to(speak)
    while True:
        try:
            async with (
                redis.asyncio.from_url(redis_url, socket_connect_timeout=2, health_check_interval=10) as client,
                client.pubsub(ignore_subscribe_messages=True) as inbound,
            ):
                await inbound.subscribe(channel)
                async with asyncio.TaskGroup() as both:
                    both.create_task(_publish(client, channel, me, outbox, said, filled))
                    both.create_task(_receive(inbound, me, hearsay))
                    both.create_task(_gossip(client, channel, me, hearsay))
        except* (RedisError, OSError) as errors:
            logger.warning("signals stay in this process, Redis is away: %s", errors.exceptions[0])
        await asyncio.sleep(RETRY_S)


def state(redis_url: str) -> str:
    """`ok` or `away`: whether Redis answers, within two seconds."""
    at_once = Retry(NoBackoff(), 0)
    try:
        with redis.Redis.from_url(redis_url, socket_connect_timeout=1, socket_timeout=1, retry=at_once) as client:
            client.ping()
    except (RedisError, OSError, ValueError):  # the last: no address of a Redis
        return "away"
    return "ok"


async def _publish(
    client: redis.asyncio.Redis,
    channel: str,
    me: str,
    outbox: deque[Kinds],
    said: dict[int, Speech],
    filled: asyncio.Event,
) -> None:
    while True:
        await filled.wait()
        filled.clear()
        while outbox or said:
            merged: dict[str, list[int | str]] = {}
            while outbox:
                for kind, topics in outbox.popleft().items():
                    merged.setdefault(kind, []).extend(topics)
            speaking = dict(said)
            said.clear()
            count = sum(map(len, merged.values()))
            try:
                await client.publish(channel, msgspec.json.encode(Envelope(me, merged, speaking)))
            except (RedisError, OSError):
                LOST.inc(count)
                raise
            SENT.inc(count)


async def _gossip(client: redis.asyncio.Redis, channel: str, me: str, hearsay: Mapping[str, Hearsay]) -> None:
    while True:
        news = {name: told for name, one in hearsay.items() if (told := one.tell()) is not None}
        if news:
            await client.publish(channel, msgspec.json.encode(Envelope(me, {}, {}, news)))
        await asyncio.sleep(HEARSAY_S)


async def _receive(inbound: "redis.asyncio.client.PubSub", me: str, hearsay: Mapping[str, Hearsay]) -> None:
    async for message in inbound.listen():
        try:
            envelope = msgspec.json.decode(message["data"], type=Envelope)
        except msgspec.MsgspecError:
            logger.warning("a signal from Redis cannot be read")
            continue
        if envelope.sender != me:
            RECEIVED.inc(sum(map(len, envelope.kinds.values())))
            signals.deliver(envelope.kinds)
            for conversation_id, speech in envelope.speeches.items():
                speeches.overhear(conversation_id, speech)
            for name, told in envelope.hearsay.items():
                if name in hearsay:
                    try:
                        hearsay[name].hear(envelope.sender, told)
                    except (TypeError, ValueError):
                        logger.warning("hearsay of %s cannot be read", name)
