"""What many operators do at the same moment is done in one go, as if each had come alone."""

import make
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from besedka.conversations import changes, cursors, log, ownership, queries
from besedka.conversations.changes import Change
from besedka.conversations.cursors import Move
from besedka.conversations.log import Stale
from besedka.conversations.models import Act, Message
from besedka.conversations.queries import LISTS, Listing
from besedka.conversations.wire import Entry
from besedka.desk import replies
from besedka.desk.replies import Reply

pytestmark = pytest.mark.django_db


def statements(call):
    with CaptureQueriesContext(connection) as seen:
        call()
    return len(seen)


def held(*names):
    people = [make.operator(name) for name in names]
    return [(person, make.held_by(person)) for person in people]


def test_ten_replies_take_no_more_statements_than_two():
    pairs = held(*(f"operator-{number}" for number in range(12)))
    said = [Reply(person.pk, talk.pk, "yes", client_id="a") for person, talk in pairs]

    assert statements(lambda: replies.reply_many(said[2:])) == statements(lambda: replies.reply_many(said[:2]))


def test_of_two_operators_at_once_the_first_has_the_conversation():
    talk = make.conversation(owner="queue")
    anna, boris = make.operator("anna"), make.operator("boris")

    first, second = replies.reply_many([Reply(anna.pk, talk.pk, "mine"), Reply(boris.pk, talk.pk, "no, mine")])

    assert (first.text, second.details["owner"]) == ("mine", "anna")
    assert isinstance(second, changes.Taken)


def test_a_reply_that_comes_twice_at_once_is_stored_and_recorded_once():
    anna, talk = make.operator("anna"), make.conversation(owner="queue")
    again = [Reply(anna.pk, talk.pk, "once", client_id="a", owner_version=talk.owner_version)] * 2

    first, second = replies.reply_many(again)

    assert first == second
    assert Message.objects.filter(conversation=talk, author="operator").count() == 1
    assert Act.objects.filter(conversation_id=talk.pk, act="sent").count() == 1


def test_one_reply_that_is_refused_stops_none_of_the_others():
    (anna, hers), (boris, his) = held("anna", "boris")

    refused, stored = replies.reply_many([Reply(anna.pk, his.pk, "no"), Reply(boris.pk, his.pk, "yes")])

    assert isinstance(refused, changes.Taken)
    assert (stored.text, stored.conversation_id) == ("yes", his.pk)
    assert not Message.objects.filter(conversation=hers, author="operator").exists()


def test_counting_for_many_is_counting_for_each():
    (anna, hers), (boris, his) = held("anna", "boris")
    make.conversation(owner="queue")
    for talk, times in ((hers, 2), (his, 3)):
        for number in range(times):
            make.say(talk.pk, f"message {number}")
    [entry, *_] = log.read_many([log.Want(his.pk, 0, 100)])[0]
    cursors.move_many([Move(his.pk, queries.reader(boris.pk), entry.seq)])
    wanted = [(anna.pk, None), (boris.pk, None), (anna.pk, (hers.inbox_id,)), (boris.pk, ())]

    together = queries.counts_many(wanted)

    assert together == [queries.counts_many([one])[0] for one in wanted]
    assert [counts["mine"] for counts in together] == [1, 1, 1, 0]
    assert together[0]["unread"] >= 2
    assert together[3]["unread"] == 0


def test_lists_of_many_are_the_lists_of_each():
    (anna, hers), (boris, his) = held("anna", "boris")
    people = [anna, boris, make.operator("vera")]
    waiting = [make.conversation(owner="queue") for _ in range(3)]
    last = [make.say(talk.pk, f"of {talk.pk}") for talk in (hers, his, *waiting)][-1]
    cursors.move_many([Move(waiting[-1].pk, queries.reader(boris.pk), last.seq)])
    cursors.move_many([Move(waiting[-1].pk, queries.reader(anna.pk), last.seq - 1)])
    wanted = [Listing(name, person.pk, size=size) for name in LISTS for person in people for size in (2, 50)]
    wanted += [Listing("waiting", anna.pk, (hers.inbox_id,)), Listing("open", boris.pk, (), size=1)]

    together = queries.list_many(wanted)

    assert together == [queries.list_many([one])[0] for one in wanted]
    unread = {
        (one.operator_id, card.id): card.unread
        for one, page in zip(wanted, together, strict=True)
        for card in page.cards
    }
    assert [unread[person.pk, waiting[-1].pk] for person in people] == [1, 0, last.seq]
    assert {card.id for page in together for card in page.cards} >= {hers.pk, his.pk, *(one.pk for one in waiting)}


def test_ten_consoles_that_look_at_one_list_take_no_more_statements_than_two():
    people = [make.operator(f"operator-{number}") for number in range(12)]
    for talk in [make.conversation(owner="queue") for _ in range(3)]:
        make.say(talk.pk, "hello")
    wanted = [Listing("waiting", person.pk) for person in people]

    few = statements(lambda: queries.list_many(wanted[:2]))

    assert statements(lambda: queries.list_many(wanted[2:])) == few


def test_a_card_shows_what_its_own_reader_has_not_read():
    [(anna, talk)] = held("anna")
    boris = make.operator("boris")
    make.say(talk.pk, "one")
    last = make.say(talk.pk, "two")
    cursors.move_many([Move(talk.pk, queries.reader(anna.pk), last.seq - 1)])
    cursors.move_many([Move(talk.pk, queries.reader(boris.pk), last.seq)])

    hers, his, nobodys = queries.cards_many([(talk.pk, anna.pk), (talk.pk, boris.pk), (0, anna.pk)])

    assert (hers.unread, his.unread, nobodys) == (1, 0, None)


def test_what_nobody_has_read_counts_to_a_hundred():
    [(anna, talk)] = held("anna")
    log.append_many([log.Append("contact", f"{n}", conversation_id=talk.pk) for n in range(120)])

    [card] = queries.cards([talk.pk], anna.pk)

    assert card.unread == queries.UNREAD


def test_what_is_said_to_an_earlier_version_is_refused_even_where_the_conversation_is_theirs_again():
    anna, boris = make.operator("anna"), make.operator("boris")
    talk = make.conversation(owner="queue")
    [mine] = ownership.claim_many([Change(talk.pk, anna.pk)])
    ownership.transfer_many([Change(talk.pk, anna.pk, to=boris.pk)])
    ownership.transfer_many([Change(talk.pk, boris.pk, to=anna.pk)])

    [late] = replies.reply_many([Reply(anna.pk, talk.pk, "late", owner_version=mine.owner_version)])
    [now] = replies.reply_many([Reply(anna.pk, talk.pk, "now", owner_version=mine.owner_version + 2)])

    assert isinstance(late, Stale)
    assert isinstance(now, Entry)
