from datetime import timedelta

import make
import pytest
from django.utils import timezone

from besedka.conversations import episodes, leases
from besedka.conversations.leases import LEASE_S, Claim, Finish
from besedka.conversations.models import Conversation, Turn

pytestmark = pytest.mark.django_db


def claim(conversation: Conversation, **options: object) -> Claim | None:
    [claimed] = leases.claim_many([conversation.pk], **options)
    return claimed


def finish(claimed: Claim) -> leases.Finished:
    [finished] = leases.finish_many([Finish(claimed, "answered", "", {"why": "test"})])
    return finished


def test_a_due_turn_is_claimed_by_one():
    conversation = make.conversation()

    first, second = claim(conversation), claim(conversation)

    assert first is not None
    assert [entry.text for entry in first.messages] == ["hello"]
    assert second is None


def test_nothing_is_due_where_a_person_answers():
    assert claim(make.conversation(owner="queue")) is None


def test_a_worker_that_died_is_replaced_when_its_lease_runs_out():
    conversation = make.conversation()
    now = timezone.now()
    claim(conversation, now=now)

    too_early = claim(conversation, now=now + timedelta(seconds=LEASE_S - 1))
    in_time = claim(conversation, now=now + timedelta(seconds=LEASE_S + 1))

    assert too_early is None
    assert in_time is not None
    assert in_time.attempts == 2


def test_a_clock_that_was_moved_back_does_not_hold_a_turn_for_ever():
    conversation = make.conversation()
    now = timezone.now()
    claim(conversation, now=now + timedelta(hours=3))

    assert leases.due(limit=10, now=now) == [conversation.pk]
    assert claim(conversation, now=now) is not None


def test_a_lease_that_is_renewed_lasts():
    conversation = make.conversation()
    now = timezone.now()
    claimed = claim(conversation, now=now)

    leases.renew_many([claimed], now=now + timedelta(seconds=LEASE_S - 1))

    assert claim(conversation, now=now + timedelta(seconds=LEASE_S + 1)) is None


def test_a_finished_turn_is_recorded_and_nothing_is_due():
    conversation = make.conversation()

    finished = finish(claim(conversation))

    conversation.refresh_from_db()
    assert (finished.mine, finished.due) == (True, False)
    assert (conversation.due_at, conversation.lease_key, conversation.reacted_seq) == (None, "", 1)
    assert Turn.objects.get().trace == {"why": "test"}


def test_what_was_said_meanwhile_is_due_at_once_and_taken_together():
    conversation = make.conversation()
    claimed = claim(conversation)
    make.say(conversation.pk, "and")
    make.say(conversation.pk, "another thing")

    finished = finish(claimed)

    assert finished.due
    assert [entry.text for entry in claim(conversation).messages] == ["and", "another thing"]


def test_a_turn_that_another_one_took_ends_without_effect():
    conversation = make.conversation()
    now = timezone.now()
    late = claim(conversation, now=now)
    claim(conversation, now=now + timedelta(seconds=LEASE_S + 1))

    finished = finish(late)

    assert not finished.mine
    assert Turn.objects.get().outcome == "dropped"
    assert Conversation.objects.get(pk=conversation.pk).lease_key != ""


def test_a_closed_conversation_owes_nothing():
    conversation = make.conversation()
    claimed = claim(conversation)
    episodes.close_many([conversation.pk])

    assert not finish(claimed).mine
    assert leases.due(limit=10) == []


def test_claiming_takes_as_many_statements_for_one_as_for_many(django_assert_num_queries):
    conversations = [make.conversation() for _ in range(10)]

    with django_assert_num_queries(3):  # rows, messages, leases
        claims = leases.claim_many([conversation.pk for conversation in conversations])

    assert all(claims)
