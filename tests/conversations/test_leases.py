from datetime import timedelta

import make
import pytest
from django.utils import timezone

from besedka.conversations import leases, log, ownership
from besedka.conversations.leases import LEASE_S, Claim, Finish
from besedka.conversations.log import Append
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
    make.close([conversation.pk])

    assert not finish(claimed).mine
    assert leases.due(limit=10) == []


def test_claiming_takes_as_many_statements_for_one_as_for_many(django_assert_num_queries):
    conversations = [make.conversation() for _ in range(10)]

    with django_assert_num_queries(3):  # rows, messages, leases
        claims = leases.claim_many([conversation.pk for conversation in conversations])

    assert all(claims)


def test_of_one_conversation_named_twice_there_is_one_claim():
    conversation = make.conversation()

    claims = leases.claim_many([conversation.pk, conversation.pk, 0])

    assert [claimed is not None for claimed in claims] == [True, False, False]


def test_a_turn_that_is_ended_twice_counts_once():
    conversation = make.conversation()
    claimed = claim(conversation)
    ended = Finish(claimed, "answered", "", {})

    first, again = leases.finish_many([ended, ended])

    assert (first.mine, again.mine) == (True, False)
    assert [turn.outcome for turn in Turn.objects.order_by("pk")] == ["answered", "dropped"]


def test_a_turn_of_a_conversation_that_is_gone_ends_without_a_record():
    conversation = make.conversation()
    claimed = claim(conversation)
    conversation.delete()

    assert not finish(claimed).mine
    assert not Turn.objects.exists()


def test_more_than_a_page_of_lines_is_taken_page_by_page_and_none_is_skipped():
    conversation = make.conversation()
    log.append_many([Append("contact", str(n), conversation_id=conversation.pk) for n in range(2, 251)])

    taken, due = [], True
    while due:
        claimed = claim(conversation)
        taken += [entry.seq for entry in claimed.messages]
        due = finish(claimed).due

    assert taken == list(range(1, 251))
    assert [turn.upto_seq for turn in Turn.objects.order_by("pk")] == [100, 200, 250]


def test_who_waits_longest_is_first():
    now = timezone.now()
    conversations = [make.conversation() for _ in range(3)]
    for conversation, minutes in zip(conversations, (2, 3, 1), strict=True):
        make.change(conversation, due_at=now - timedelta(minutes=minutes))

    first, second, third = conversations
    assert leases.due(limit=10, now=now) == [second.pk, first.pk, third.pk]
    assert leases.due(limit=1, now=now) == [second.pk]


def test_what_somebody_works_on_is_not_due():
    conversation = make.conversation()
    now = timezone.now()
    claim(conversation, now=now)

    assert leases.due(limit=10, now=now) == []
    assert leases.due(limit=10, now=now + timedelta(seconds=LEASE_S + 1)) == [conversation.pk]


def test_a_lease_that_another_one_has_is_not_renewed():
    conversation = make.conversation()
    now = timezone.now()
    late = claim(conversation, now=now)
    claim(conversation, now=now + timedelta(seconds=LEASE_S + 1))
    conversation.refresh_from_db()

    leases.renew_many([late], now=now + timedelta(hours=1))

    assert Conversation.objects.get(pk=conversation.pk).lease_until == conversation.lease_until


def test_an_operator_who_takes_over_ends_the_lease():
    conversation = make.conversation()
    claimed = claim(conversation)
    ownership.ask_for_person_many([make.address_of(conversation)])

    finished = finish(claimed)

    conversation.refresh_from_db()
    assert not finished.mine
    assert (conversation.lease_key, conversation.lease_until, conversation.attempts) == ("", None, 0)
    assert (Turn.objects.get().outcome, Turn.objects.get().reason) == ("dropped", "stale_owner")


def test_a_turn_of_before_the_hand_off_is_not_mine_after_the_return():
    conversation = make.conversation()
    claimed = claim(conversation)
    ownership.ask_for_person_many([make.address_of(conversation)])
    make.return_to_bot([conversation.pk])
    make.say(conversation.pk, "and again")
    claim(conversation)

    assert not finish(claimed).mine
    assert Conversation.objects.get(pk=conversation.pk).due_at is not None


def test_looking_for_what_is_due_takes_one_statement(django_assert_num_queries):
    for _ in range(3):
        make.conversation()

    with django_assert_num_queries(1):
        assert len(leases.due(limit=10)) == 3


def test_a_process_that_is_alone_may_begin_anew_what_a_dead_one_had():
    conversation = make.conversation()
    dead = claim(conversation)
    assert claim(conversation) is None

    assert leases.release_all() == 1
    alive = claim(conversation)

    assert alive is not None
    assert alive.lease_key != dead.lease_key


def test_a_claim_says_how_long_the_contact_has_waited():
    conversation = make.conversation()
    due_at = Conversation.objects.get(pk=conversation.pk).due_at

    claimed = claim(conversation, now=due_at + timedelta(seconds=40))

    assert claimed.waited_s == pytest.approx(40)
