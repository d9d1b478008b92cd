"""What people post for themselves: stored once, in their own log, for nobody to react to."""

import make
import pytest
from at_once import together
from django.utils import timezone

from besedka.accounts import link_tokens, mirroring
from besedka.accounts.links import Stranger
from besedka.conversations import leases, mirror
from besedka.conversations.log import IdempotencyKeyReused
from besedka.conversations.mirror import Author, Copy
from besedka.conversations.models import Conversation, Delivery, Inbox, Watcher

AT_ONCE = 12


@pytest.fixture
def anna(db):
    return Author(make.operator("anna").pk, "anna")


@pytest.fixture
def boris(db):
    return Author(make.operator("boris").pk, "boris")


def mirrored(author, chat_id=70):
    """This author's messages come into this chat."""
    mirroring.move(author.user_id, Stranger(chat_id, chat_id), now=timezone.now())
    mirror.follow(author.user_id)


def delivered():
    return list(Delivery.objects.order_by("pk").values_list("channel", "recipient", "seq", "state"))


def test_nobody_is_called_and_no_bot_owes_an_answer(anna):
    for text in ("one", "two"):
        mirror.post(anna, text)

    conversation = Conversation.objects.get()
    assert (conversation.owner, conversation.due_at, conversation.waiting_since) == ("bot", None, None)
    assert conversation.reacted_seq == conversation.heard_seq == conversation.last_seq == 2
    assert leases.due(limit=10) == []


def test_after_an_operator_has_closed_it_the_next_message_calls_nobody_either(anna):
    mirror.post(anna, "one")
    make.close([Conversation.objects.get().pk])

    mirror.post(anna, "two")

    conversation = Conversation.objects.get()
    assert (conversation.status, conversation.owner, conversation.episode) == ("open", "bot", 2)
    assert (conversation.due_at, conversation.waiting_since) == (None, None)


def test_each_person_has_a_history_and_sees_no_other(anna, boris):
    mine = [mirror.post(anna, f"mine {number}") for number in range(3)]
    theirs = mirror.post(boris, "theirs")

    assert mirror.history(anna.user_id) == mine
    assert mirror.history(boris.user_id) == [theirs]
    assert mirror.find(anna.user_id, mine[1].id) == mine[1]
    assert mirror.find(anna.user_id, theirs.id) is None
    assert mirror.history(0) == []


def test_a_long_history_comes_in_pages(anna, monkeypatch):
    monkeypatch.setattr(mirror, "PAGE", 2)
    posted = [mirror.post(anna, str(number)) for number in range(5)]

    newest = mirror.history(anna.user_id)
    before = mirror.history(anna.user_id, before=newest[0].id)

    assert (newest, before) == (posted[3:], posted[1:3])
    assert mirror.history(anna.user_id, before=posted[0].id) == []


def test_a_history_takes_one_query_however_long_it_is(anna, django_assert_num_queries):
    for number in range(5):
        mirror.post(anna, str(number))

    with django_assert_num_queries(1):
        assert len(mirror.history(anna.user_id)) == 5


def test_the_same_client_id_is_one_message_and_one_copy(anna):
    mirrored(anna)

    first, again = (mirror.post(anna, "once", "key") for _ in range(2))
    with pytest.raises(IdempotencyKeyReused):
        mirror.post(anna, "other", "key")

    assert first == again
    assert delivered() == [("mirror", "70", 1, "waiting")]


def test_copies_go_where_they_are_wanted_now(anna):
    mirror.post(anna, "to nobody")
    mirrored(anna, 70)
    mirror.post(anna, "to the first")
    mirrored(anna, 71)
    mirror.post(anna, "to the second")
    mirror.end(anna.user_id)
    mirror.post(anna, "to nobody")

    assert delivered() == [("mirror", "70", 2, "parked"), ("mirror", "71", 3, "parked")]
    assert not Watcher.objects.exists()
    assert not Conversation.objects.get().watched


def test_a_copy_is_for_the_chat_of_its_author_only(anna, boris):
    mirror.post(anna, "mine")
    [conversation] = Conversation.objects.all()
    mirrored(anna, 70)
    mirrored(boris, 71)

    found = mirror.addressee_many([Copy(conversation.pk, chat) for chat in (70, 71, 72)])

    assert [one and one.username for one in found] == ["anna", None, None]


@pytest.mark.django_db(transaction=True)
def test_first_messages_at_once_are_all_kept_in_one_inbox_and_one_conversation(transactional_db):
    anna = Author(make.operator("anna").pk, "anna")

    kept = together(*(lambda n=number: mirror.post(anna, str(n)) for number in range(AT_ONCE)))

    assert sorted(int(one.message) for one in kept) == list(range(AT_ONCE))
    assert Inbox.objects.count() == Conversation.objects.count() == 1
    assert sorted(Conversation.objects.get().messages.values_list("seq", flat=True)) == list(range(1, AT_ONCE + 1))


@pytest.mark.django_db(transaction=True)
def test_of_those_who_make_a_token_at_once_one_has_it(transactional_db):
    user = make.operator("anna")

    made = together(*(lambda: mirroring.make_token(user.pk) for _ in range(AT_ONCE)))

    [token] = [one for one in made if isinstance(one, str)]
    assert {type(one) for one in made} == {str, mirroring.TokenExists}
    assert mirroring.token_many([user.pk, 0]) == [token, None]


@pytest.mark.django_db(transaction=True)
def test_of_those_who_use_a_link_at_once_one_does(transactional_db):
    token = link_tokens.issue(make.operator("anna").pk)

    used = together(*(lambda: link_tokens.redeem(token, now=timezone.now()) for _ in range(AT_ONCE)))

    assert sorted(used) == [False] * (AT_ONCE - 1) + [True]
