import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import make
import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from besedka.conversations import leases, log, signals
from besedka.conversations.batcher import Batcher
from besedka.conversations.log import Append
from besedka.conversations.models import Conversation, Message
from besedka.turns import claim, embedded, run
from besedka.turns.embedded import Runner

pytestmark = pytest.mark.django_db(transaction=True)


def with_runner(act: Callable[[Runner, Batcher], Awaitable[Any]]) -> Any:
    """Run `act` with a runner that hears what is due."""

    async def run() -> Any:
        writer, reader = Batcher("writer", writes=True), Batcher("reader", writes=False)
        writer.start()
        reader.start()
        signals.attach(asyncio.get_running_loop())
        runner = Runner(writer, reader)
        signals.subscribe("due", runner.begin)
        try:
            return await act(runner, writer)
        finally:
            await runner.stop()
            await asyncio.to_thread(writer.stop)
            await asyncio.to_thread(reader.stop)
            signals.detach()

    return asyncio.run(run())


async def until(true: Callable[[], bool]) -> None:
    def asked() -> bool:
        try:
            return true()
        finally:
            connection.close()

    for _ in range(200):
        if await asyncio.to_thread(asked):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to pass")


def answered() -> bool:
    return Message.objects.exclude(author="contact").exists()


def test_a_message_is_answered_without_anybody_asking():
    address = make.address(make.inbox_with_bot())

    async def act(runner: Runner, writer: Batcher) -> None:
        await writer.submit(log.append_many, Append("contact", "hello", address=address))
        await until(answered)

    with_runner(act)

    assert [m.author for m in Message.objects.order_by("seq")] == ["contact", "bot"]


def test_the_sweep_begins_a_turn_whose_worker_died():
    conversation = make.conversation()
    leases.claim_many([conversation.pk], now=timezone.now() - timedelta(seconds=leases.LEASE_S + 1))

    async def act(runner: Runner, writer: Batcher) -> None:
        await runner.sweep()
        await until(answered)

    with_runner(act)

    assert Conversation.objects.get().due_at is None


def test_every_message_of_a_burst_is_reacted_to():
    inbox = make.inbox_with_bot()
    addresses = [make.address(inbox) for _ in range(20)]

    async def act(runner: Runner, writer: Batcher) -> None:
        for round_number in range(5):
            appends = [Append("contact", f"hello {round_number}", address=address) for address in addresses]
            await asyncio.gather(*(writer.submit(log.append_many, append) for append in appends))
        await until(lambda: not Conversation.objects.filter(due_at__isnull=False).exists())

    with_runner(act)

    for conversation in Conversation.objects.all():
        authors = list(conversation.messages.order_by("seq").values_list("author", flat=True))
        assert authors.count("contact") == 5
        assert authors[-1] == "bot"
        assert conversation.reacted_seq == conversation.heard_seq


def test_a_runner_that_is_stopped_leaves_its_turns_to_the_next_one(monkeypatch):
    conversation = make.conversation()

    async def never(*arguments: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(embedded.run, "think", never)

    async def act(runner: Runner, writer: Batcher) -> None:
        runner.begin([conversation.pk])
        await asyncio.sleep(0.2)

    with_runner(act)

    conversation.refresh_from_db()
    assert conversation.due_at is not None
    later = timezone.now() + timedelta(seconds=leases.LEASE_S + 1)
    assert leases.due(limit=10, now=later) == [conversation.pk]


def test_a_runner_that_finishes_ends_what_it_thinks_about_and_begins_nothing(monkeypatch):
    thought_about, too_late = make.conversation(), make.conversation()

    async def slow(task: claim.Task, **how: Any) -> run.Thought:
        await asyncio.sleep(0.3)
        return run.Thought(task, (run.Utterance("at last"),), None, {})

    monkeypatch.setattr(embedded.run, "think", slow)

    async def act(runner: Runner, writer: Batcher) -> None:
        runner.begin([thought_about.pk])
        await asyncio.sleep(0.1)
        finishing = asyncio.create_task(runner.finish())
        await asyncio.sleep(0)
        runner.begin([too_late.pk])
        await runner.sweep()
        await finishing

    with_runner(act)

    assert list(Message.objects.filter(author="bot").values_list("conversation_id", flat=True)) == [
        thought_about.pk
    ]
    too_late.refresh_from_db()
    assert too_late.due_at is not None


def test_the_lease_of_a_turn_that_takes_long_is_renewed(monkeypatch):
    conversation, going_on = make.conversation(), asyncio.Event()

    async def long(task: claim.Task, **how: Any) -> run.Thought:
        await going_on.wait()
        return run.Thought(task, (run.Utterance("at last"),), None, {})

    monkeypatch.setattr(embedded.run, "think", long)

    async def act(runner: Runner, writer: Batcher) -> tuple[Any, Any]:
        runner.begin([conversation.pk])
        await until(lambda: lease_until() is not None)
        first = await asyncio.to_thread(lease_until)
        await runner.renew()
        second = await asyncio.to_thread(lease_until)
        going_on.set()
        await until(answered)
        return first, second

    def lease_until() -> Any:
        try:
            return Conversation.objects.get().lease_until
        finally:
            connection.close()

    first, second = with_runner(act)

    assert second > first
    assert lease_until() is None


def test_a_turn_is_run_once_however_often_it_is_begun(monkeypatch):
    conversation, thought_about = make.conversation(), []
    think = run.think

    async def counting(task: claim.Task, **how: Any) -> run.Thought:
        thought_about.append(task.claim.conversation_id)
        return await think(task, **how)

    monkeypatch.setattr(embedded.run, "think", counting)

    async def act(runner: Runner, writer: Batcher) -> None:
        for _ in range(5):
            runner.begin([conversation.pk, conversation.pk, "token:abc:1"])
            await runner.sweep()
        await until(answered)

    with_runner(act)

    assert thought_about == [conversation.pk]


def test_two_processes_answer_each_message_once():
    inbox = make.inbox_with_bot()
    addresses = [make.address(inbox) for _ in range(20)]

    async def act(runner: Runner, writer: Batcher) -> None:
        other_writer, other_reader = Batcher("writer 2", writes=True), Batcher("reader 2", writes=False)
        other_writer.start()
        other_reader.start()
        other = Runner(other_writer, other_reader)
        signals.subscribe("due", other.begin)
        try:
            for number in range(3):
                appends = [Append("contact", f"hello {number}", address=address) for address in addresses]
                await asyncio.gather(*(writer.submit(log.append_many, append) for append in appends))
            await until(lambda: not Conversation.objects.filter(due_at__isnull=False).exists())
        finally:
            await other.stop()
            await asyncio.to_thread(other_writer.stop)
            await asyncio.to_thread(other_reader.stop)

    with_runner(act)

    for conversation in Conversation.objects.all():
        turns = list(conversation.turns.filter(outcome="answered").order_by("from_seq"))
        assert conversation.messages.filter(author="bot").count() == len(turns)
        assert all(earlier.upto_seq < later.from_seq for earlier, later in itertools.pairwise(turns))
        assert conversation.reacted_seq == conversation.heard_seq


def test_a_bug_in_one_turn_stops_no_other_and_ends_with_a_person(monkeypatch, caplog):
    """It dies on committing, again and again: the sweep begins it anew until a person gets it."""
    poison, good = make.conversation(), make.conversation()
    commit = run.commit_many

    def commit_some(thoughts: list[run.Thought]) -> list[bool]:
        if any(thought.task.claim.conversation_id == poison.pk and thought.says for thought in thoughts):
            raise ValueError("a text that no database takes")
        return commit(thoughts)

    monkeypatch.setattr(embedded.run, "commit_many", commit_some)

    async def act(runner: Runner, writer: Batcher) -> None:
        for _ in range(run.MAX_ATTEMPTS + 1):
            await runner.sweep()
            await until(lambda: not Conversation.objects.filter(pk=good.pk, due_at__isnull=False).exists())
            await asyncio.gather(*runner._running.values(), return_exceptions=True)
            await asyncio.to_thread(lease_runs_out)

    def lease_runs_out() -> None:
        past = timezone.now() - timedelta(seconds=1)
        Conversation.objects.filter(lease_until__isnull=False).update(lease_until=past)
        connection.close()

    with_runner(act)

    poison.refresh_from_db()
    assert [m.author for m in good.messages.order_by("seq")] == ["contact", "bot"]
    assert (poison.owner, poison.messages.get(author="system").payload["reason"]) == ("queue", "turn_failed")


def test_without_a_database_the_turn_is_left_to_the_sweep(monkeypatch):
    conversation = make.conversation()

    def away(claims: list[int]) -> None:
        raise OperationalError("the database is gone")

    async def act(runner: Runner, writer: Batcher) -> None:
        with monkeypatch.context() as fault:
            fault.setattr(embedded.claim, "claim_many", away)
            runner.begin([conversation.pk])
            await asyncio.gather(*runner._running.values())
        await runner.sweep()
        await until(answered)

    with_runner(act)

    assert Conversation.objects.get().due_at is None


def test_no_more_turns_run_than_may_and_the_rest_is_found_by_the_sweep(monkeypatch):
    monkeypatch.setattr(embedded, "AT_ONCE", 3)
    conversations = [make.conversation() for _ in range(10)]

    async def act(runner: Runner, writer: Batcher) -> int:
        runner.begin([conversation.pk for conversation in conversations])
        at_once = len(runner._running)
        for _ in range(10):
            await runner.sweep()
            await asyncio.gather(*runner._running.values())
        return at_once

    assert with_runner(act) == 3
    assert not Conversation.objects.filter(due_at__isnull=False).exists()
