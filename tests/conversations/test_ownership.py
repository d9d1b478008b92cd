import make
import pytest

from besedka.conversations import episodes, ownership
from besedka.conversations.models import Conversation, Message

pytestmark = pytest.mark.django_db


def test_who_asks_for_a_person_waits_for_one_and_is_told_once():
    conversation = make.conversation()
    address = make.address_of(conversation)

    ownership.ask_for_person_many([address])
    ownership.ask_for_person_many([address])

    conversation.refresh_from_db()
    assert conversation.owner == "queue"
    assert Message.objects.filter(conversation=conversation, author="system").count() == 1


def test_one_may_ask_for_a_person_before_saying_anything():
    [row] = ownership.ask_for_person_many([make.address(make.inbox_with_bot())])

    assert (row.owner, row.last_seq) == ("queue", 1)


def test_asking_for_a_person_in_a_closed_conversation_opens_the_next_episode():
    conversation = make.conversation()
    episodes.close_many([conversation.pk])

    ownership.ask_for_person_many([make.address_of(conversation)])

    conversation.refresh_from_db()
    assert (conversation.status, conversation.owner, conversation.episode) == ("open", "queue", 2)


def test_the_bot_answers_again_from_the_next_message_on():
    conversation = make.conversation()
    ownership.ask_for_person_many([make.address_of(conversation)])

    returned = ownership.return_to_bot_many([conversation.pk])

    conversation.refresh_from_db()
    assert (returned, conversation.owner, conversation.due_at) == (1, "bot", None)
    make.say(conversation.pk, "one more thing")
    assert Conversation.objects.get(pk=conversation.pk).due_at is not None


def test_nothing_returns_to_a_bot_that_the_inbox_does_not_have():
    conversation = make.conversation(owner="queue")

    assert ownership.return_to_bot_many([conversation.pk]) == 0


def test_each_change_of_owner_moves_the_fence():
    conversation = make.conversation()

    ownership.ask_for_person_many([make.address_of(conversation)])
    ownership.return_to_bot_many([conversation.pk])
    episodes.close_many([conversation.pk])

    assert Conversation.objects.get(pk=conversation.pk).owner_version == 3


def test_closing_twice_changes_nothing():
    conversation = make.conversation()

    assert episodes.close_many([conversation.pk]) == 1
    assert episodes.close_many([conversation.pk]) == 0
