import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import make
import pytest
from django.db import OperationalError, connection

from besedka.conversations import batcher, log, rows, sql
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


def test_who_no_longer_waits_does_not_disturb_the_others():
    gate = threading.Event()

    def work(items: list[int]) -> list[int]:
        gate.wait(5)
        return items

    async def act(writer: Batcher) -> tuple[bool, int]:
        left, stays = writer.submit(work, 1), writer.submit(work, 2)
        left.cancel()
        gate.set()
        return left.cancelled(), await stays

    assert with_writer(act) == (True, 2)


def test_who_reads_little_does_not_wait_for_another_who_reads_much():
    gate, long = threading.Event(), threading.Event()

    def hold(items: list[int]) -> list[int]:
        gate.wait(5)
        return items

    def much(items: list[int]) -> list[bool]:
        return [long.wait(5)] * len(items)

    def little(items: list[int]) -> list[int]:
        return items

    async def run() -> tuple[int, bool, bool]:
        reader = Batcher("reader", writes=False)
        reader.start()
        try:
            reader.submit(hold, 0)
            await asyncio.sleep(0.1)
            read_little, read_much = reader.submit(little, 1), reader.submit(much, 2)  # one batch
            gate.set()
            first = await read_little
            waits = not read_much.done()
            long.set()
            return first, waits, await read_much
        finally:
            await asyncio.to_thread(reader.stop)

    assert asyncio.run(run()) == (1, True, True)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="with several writers each kind has its own")
def test_different_kinds_of_work_are_one_transaction():
    address, gate = make.address(make.inbox()), threading.Event()

    def hold(items: list[int]) -> list[bool]:
        gate.wait(5)
        return [connection.in_atomic_block] * len(items)

    def count(items: list[None]) -> list[int]:
        return [Message.objects.count()] * len(items)

    async def act(writer: Batcher) -> list[Any]:
        writer.submit(hold, 0)
        await asyncio.sleep(0.1)
        append = writer.submit(log.append_many, Append("contact", "hello", address=address))
        counted, held = writer.submit(count, None), writer.submit(hold, 1)
        gate.set()
        return [(await append).seq, await counted, await held]

    assert with_writer(act) == [1, 1, True]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_two_processes_that_lock_the_other_way_round_do_not_meet_in_a_deadlock(caplog):
    one, two = make.conversation().pk, make.conversation().pk
    both_hold = threading.Barrier(2)

    def lock(ids: list[int]) -> list[int]:
        rows.lock_many(ids)
        both_hold.wait(30)
        return ids

    def lock_another(ids: list[int]) -> list[int]:
        rows.lock_many(ids)
        return ids

    async def run() -> list[int]:
        writers = [Batcher(f"writer {number}", writes=True) for number in range(2)]
        jobs = [
            writer.submit(work, conversation_id)
            for writer, order in zip(writers, [(one, two), (two, one)], strict=True)
            for work, conversation_id in zip((lock, lock_another), order, strict=True)
        ]
        for writer in writers:
            writer.start()
        try:
            return await asyncio.gather(*jobs)
        finally:
            for writer in writers:
                await asyncio.to_thread(writer.stop)

    assert asyncio.run(run()) == [one, two, two, one]
    assert caplog.messages == []  # no second try


def test_a_reader_opens_no_transaction():
    def look(items: list[None]) -> list[bool]:
        return [connection.in_atomic_block] * len(items)

    async def run() -> bool:
        reader = Batcher("reader", writes=False)
        reader.start()
        try:
            return await reader.submit(look, None)
        finally:
            await asyncio.to_thread(reader.stop)

    assert not asyncio.run(run())


def test_when_too_much_waits_the_next_is_told_to_come_again(monkeypatch):
    monkeypatch.setattr(batcher, "MAX_QUEUE", 5)
    gate = threading.Event()

    def work(items: list[int]) -> list[int]:
        gate.wait(5)
        return items

    async def act(writer: Batcher) -> list[Any]:
        first = writer.submit(work, 0)
        await asyncio.sleep(0.1)
        jobs = [first, *(writer.submit(work, number) for number in range(1, 8))]
        gate.set()
        return await asyncio.gather(*jobs, return_exceptions=True)

    results = with_writer(act)

    assert results[:6] == list(range(6))
    assert all(isinstance(result, Unavailable) for result in results[6:])


def test_more_than_a_batch_takes_several_and_keeps_the_order(monkeypatch):
    monkeypatch.setattr(batcher, "MAX_BATCH", 10)
    address = make.address(make.inbox())

    async def act(writer: Batcher) -> list[Any]:
        appends = [Append("contact", str(number), address=address) for number in range(35)]
        return await asyncio.gather(*(writer.submit(log.append_many, append) for append in appends))

    assert [entry.seq for entry in with_writer(act)] == list(range(1, 36))


def test_a_connection_that_died_is_replaced():
    address = make.address(make.inbox())

    def die(items: list[None]) -> list[None]:
        connection.connection.close()
        raise OperationalError("the connection is dead")

    async def act(writer: Batcher) -> Any:
        dead = writer.submit(die, None)
        await asyncio.gather(dead, return_exceptions=True)
        return await writer.submit(log.append_many, Append("contact", "hello", address=address))

    assert with_writer(act).seq == 1


def test_two_processes_that_make_the_same_contact_at_once_both_get_through():
    """Two writers with a connection each; the loser's first try meets the row that the winner has just made."""
    inbox = make.inbox()
    addresses = [make.address(inbox) for _ in range(20)]

    async def run() -> list[Any]:
        writers = [Batcher(f"writer {number}", writes=True) for number in range(2)]
        for writer in writers:
            writer.start()
        try:
            jobs = [
                writer.submit(log.append_many, Append("contact", "hello", address=address, client_id="one"))
                for address in addresses
                for writer in writers
            ]
            return await asyncio.gather(*jobs)
        finally:
            for writer in writers:
                await asyncio.to_thread(writer.stop)

    entries = asyncio.run(run())

    assert {entry.seq for entry in entries} == {1}
    assert Message.objects.count() == 20


@pytest.mark.skipif(connection.vendor == "mysql", reason="MariaDB's durability is not a matter of the session")
def test_what_is_durable_waits_for_the_disk_and_takes_its_company_along():
    question, lasting = {
        "sqlite": ("PRAGMA synchronous", {2: True, 1: False}),
        "postgresql": ("SHOW synchronous_commit", {"on": True, "off": False}),
    }[connection.vendor]
    gate = threading.Event()

    def look(items: list[int]) -> list[bool]:
        gate.wait(5)
        [(value,)] = sql.select(question, [])
        return [lasting[value]] * len(items)

    async def act(writer: Batcher) -> list[Any]:
        gate.set()
        alone = [await writer.submit(look, 1, durable=durable) for durable in (False, True, False)]
        gate.clear()
        writer.submit(look, 0, durable=False)
        await asyncio.sleep(0.1)
        company = [writer.submit(look, number, durable=number == 2) for number in range(3)]
        gate.set()
        return [alone, await asyncio.gather(*company)]

    assert with_writer(act) == [[False, True, False], [True, True, True]]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only there connections go from hand to hand")
def test_no_transaction_inherits_that_another_one_need_not_wait_for_the_disk(settings):
    """Behind PgBouncer, whoever had this session before us may have left anything."""
    settings.PGBOUNCER = True

    def leave(items: list[str]) -> list[str]:
        sql.select("SELECT set_config('synchronous_commit', %s, false)", items[:1])
        return items

    def look(items: list[None]) -> list[str]:
        [(value,)] = sql.select("SHOW synchronous_commit", [])
        return [value] * len(items)

    async def act(writer: Batcher) -> list[str]:
        await writer.submit(leave, "off")
        return [await writer.submit(look, None), await writer.submit(look, None, durable=False)]

    assert with_writer(act) == ["on", "off"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only there connections go from hand to hand")
def test_what_need_not_wait_for_the_disk_leaves_no_trace_in_its_session():
    def look(items: list[None]) -> list[str]:
        [(value,)] = sql.select("SHOW synchronous_commit", [])
        return [value] * len(items)

    async def act(writer: Batcher) -> list[str]:
        return [await writer.submit(look, None, durable=durable) for durable in (False, True, False, True)]

    assert with_writer(act) == ["off", "on", "off", "on"]
