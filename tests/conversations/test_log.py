from datetime import timedelta

import make
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from besedka.conversations import contacts, log, signals, visits
from besedka.conversations.log import Append, Fence, IdempotencyKeyReused, Stale, Want
from besedka.conversations.models import Contact, Conversation, Identity, Message
from besedka.conversations.visits import Visit
from besedka.conversations.wire import Entry
from besedka.problems import NotFound

pytestmark = pytest.mark.django_db


def texts(conversation_id: int, after: int = 0) -> list[str]:
    [page] = log.read_many([Want(conversation_id, after, 10_000)])
    return [entry.text for entry in page]


def test_the_first_message_makes_contact_and_conversation():
    inbox = make.inbox(first_owner="queue")

    entry = make.say(make.address(inbox, "abcdefgh"), "hello")

    conversation = Conversation.objects.get(pk=entry.conversation_id)
    assert (conversation.owner, conversation.last_seq, conversation.inbox) == ("queue", 1, inbox)
    assert conversation.contact.identities.get().shown == "abcde"


def test_of_a_chat_token_only_its_digest_is_stored():
    address = make.address(make.inbox(), "a-secret-token")

    make.say(address, "hello")

    identity = Contact.objects.get().identities.get()
    assert identity.known_as == contacts.address(1, "a-secret-token").known_as
    assert len(identity.known_as) == 64
    assert "secret" not in identity.known_as + identity.shown


def test_seq_grows_by_one_without_a_hole():
    address = make.address(make.inbox())

    entries = [make.say(address, str(number)) for number in range(5)]

    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]


def test_a_batch_keeps_the_order_of_each_conversation():
    inbox = make.inbox()
    anna, boris = make.address(inbox), make.address(inbox)

    entries = log.append_many([Append("contact", str(n), address=(anna, boris)[n % 2]) for n in range(10)])

    assert texts(entries[0].conversation_id) == ["0", "2", "4", "6", "8"]
    assert texts(entries[1].conversation_id) == ["1", "3", "5", "7", "9"]


def test_sent_twice_is_stored_once():
    address = make.address(make.inbox())

    first = make.say(address, "hello", client_id="one")
    again = make.say(address, "hello", client_id="one")

    assert again == first
    assert Message.objects.count() == 1


def test_sent_twice_in_one_batch_is_stored_once():
    append = Append("contact", "hello", address=make.address(make.inbox()), client_id="one")

    first, again = log.append_many([append, append])

    assert first == again
    assert Message.objects.count() == 1


def test_the_same_id_with_another_text_is_refused_and_spoils_nothing_else():
    address = make.address(make.inbox())
    make.say(address, "hello", client_id="one")

    refused, stored = log.append_many(
        [Append("contact", "bye", address=address, client_id="one"), Append("contact", "other", address=address)]
    )

    assert isinstance(refused, IdempotencyKeyReused)
    assert stored.seq == 2
    assert texts(stored.conversation_id) == ["hello", "other"]


def test_ids_that_differ_in_case_are_different():
    address = make.address(make.inbox())

    make.say(address, "hello", client_id="abc")
    make.say(address, "hello", client_id="ABC")

    assert Message.objects.count() == 2


def test_a_visitor_cannot_take_away_an_id_that_the_bot_will_use():
    conversation = make.conversation()
    make.say(conversation.pk, "mine", client_id="turn-1")

    by_bot = make.say(conversation.pk, "answer", author="bot", client_id="turn-1")

    assert by_bot.text == "answer"


def test_a_conversation_that_is_not_there_is_refused():
    [result] = log.append_many([Append("bot", "hello", conversation_id=12345)])

    assert isinstance(result, NotFound)


def test_a_writer_who_lost_the_conversation_is_refused():
    conversation = make.conversation()
    fence = Fence(conversation.owner_version, conversation.lease_key)
    make.close([conversation.pk])

    [result] = log.append_many([Append("bot", "too late", conversation_id=conversation.pk, fence=fence)])

    assert isinstance(result, Stale)
    assert "too late" not in texts(conversation.pk)


def test_what_a_contact_says_to_a_bot_makes_its_turn_due():
    conversation = make.conversation(owner="bot")

    assert conversation.due_at is not None


def test_what_a_contact_says_in_the_queue_makes_nothing_due():
    conversation = make.conversation(owner="queue")

    assert conversation.due_at is None


def test_what_a_contact_says_in_a_closed_conversation_opens_the_next_episode():
    conversation = make.conversation(owner="bot")
    make.close([conversation.pk])

    make.say(conversation.pk, "hello again")

    conversation.refresh_from_db()
    assert (conversation.status, conversation.owner, conversation.episode) == ("open", "bot", 2)
    assert conversation.episode_after == 2
    assert conversation.due_at is not None


def test_one_token_in_two_inboxes_is_one_contact_with_two_conversations():
    here = make.say(make.address(make.inbox(), "same-token"), "here")
    there = make.say(make.address(make.inbox(), "same-token"), "there")

    assert here.conversation_id != there.conversation_id
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(
    "text", ["ё" * 4000, "\u202etxt", "a\u200bb", "🐈" * 100, "e" + "\u0301" * 1000, "\u2028"]
)
def test_a_text_comes_back_as_it_was_sent(text):
    entry = make.say(make.address(make.inbox()), text)

    assert texts(entry.conversation_id) == [text]


def test_a_page_has_a_hundred_messages_at_most():
    address = make.address(make.inbox())
    entries = log.append_many([Append("contact", str(n), address=address) for n in range(120)])

    pages = log.read_many([Want(entries[0].conversation_id, after, 120) for after in (0, 100, 119, 120)])

    assert [len(page) for page in pages] == [100, 20, 1, 0]


@pytest.mark.parametrize("messages", [1, 50])
def test_the_number_of_statements_does_not_grow_with_the_batch(messages, django_assert_num_queries):
    inbox = make.inbox()
    addresses = [make.address(inbox) for _ in range(messages)]
    log.append_many([Append("contact", "first", address=address, client_id="1") for address in addresses])

    with django_assert_num_queries(4):  # conversations, ids that are there, messages, ends of the logs
        log.append_many([Append("contact", "next", address=address, client_id="2") for address in addresses])


def test_looking_takes_two_statements_for_all(django_assert_num_queries):
    inbox = make.inbox()
    addresses = [make.address(inbox) for _ in range(20)]
    log.append_many([Append("contact", "hello", address=address) for address in addresses])

    with django_assert_num_queries(2):
        seen = visits.look_many([Visit(address, after=0) for address in addresses])

    assert [[entry.text for entry in one.messages] for one in seen] == [["hello"]] * 20


def test_nobody_sees_the_conversation_of_another_token():
    inbox = make.inbox()
    make.say(make.address(inbox, "token-of-anna"), "private")

    [seen] = visits.look_many([Visit(make.address(inbox, "token-of-boris"), after=0)])

    assert seen is None


def test_however_a_conversation_is_named_its_messages_get_places_of_their_own():
    conversation = make.conversation()
    address = make.address_of(conversation)

    entries = log.append_many(
        [
            Append("contact", "by address", address=address),
            Append("bot", "by id", conversation_id=conversation.pk),
            Append("contact", "by address again", address=address),
        ]
    )

    assert [entry.seq for entry in entries] == [2, 3, 4]
    assert texts(conversation.pk, after=1) == ["by address", "by id", "by address again"]


def test_a_contact_that_is_known_in_two_ways_writes_into_one_conversation():
    inbox = make.inbox()
    phone, laptop = make.address(inbox), make.address(inbox)
    first = make.say(phone, "from the phone")
    Identity.objects.create(
        contact=Contact.objects.get(), kind="token", known_as=laptop.known_as, shown=laptop.shown
    )

    entries = log.append_many([Append("contact", "x", address=address) for address in (laptop, phone, laptop)])

    assert {entry.conversation_id for entry in entries} == {first.conversation_id}
    assert [entry.seq for entry in entries] == [2, 3, 4]


def test_a_message_to_an_inbox_that_is_gone_is_refused_and_spoils_nothing_else():
    here, gone = make.inbox(), make.inbox()
    address = make.address(gone)
    gone.delete()

    refused, stored = log.append_many(
        [Append("contact", "lost", address=address), Append("contact", "kept", address=make.address(here))]
    )

    assert isinstance(refused, NotFound)
    assert stored.seq == 1
    assert Contact.objects.count() == 1


def test_what_was_sent_before_the_close_may_be_sent_again_and_opens_nothing():
    conversation = make.conversation(owner="bot")
    first = make.say(conversation.pk, "one more", client_id="again")
    make.close([conversation.pk])

    again = make.say(conversation.pk, "one more", client_id="again")

    conversation.refresh_from_db()
    assert again == first
    assert (conversation.status, conversation.episode) == ("closed", 1)


def test_an_id_lives_as_long_as_the_conversation():
    conversation = make.conversation(owner="bot")
    first = make.say(conversation.pk, "hello", client_id="old")
    Message.objects.filter(seq=first.seq).update(created_at=timezone.now() - timedelta(days=400))
    make.close([conversation.pk])
    make.say(conversation.pk, "a new episode")

    again = make.say(conversation.pk, "hello", client_id="old")

    assert again.seq == first.seq


def test_one_bad_message_in_a_batch_leaves_no_hole():
    conversation = make.conversation()
    stale = Fence(conversation.owner_version + 1, "")
    make.say(conversation.pk, "taken", client_id="taken")

    results = log.append_many(
        [
            Append("contact", "a", conversation_id=conversation.pk),
            Append("bot", "stale", conversation_id=conversation.pk, fence=stale),
            Append("contact", "other text", conversation_id=conversation.pk, client_id="taken"),
            Append("bot", "nowhere", conversation_id=0),
            Append("contact", "b", conversation_id=conversation.pk),
        ]
    )

    assert [type(result) for result in results] == [Entry, Stale, IdempotencyKeyReused, NotFound, Entry]
    assert texts(conversation.pk) == ["hello", "taken", "a", "b"]


def test_a_first_message_takes_as_many_statements_for_one_as_for_many():
    inbox = make.inbox()
    counts = []

    for number in (1, 30):  # Django gives SQLite at most 999 values at once
        appends = [Append("contact", "first", address=make.address(inbox), client_id="1") for _ in range(number)]
        with CaptureQueriesContext(connection) as statements:
            log.append_many(appends)
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 9


def test_reading_takes_one_statement_for_all_and_none_for_nothing(django_assert_num_queries):
    conversations = [make.conversation() for _ in range(10)]

    with django_assert_num_queries(1):
        pages = log.read_many([Want(conversation.pk, 0, 1) for conversation in conversations])
    with django_assert_num_queries(0):
        nothing = log.read_many([Want(conversations[0].pk, 1, 1), Want(conversations[0].pk, 9, 1)])

    assert [len(page) for page in pages] == [1] * 10
    assert nothing == [[], []]


def test_what_comes_with_a_message_comes_back_as_it_was():
    conversation = make.conversation()
    payload = {"кнопки": ["да", "нет"], "n": 1.5, "deep": {"null": None}}

    entry = make.say(conversation.pk, "choose", author="bot", payload=payload)

    [page] = log.read_many([Want(conversation.pk, 1, 2)])
    assert page == [entry]
    assert page[0].payload == payload


def test_listeners_are_told_after_the_commit_and_not_before(django_capture_on_commit_callbacks, monkeypatch):
    told = []
    monkeypatch.setattr(signals, "send_many", told.append)
    address = make.address(make.inbox_with_bot())

    with django_capture_on_commit_callbacks() as callbacks:
        entry = make.say(address, "hello")
    before = list(told)
    for callback in callbacks:
        callback()

    assert before == []
    [kinds] = told
    assert kinds["new"] == [entry.conversation_id, address.topic]
    assert kinds["due"] == [entry.conversation_id]
    assert kinds["desk"] == {"desk:open"}
