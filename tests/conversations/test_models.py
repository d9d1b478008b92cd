"""What must never be, the database itself refuses, whoever asks for it."""

import make
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from besedka.conversations.models import Conversation, Cursor, Identity, Inbox, Message, Turn

pytestmark = pytest.mark.django_db


def refused(act) -> bool:
    """Whether the database refuses it; then nothing has changed."""
    try:
        with transaction.atomic():
            act()
    except IntegrityError:
        return True
    return False


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": "operator"},
        {"owner": "operator", "due_at": None},
        {"owner": "queue"},
        {"reacted_seq": 99},
        {"heard_seq": 99},
        {"episode_after": 99},
        {"last_seq": 0},
    ],
)
def test_a_conversation_cannot_contradict_itself(changes):
    """It is the bot's, its first message is in the log, and the bot's turn is due."""
    conversation = make.conversation(owner="bot")

    assert refused(lambda: Conversation.objects.filter(pk=conversation.pk).update(**changes))


@pytest.mark.parametrize("owner", ["bot", "queue"])
def test_nobody_but_an_operator_is_the_operator(owner):
    conversation = make.conversation(owner=owner)
    anna = make.operator("anna")

    assert refused(lambda: Conversation.objects.filter(pk=conversation.pk).update(operator=anna))


def test_a_contact_has_one_conversation_in_an_inbox():
    conversation = make.conversation()
    conversation.pk = None

    assert refused(conversation.save)


def test_a_conversation_keeps_its_contact_and_its_inbox():
    conversation = make.conversation()

    assert refused(conversation.contact.delete)
    assert refused(conversation.inbox.delete)


def test_the_log_begins_at_one():
    make.conversation()

    assert refused(lambda: Message.objects.update(seq=0))


def test_an_operator_signs_only_what_an_operator_said():
    conversation, anna = make.conversation(), make.operator("anna")
    make.say(conversation.pk, "good day", author="operator")

    assert refused(lambda: Message.objects.filter(author="contact").update(operator=anna))
    assert not refused(lambda: Message.objects.filter(author="operator").update(operator=anna))


def test_one_place_in_the_log_has_one_message():
    make.conversation()
    message = Message.objects.get()
    message.pk = None

    assert refused(message.save)


def test_one_author_uses_an_id_once_and_goes_without_as_often_as_they_like():
    conversation = make.conversation()
    make.say(conversation.pk, "with", client_id="one")
    make.say(conversation.pk, "without")
    message = Message.objects.get(client_id="one")
    message.pk, message.seq = None, 9

    assert refused(message.save)
    message.client_id = None
    assert not refused(message.save)


def test_one_token_is_one_contact():
    identity = make.conversation().contact.identities.get()
    identity.pk = None

    assert refused(identity.save)
    assert Identity.objects.count() == 1


def test_there_is_one_default_inbox_and_any_number_of_others():
    make.inbox(is_default=True)
    make.inbox()
    make.inbox()

    assert refused(lambda: make.inbox(is_default=True))
    assert refused(lambda: make.inbox(is_default=False))
    assert Inbox.objects.count() == 3


def test_two_inboxes_have_two_keys():
    key = make.inbox().public_key

    assert refused(lambda: make.inbox(public_key=key))
    assert make.inbox().public_key.startswith("pk_")


def test_a_reader_stands_in_one_place():
    conversation = make.conversation()
    Cursor.objects.create(conversation=conversation, reader="contact", seq=1)

    assert refused(lambda: Cursor.objects.create(conversation=conversation, reader="contact", seq=2))


def test_a_turn_covers_something():
    conversation, now = make.conversation(), timezone.now()
    turn = Turn(
        conversation=conversation,
        owner_version=0,
        from_seq=2,
        upto_seq=1,
        outcome="answered",
        started_at=now,
        finished_at=now,
    )

    assert refused(turn.save)


def test_an_account_that_has_a_conversation_stays():
    anna = make.operator("anna")
    make.held_by(anna)

    assert refused(anna.delete)
