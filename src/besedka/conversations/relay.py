"""Signals between processes, over Redis pub/sub. What Redis loses, the sweep finds."""

import asyncio
import contextlib
import logging
import secrets
from collections import deque

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from besedka.conversations import signals
from besedka.conversations.signals import Kinds

logger = logging.getLogger(__name__)

CHANNEL = "besedka:signals"
WAITING = 10_000  # signals that wait while Redis is slow or away; older ones are dropped, the sweep has them
RETRY_S = 1


class Envelope(msgspec.Struct):
    """What travels: who sent it, and what is new."""

    sender: str
    kinds: dict[str, list[int | str]]


async def run(redis_url: str) -> None:
    """Bring our signals to the other processes and theirs to us, for ever, with or without Redis."""
    me = secrets.token_hex(8)
    loop = asyncio.get_running_loop()
    outbox: deque[Kinds] = deque(maxlen=WAITING)
    filled = asyncio.Event()

    def post(kinds: Kinds) -> None:
        if any(kinds.values()):
            outbox.append(kinds)
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody carries signals any more
                loop.call_soon_threadsafe(filled.set)

    signals.relay_to(post)
    while True:
        try:
            async with (
                redis.asyncio.from_url(redis_url, socket_connect_timeout=2, health_check_interval=10) as client,
                client.pubsub(ignore_subscribe_messages=True) as inbound,
            ):
                await inbound.subscribe(CHANNEL)
                async with asyncio.TaskGroup() as both:
                    both.create_task(_publish(client, me, outbox, filled))
                    both.create_task(_receive(inbound, me))
        except* (RedisError, OSError) as errors:
            logger.warning("signals stay in this process, Redis is away: %s", errors.exceptions[0])
        await asyncio.sleep(RETRY_S)


async def _publish(client: redis.asyncio.Redis, me: str, outbox: deque[Kinds], filled: asyncio.Event) -> None:
    while True:
        await filled.wait()
        filled.clear()
        while outbox:
            merged: dict[str, list[int | str]] = {}
            while outbox:
                for kind, topics in outbox.popleft().items():
                    merged.setdefault(kind, []).extend(topics)
            await client.publish(CHANNEL, msgspec.json.encode(Envelope(me, merged)))


async def _receive(inbound: "redis.asyncio.client.PubSub", me: str) -> None:
    async for message in inbound.listen():
        try:
            envelope = msgspec.json.decode(message["data"], type=Envelope)
        except msgspec.MsgspecError:
            logger.warning("a signal from Redis cannot be read")
            continue
        if envelope.sender != me:
            signals.deliver(envelope.kinds)
