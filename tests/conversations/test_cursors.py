import make
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from besedka.conversations import cursors, signals, visits
from besedka.conversations.cursors import Move
from besedka.conversations.models import Conversation, Cursor
from besedka.conversations.visits import Visit

pytestmark = pytest.mark.django_db


def stands_at(conversation: Conversation, reader: str = "contact") -> int:
    return Cursor.objects.get(conversation=conversation, reader=reader).seq


def test_a_cursor_moves_forward_only():
    conversation = make.conversation()

    for seq in (3, 7, 5):
        cursors.move_many([Move(conversation.pk, "contact", seq)])

    assert stands_at(conversation) == 7


def test_of_many_moves_at_once_the_furthest_counts():
    conversation = make.conversation()

    cursors.move_many([Move(conversation.pk, "contact", seq) for seq in (3, 7, 5)])

    assert stands_at(conversation) == 7


def test_each_reader_stands_somewhere_else():
    conversation, other = make.conversation(), make.conversation()

    cursors.move_many(
        [Move(conversation.pk, "contact", 1), Move(conversation.pk, "site_chat", 2), Move(other.pk, "contact", 3)]
    )

    assert [stands_at(conversation), stands_at(conversation, "site_chat"), stands_at(other)] == [1, 2, 3]


def test_moving_takes_one_statement_for_one_conversation(django_assert_num_queries):
    conversation = make.conversation()

    with django_assert_num_queries(1):
        cursors.move_many([Move(conversation.pk, "contact", seq) for seq in range(50)])


def test_other_devices_are_told_what_the_contact_has_read(monkeypatch, django_capture_on_commit_callbacks):
    told = []
    monkeypatch.setattr(signals, "send_many", told.append)
    conversation = make.conversation()

    with django_capture_on_commit_callbacks(execute=True):
        cursors.move_many([Move(conversation.pk, "contact", 1), Move(conversation.pk, "site_chat", 1)])

    assert told == [{"read": [conversation.pk]}]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    said=st.integers(0, 30),
    read=st.lists(st.integers(1, 31), max_size=6),
    after=st.none() | st.integers(0, 40),
)
def test_nothing_that_was_said_is_skipped_by_a_cursor(said, read, after):
    conversation = make.conversation(owner="queue")
    for number in range(said):
        make.say(conversation.pk, str(number))
    cursors.move_many([Move(conversation.pk, "contact", seq) for seq in read])

    [seen] = visits.look_many([Visit(make.address_of(conversation), after=after)])

    begin = max(read, default=0) if after is None else after
    assert [entry.seq for entry in seen.messages] == list(range(begin + 1, said + 2))
    assert (seen.last_seq, seen.cursor) == (said + 1, max(read, default=0))
