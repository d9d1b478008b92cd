import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import make
import pytest
from django.db import OperationalError

from besedka.conversations import log
from besedka.conversations.batcher import TRIES, Batcher
from besedka.conversations.log import Append
from besedka.conversations.models import Inbox, Message
from besedka.problems import NotFound, Unavailable

pytestmark = pytest.mark.django_db(transaction=True)


def with_writer(act: Callable[[Batcher], Awaitable[Any]]) -> Any:
    """Run `act` with a writer that is stopped afterwards."""

    async def run() -> Any:
        writer = Batcher("writer", writes=True)
        writer.start()
        try:
            return await act(writer)
        finally:
            await asyncio.to_thread(writer.stop)

    return asyncio.run(run())


def test_everything_that_queued_goes_into_one_batch():
    sizes, gate = [], threading.Event()

    def work(items: list[int]) -> list[int]:
        gate.wait(5)
        sizes.append(len(items))
        return items

    async def act(writer: Batcher) -> list[int]:
        first = writer.submit(work, 0)
        await asyncio.sleep(0.1)
        rest = [writer.submit(work, number) for number in range(1, 40)]
        gate.set()
        return [await first, *await asyncio.gather(*rest)]

    assert with_writer(act) == list(range(40))
    assert sizes == [1, 39]


def test_fifty_first_messages_at_once_make_one_conversation_with_fifty_messages():
    address = make.address(make.inbox())

    async def act(writer: Batcher) -> list[Any]:
        appends = [Append("contact", str(number), address=address) for number in range(50)]
        return await asyncio.gather(*(writer.submit(log.append_many, append) for append in appends))

    entries = with_writer(act)

    assert {entry.conversation_id for entry in entries} == {entries[0].conversation_id}
    assert sorted(entry.seq for entry in entries) == list(range(1, 51))
    assert Message.objects.count() == 50


def test_a_refusal_is_raised_at_the_one_who_asked():
    address = make.address(make.inbox())

    async def act(writer: Batcher) -> list[Any]:
        good = writer.submit(log.append_many, Append("contact", "hello", address=address))
        bad = writer.submit(log.append_many, Append("bot", "hello", conversation_id=99))
        return await asyncio.gather(good, bad, return_exceptions=True)

    good, bad = with_writer(act)

    assert good.seq == 1
    assert isinstance(bad, NotFound)


def test_one_poisoned_item_spoils_none_of_the_others():
    gate = threading.Event()

    def work(items: list[str]) -> list[str]:
        gate.wait(5)
        for item in items:
            Inbox.objects.create(name=item)
            if item == "poison":
                raise ValueError(item)
        return items

    async def act(writer: Batcher) -> list[Any]:
        jobs = [writer.submit(work, item) for item in ("a", "poison", "b")]
        gate.set()
        return await asyncio.gather(*jobs, return_exceptions=True)

    a, poison, b = with_writer(act)

    assert (a, b) == ("a", "b")
    assert isinstance(poison, ValueError)
    assert sorted(Inbox.objects.values_list("name", flat=True)) == ["a", "b"]


def test_a_database_that_is_away_for_a_moment_is_asked_again():
    tried = []

    def work(items: list[int]) -> list[int]:
        tried.append(1)
        if len(tried) < TRIES:
            raise OperationalError("deadlock detected")
        return items

    async def act(writer: Batcher) -> int:
        return await writer.submit(work, 7)

    assert with_writer(act) == 7


def test_a_database_that_stays_away_is_told():
    def work(items: list[int]) -> list[int]:
        raise OperationalError("database or disk is full")

    async def act(writer: Batcher) -> list[Any]:
        return await asyncio.gather(writer.submit(work, 1), return_exceptions=True)

    [refusal] = with_writer(act)

    assert isinstance(refusal, Unavailable)


def test_stopping_finishes_what_was_submitted():
    address = make.address(make.inbox())

    async def run() -> None:
        writer = Batcher("writer", writes=True)
        writer.start()
        for number in range(20):
            writer.submit(log.append_many, Append("contact", str(number), address=address))
        await asyncio.to_thread(writer.stop)

    asyncio.run(run())

    assert Message.objects.count() == 20
