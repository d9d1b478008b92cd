"""A Bot API server of the tests' own, and what of Telegram's part of the house a test wants, in this process."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import telegram_server
from django.db import connection

from besedka.conversations import signals
from besedka.conversations.batcher import Batcher
from besedka.telegram import loop as telegram_loop
from besedka.telegram import pace, polling
from besedka.telegram.client import Client


@pytest.fixture
def telegram(settings: Any) -> Iterator[telegram_server.Telegram]:
    """A server that this process talks to."""
    with telegram_server.running() as telegram:
        settings.TELEGRAM_BOT_TOKEN = telegram_server.TOKEN
        settings.TELEGRAM_API_BASE = telegram.url
        yield telegram


@dataclass
class Parts:
    """What the parts of Telegram's loop are made of."""

    client: Client
    writer: Batcher
    reader: Batcher


@pytest.fixture
def with_parts(telegram: telegram_server.Telegram) -> Callable[..., Any]:
    """Run something that takes `Parts`, beside coroutines that run as long."""

    def with_parts(act: Callable[[Parts], Awaitable[Any]], *beside: Callable[[Parts], Awaitable[None]]) -> Any:
        async def run() -> Any:
            writer, reader = Batcher("writer", writes=True), Batcher("reader", writes=False)
            writer.start()
            reader.start()
            signals.attach(asyncio.get_running_loop())
            parts = Parts(Client(telegram_server.TOKEN, telegram.url), writer, reader)
            tasks = [asyncio.ensure_future(one(parts)) for one in beside]
            try:
                return await act(parts)
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
                await parts.client.close()
                await asyncio.to_thread(writer.stop)
                await asyncio.to_thread(reader.stop)
                signals.detach()
                assert [error for error in ended if not isinstance(error, asyncio.CancelledError)] == []

        return asyncio.run(run())

    return with_parts


@pytest.fixture
def until() -> Callable[..., Awaitable[Any]]:
    """Wait for something that the database, or the server, says."""

    async def until(holds: Callable[[], Any], *, within_s: float = 15) -> Any:
        def asked() -> Any:
            try:
                return holds()
            finally:
                connection.close()

        loop = asyncio.get_running_loop()
        end = loop.time() + within_s
        while loop.time() < end:
            if found := await asyncio.to_thread(asked):
                return found
            await asyncio.sleep(0.02)
        raise AssertionError("it did not come to pass")

    return until


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """People who may be written to as often as one likes."""
    monkeypatch.setattr(pace, "CHAT_S", 0.0)
    monkeypatch.setattr(pace, "ALL_S", 0.0)
    monkeypatch.setattr(polling, "FIRST_PAUSE_S", 0.02)


@contextlib.contextmanager
def _office() -> Iterator[None]:
    """Telegram's part of the house runs in a thread beside the test, on the test's database."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    over = asyncio.Event()
    ended: list[BaseException | None] = []

    async def run() -> None:
        writer, reader = Batcher("writer", writes=True), Batcher("reader", writes=False)
        writer.start()
        reader.start()
        signals.attach(asyncio.get_running_loop())
        working = asyncio.create_task(telegram_loop.run(writer, reader))
        ready.set()
        await over.wait()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await asyncio.to_thread(writer.stop)
        await asyncio.to_thread(reader.stop)
        signals.detach()
        ended.append(None if working.cancelled() else working.exception())

    thread = threading.Thread(target=lambda: (loop.run_until_complete(run()), loop.close()))
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
    assert ended == [None]


@pytest.fixture
def running(telegram: telegram_server.Telegram, fast: None, transactional_db: None) -> Iterator[None]:
    """Operators in Telegram are served while the test runs."""
    with _office():
        yield


@pytest.fixture
def office(transactional_db: None) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Telegram's part of the house, for a test that begins it itself."""
    return _office
