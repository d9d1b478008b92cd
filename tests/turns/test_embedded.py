import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import make
import pytest
from django.db import connection
from django.utils import timezone

from besedka.conversations import leases, log, signals
from besedka.conversations.batcher import Batcher
from besedka.conversations.log import Append
from besedka.conversations.models import Conversation, Message
from besedka.turns import embedded
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
