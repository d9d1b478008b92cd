"""What a lost signal costs: until the next sweep, and never a message."""

import asyncio
import contextlib
from collections.abc import Iterator

import make
import pytest

from besedka.conversations import log, news, signals
from besedka.conversations.log import Append
from besedka.conversations.news import Latest

pytestmark = pytest.mark.django_db

NEW = frozenset({"new"})


@pytest.fixture(autouse=True)
def hub() -> Iterator[None]:
    yield
    signals.detach()


def unheard(conversation_id: int) -> None:
    """A message whose signal nobody got."""
    log.append_many([Append("contact", "unheard", conversation_id=conversation_id)])


def sweep(latest: Latest) -> list[signals.Topic]:
    [found] = news.since_many([latest])
    return list(found.get("new", []))


def test_the_sweep_finds_what_a_lost_signal_did_not_tell_and_tells_it_once():
    conversation, latest = make.conversation(owner="queue"), Latest()

    with signals.listen(conversation.pk, NEW):
        sweep(latest)
        unheard(conversation.pk)
        found = [sweep(latest), sweep(latest)]

    assert found == [[conversation.pk], []]


@pytest.mark.parametrize("idle_sweeps", [0, 1, 2, 3])
def test_who_came_when_nobody_listened_is_found_by_the_very_next_sweep(idle_sweeps):
    conversation, latest = make.conversation(owner="queue"), Latest()
    for _ in range(idle_sweeps):
        sweep(latest)

    with signals.listen(conversation.pk, NEW):
        unheard(conversation.pk)
        found = sweep(latest)

    assert found == [conversation.pk]


def test_the_sweep_wakes_who_waits_for_a_conversation_to_begin():
    address, latest = make.address(make.inbox()), Latest()

    with signals.listen(address.topic, NEW):
        sweep(latest)
        make.say(address, "hello")
        found = sweep(latest)

    assert found == [address.topic]


def test_it_may_begin_in_a_second_inbox_of_a_contact_that_is_known_for_long(monkeypatch):
    monkeypatch.setattr(news, "LOOK_BACK", 0)
    make.say(make.address(make.inbox(), "the-same-token"), "hello")
    address, latest = make.address(make.inbox(), "the-same-token"), Latest()

    with signals.listen(address.topic, NEW):
        sweep(latest)
        make.say(address, "hello")
        found = sweep(latest)

    assert found == [address.topic]


def test_nobody_is_woken_for_what_others_said():
    mine, other, latest = make.conversation(owner="queue"), make.conversation(owner="queue"), Latest()

    with signals.listen(mine.pk, NEW):
        sweep(latest)
        unheard(other.pk)
        found = sweep(latest)

    assert found == []


def test_without_listeners_the_sweep_asks_the_database_nothing(django_assert_num_queries):
    make.conversation()

    with django_assert_num_queries(0):
        assert sweep(Latest()) == []


def test_a_sweep_takes_two_statements_whatever_is_listened_to(django_assert_num_queries):
    conversations, latest = [make.conversation(owner="queue") for _ in range(5)], Latest()

    with contextlib.ExitStack() as listening:
        for conversation in conversations:
            listening.enter_context(signals.listen(conversation.pk, NEW))
        sweep(latest)
        with django_assert_num_queries(2):  # messages, conversations
            assert sweep(latest) == []


def test_who_is_found_is_woken():
    conversation, latest = make.conversation(owner="queue"), Latest()

    async def run() -> set[str]:
        signals.attach(asyncio.get_running_loop())
        with signals.listen(conversation.pk, NEW) as woken:
            signals.deliver({"new": found})
            return await woken.wait(5)

    with signals.listen(conversation.pk, NEW):
        unheard(conversation.pk)
        found = sweep(latest)

    assert asyncio.run(run()) == {"new"}
