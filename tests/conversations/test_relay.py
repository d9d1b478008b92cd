"""Signals between processes, over the real Redis."""

import asyncio
import contextlib
import secrets
from collections.abc import Iterator

import msgspec
import pytest
import redis
import redis.asyncio
import services

from besedka.conversations import relay, signals, speech


@pytest.fixture
def url() -> str:
    """Of the real Redis."""
    return services.url("Redis")


@pytest.fixture(autouse=True)
def channel(monkeypatch: pytest.MonkeyPatch, url: str) -> Iterator[str]:
    """A channel that no other test uses."""
    name = f"besedka:test:{secrets.token_hex(4)}"
    monkeypatch.setattr(relay, "CHANNEL", name)
    yield name
    signals.detach()
    speech.forget_relays()


async def with_relay(url: str, act) -> object:
    signals.attach(asyncio.get_running_loop())
    task = asyncio.create_task(relay.run(url, relay.CHANNEL))
    await asyncio.sleep(0.3)
    try:
        return await act()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_what_another_process_signals_wakes_who_listens_here(channel, url):
    async def act() -> set[str]:
        with signals.listen(7, frozenset({"new"})) as woken:
            async with redis.asyncio.from_url(url) as other:
                envelope = relay.Envelope("another process", {"new": [7]})
                await other.publish(channel, msgspec.json.encode(envelope))
            return await woken.wait(5)

    assert asyncio.run(with_relay(url, act)) == {"new"}


def test_our_signals_reach_the_other_processes_and_do_not_come_back(channel, url):
    async def act() -> tuple[dict[str, list[int]], set[str], set[str]]:
        async with (
            redis.asyncio.from_url(url) as other,
            other.pubsub(ignore_subscribe_messages=True) as inbound,
        ):
            await inbound.subscribe(channel)
            await asyncio.sleep(0.1)
            with signals.listen(7, frozenset({"new"})) as woken:
                signals.send_many({"new": [7]})
                first = await woken.wait(5)
                message = None
                while message is None:
                    message = await inbound.get_message(timeout=5)
                again = await woken.wait(0.3)
            return msgspec.json.decode(message["data"], type=relay.Envelope).kinds, first, again

    assert asyncio.run(with_relay(url, act)) == ({"new": [7]}, {"new"}, set())


def test_nonsense_on_the_channel_harms_nobody(channel, url):
    async def act() -> set[str]:
        with signals.listen(7, frozenset({"new"})) as woken:
            async with redis.asyncio.from_url(url) as other:
                await other.publish(channel, b"nonsense")
                await other.publish(channel, msgspec.json.encode(relay.Envelope("other", {"new": [7]})))
            return await woken.wait(5)

    assert asyncio.run(with_relay(url, act)) == {"new"}


def test_without_redis_signals_stay_in_this_process(channel):
    async def act() -> set[str]:
        with signals.listen(7, frozenset({"new"})) as woken:
            signals.send_many({"new": [7]})
            return await woken.wait(5)

    assert asyncio.run(with_relay("redis://127.0.0.1:1", act)) == {"new"}


def test_what_a_bot_says_in_another_process_is_heard_here(channel, url):
    async def act() -> list[dict[str, str]]:
        listener = speech.Listener()
        with signals.listen(7, frozenset({"delta"})) as woken:
            async with redis.asyncio.from_url(url) as other:
                envelope = relay.Envelope("another process", {}, {7: speech.Speech("t1", "Two da")})
                await other.publish(channel, msgspec.json.encode(envelope))
                await woken.wait(5)
                said = listener.news(7)
                envelope = relay.Envelope("another process", {}, {7: speech.Speech("", "")})
                await other.publish(channel, msgspec.json.encode(envelope))
                await woken.wait(5)
        return said + listener.news(7)

    assert asyncio.run(with_relay(url, act)) == [
        {"type": "delta", "turn": "t1", "text": "Two da"},
        {"type": "delta_end", "turn": "t1"},
    ]


def test_what_a_bot_says_here_is_heard_in_the_other_processes(channel, url):
    async def act() -> dict[int, speech.Speech]:
        async with (
            redis.asyncio.from_url(url) as other,
            other.pubsub(ignore_subscribe_messages=True) as inbound,
        ):
            await inbound.subscribe(channel)
            await asyncio.sleep(0.1)
            speech.aloud(7, "Two")
            speech.aloud(7, "Two days")
            async with asyncio.timeout(5):
                async for message in inbound.listen():
                    speech.silence(7)
                    return msgspec.json.decode(message["data"], type=relay.Envelope).speeches
        raise AssertionError("nothing came")

    heard = asyncio.run(with_relay(url, act))

    assert [said.text for said in heard.values()] == ["Two days"]  # type: ignore[attr-defined]
