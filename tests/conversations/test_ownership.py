import make
import pytest

from besedka.conversations import leases, ownership
from besedka.conversations.changes import Change
from besedka.conversations.models import Conversation, Message
from besedka.conversations.ownership import HandOff
from besedka.problems import NotFound

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
    make.close([conversation.pk])

    ownership.ask_for_person_many([make.address_of(conversation)])

    conversation.refresh_from_db()
    assert (conversation.status, conversation.owner, conversation.episode) == ("open", "queue", 2)


def test_a_bot_that_answers_again_may_go_on_at_once_and_owes_no_answer_to_what_a_person_has_answered():
    conversation = make.conversation()
    ownership.ask_for_person_many([make.address_of(conversation)])

    returned = make.return_to_bot([conversation.pk])
    [claimed] = leases.claim_many([conversation.pk])

    conversation.refresh_from_db()
    assert (returned, conversation.owner, claimed.messages) == (1, "bot", ())


def test_nothing_returns_to_a_bot_that_the_inbox_does_not_have():
    conversation = make.conversation(owner="queue")

    assert make.return_to_bot([conversation.pk]) == 0


def test_each_change_of_owner_moves_the_fence():
    conversation = make.conversation()

    ownership.ask_for_person_many([make.address_of(conversation)])
    make.return_to_bot([conversation.pk])
    make.close([conversation.pk])

    assert Conversation.objects.get(pk=conversation.pk).owner_version == 3


def test_closing_twice_changes_nothing():
    conversation = make.conversation()

    assert make.close([conversation.pk]) == 1
    assert make.close([conversation.pk]) == 0


def test_a_hand_off_puts_one_notice_into_the_log():
    conversation = make.conversation()
    wish = HandOff(conversation.pk, "low_confidence", conversation.owner_version)

    assert ownership.hand_off_many([wish]) == [True]
    assert ownership.hand_off_many([wish]) == [False]

    conversation.refresh_from_db()
    assert (conversation.owner, conversation.owner_version, conversation.due_at) == ("queue", 1, None)
    notices = Message.objects.filter(conversation=conversation, author="system")
    assert [notice.payload for notice in notices] == [{"event": "handed_off", "reason": "low_confidence"}]


def test_of_several_wishes_at_once_the_first_that_fits_is_granted():
    conversation = make.conversation()
    stale = HandOff(conversation.pk, "stale", conversation.owner_version + 1)
    fits = HandOff(conversation.pk, "fits", conversation.owner_version)
    nowhere = HandOff(0, "nowhere", 0)

    granted = ownership.hand_off_many([stale, fits, fits, nowhere])

    assert granted == [False, True, False, False]
    [notice] = Message.objects.filter(author="system")
    assert notice.payload["reason"] == "fits"


@pytest.mark.parametrize(("language", "word"), [("ru", "Передаю"), ("en", "passing")])
def test_the_notice_speaks_the_language_of_the_inbox(language, word):
    ownership.ask_for_person_many([make.address(make.inbox_with_bot(language=language))])

    assert word in Message.objects.get().text


def test_two_that_ask_at_once_wait_each_in_a_conversation_of_their_own():
    inbox = make.inbox_with_bot()
    addresses = [make.address(inbox), make.address(inbox)]

    rows = ownership.ask_for_person_many([*addresses, addresses[0]])

    assert [row.owner for row in rows] == ["queue"] * 3
    assert Conversation.objects.count() == 2
    assert Message.objects.count() == 2


def test_asking_in_an_inbox_that_is_gone_is_refused():
    inbox = make.inbox()
    address = make.address(inbox)
    inbox.delete()

    [refusal] = ownership.ask_for_person_many([address])

    assert isinstance(refusal, NotFound)


def test_who_has_an_operator_already_keeps_them():
    conversation = make.held_by(make.operator("anna"))

    [row] = ownership.ask_for_person_many([make.address_of(conversation)])

    conversation.refresh_from_db()
    assert (row.owner, conversation.operator.username) == ("operator", "anna")
    assert not Message.objects.filter(author="system").exists()


def test_a_conversation_that_goes_back_to_the_bot_leaves_its_operator():
    conversation = make.held_by(make.operator("anna"))

    make.return_to_bot([conversation.pk, conversation.pk])

    conversation.refresh_from_db()
    assert (conversation.owner, conversation.operator) == ("bot", None)
    assert Message.objects.filter(author="system").count() == 1


def test_a_closed_conversation_does_not_go_back_to_the_bot():
    conversation = make.conversation()
    make.close([conversation.pk])

    assert make.return_to_bot([conversation.pk]) == 0


def test_a_hand_off_takes_as_many_statements_for_one_as_for_many(django_assert_num_queries):
    wishes = [HandOff(make.conversation().pk, "x", 0) for _ in range(10)]

    with django_assert_num_queries(5):  # rows, languages; messages, rows, acts
        ownership.hand_off_many(wishes)


def test_of_many_operators_one_gets_a_conversation_and_the_others_are_told_who():
    conversation = make.conversation(owner="queue")
    anna, boris = make.operator("anna"), make.operator("boris")

    won, lost, again = ownership.claim_many(
        [Change(conversation.pk, anna.pk), Change(conversation.pk, boris.pk), Change(conversation.pk, anna.pk)]
    )

    conversation.refresh_from_db()
    assert (conversation.owner, conversation.operator_id, conversation.owner_version) == ("operator", anna.pk, 1)
    assert won.id == again.id == conversation.pk
    assert lost.details == {"owner": "anna"}
    assert Message.objects.filter(author="system", payload__event="claimed").count() == 1


def test_a_claim_takes_a_conversation_from_the_bot():
    conversation = make.conversation()

    ownership.claim_many([Change(conversation.pk, make.operator("anna").pk)])

    conversation.refresh_from_db()
    assert (conversation.owner, conversation.due_at) == ("operator", None)


def test_what_is_not_there_cannot_be_claimed():
    [refused] = ownership.claim_many([Change(999_999, make.operator("anna").pk)])

    assert isinstance(refused, NotFound)
