from collections.abc import Iterator

import make
import pytest

from besedka.conversations import closing, episodes, inboxes, leases, log, ownership, signals
from besedka.conversations.changes import Change
from besedka.conversations.log import Append
from besedka.conversations.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent() -> Iterator[list[signals.Kinds]]:
    """All signals that are sent."""
    sent: list[signals.Kinds] = []
    signals.relay_to(sent.append)
    yield sent
    signals.detach()


def test_closing_ends_the_episode_and_owes_nobody_anything():
    conversation = make.conversation(owner="bot")

    closed = make.close([conversation.pk])

    conversation.refresh_from_db()
    assert closed == 1
    assert (conversation.status, conversation.owner, conversation.due_at) == ("closed", "queue", None)
    assert conversation.reacted_seq == conversation.last_seq


def test_closing_takes_a_conversation_from_its_operator():
    conversation = make.held_by(make.operator("anna"))

    make.close([conversation.pk])

    conversation.refresh_from_db()
    assert (conversation.operator, conversation.owner_version) == (None, 2)


def test_closing_what_is_closed_or_not_there_changes_nothing():
    conversation = make.conversation()
    make.close([conversation.pk])

    assert make.close([conversation.pk, 0]) == 0
    conversation.refresh_from_db()
    assert conversation.owner_version == 1


def test_the_next_episode_begins_before_the_message_that_opens_it():
    conversation = make.conversation(owner="bot")
    make.say(conversation.pk, "a secret of the first episode")
    make.close([conversation.pk])

    make.say(conversation.pk, "hello again")

    conversation.refresh_from_db()
    [claim] = leases.claim_many([conversation.pk])
    assert (conversation.episode, conversation.episode_after) == (2, 3)
    assert (claim.from_seq, claim.upto_seq, claim.episode_after) == (4, 4, 3)
    assert [entry.text for entry in claim.messages] == ["hello again"]


def test_the_next_episode_begins_with_whoever_answers_first_by_then():
    conversation = make.conversation(owner="bot")
    make.close([conversation.pk])
    inboxes.let_answer_first(conversation.inbox_id, first_owner="queue")

    make.say(conversation.pk, "hello again")

    conversation.refresh_from_db()
    assert (conversation.status, conversation.owner, conversation.due_at) == ("open", "queue", None)


def test_two_messages_at_once_open_one_episode():
    conversation = make.conversation(owner="bot")
    make.close([conversation.pk])

    log.append_many([Append("contact", text, conversation_id=conversation.pk) for text in ("one", "two")])

    conversation.refresh_from_db()
    assert (conversation.episode, conversation.episode_after, conversation.last_seq) == (2, 2, 4)


def test_a_late_word_of_an_operator_opens_nothing():
    conversation = make.conversation(owner="bot")
    make.close([conversation.pk])

    make.say(conversation.pk, "goodbye", author="operator")

    conversation.refresh_from_db()
    assert (conversation.status, conversation.episode) == ("closed", 1)


@pytest.mark.parametrize("owner", ["bot", "queue"])
def test_a_snoozed_conversation_goes_on_where_it_stopped(owner):
    conversation = make.conversation(owner=owner, status="snoozed")

    make.say(conversation.pk, "one more thing")

    conversation.refresh_from_db()
    assert (conversation.status, conversation.owner, conversation.episode) == ("open", owner, 1)


def test_a_third_episode_follows_the_second():
    conversation = make.conversation(owner="bot")

    for _ in range(2):
        make.close([conversation.pk])
        ownership.ask_for_person_many([make.address_of(conversation)])

    conversation.refresh_from_db()
    assert (conversation.episode, conversation.owner) == (3, "queue")
    assert list(Message.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3, 4, 5]


def test_what_has_ended_is_remembered_with_who_ended_it():
    anna = make.operator("anna")
    conversation = make.held_by(anna)

    closing.close_many([Change(conversation.pk, anna.pk)])
    make.say(conversation.pk, "hello again")
    make.close([conversation.pk])

    second, first = episodes.past(conversation.pk)
    assert (first.number, first.after_seq, first.upto_seq, first.closed_by) == (1, 0, 2, "anna")
    assert (second.number, second.after_seq, second.upto_seq, second.closed_by) == (2, 2, 4, "")


def test_closing_takes_as_many_statements_for_all_as_for_one(django_assert_num_queries):
    conversations = [make.conversation() for _ in range(10)]

    with django_assert_num_queries(6):  # rows, languages; messages, rows; acts, episodes
        closing.close_many([Change(conversation.pk) for conversation in conversations])


@pytest.mark.parametrize("status", ["closed", "snoozed"])
def test_the_desk_hears_of_a_conversation_that_goes_on(status, sent, django_capture_on_commit_callbacks):
    conversation = make.change(make.held_by(make.operator("anna")), status=status)
    if status == "closed":
        make.change(conversation, owner="queue", operator=None)

    with django_capture_on_commit_callbacks(execute=True):
        make.say(conversation.pk, "hello again")

    [kinds] = sent
    assert list(kinds["state"]) == [conversation.pk]
    assert {"desk:closed", "desk:open"} <= set(kinds["desk"])


def test_the_desk_hears_of_a_closed_conversation_whose_contact_asks_for_a_person(
    sent, django_capture_on_commit_callbacks
):
    conversation = make.conversation(owner="queue")
    make.close([conversation.pk])

    with django_capture_on_commit_callbacks(execute=True):
        ownership.ask_for_person_many([make.address_of(conversation)])

    assert any(conversation.pk in kinds.get("state", ()) for kinds in sent)
    assert any("desk:closed" in kinds["desk"] for kinds in sent if kinds.get("desk"))
