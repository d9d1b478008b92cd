from datetime import UTC, datetime, timedelta

import make
import pytest
from django.utils import timezone

from besedka.conversations import ownership
from besedka.conversations.models import Conversation, Message
from besedka.desk import routing
from besedka.desk.models import Routing

pytestmark = pytest.mark.django_db

ALWAYS_CLOSED = {"mon": []}


def waiting(**fields):
    """A conversation that has waited since just now, in an inbox with a bot."""
    conversation = make.conversation()
    ownership.ask_for_person_many([make.address_of(conversation)])
    return make.change(conversation, **fields)


def after(seconds):
    return timezone.now() + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("waited_s", "stage"), [(0, 1), (29, 1), (30, 2), (89, 2), (90, 3), (299, 3), (300, 4), (9_999, 4)]
)
def test_the_ladder_calls_further_the_longer_somebody_waits(waited_s, stage):
    assert routing.stage(Routing(), waited_s, is_open=True) == stage


def test_a_rung_of_nought_seconds_is_left_out():
    assert routing.stage(Routing(everyone_s=0, supervisors_s=0, bot_s=0), 9_999, is_open=True) == 1


def test_out_of_hours_there_is_nobody_to_call():
    assert routing.stage(Routing(), 0, is_open=False) == routing.NOBODY


def test_each_rung_is_climbed_once():
    conversation = waiting()

    counts = [routing.climb_many([10], now=after(s)) for s in (0, 1, 40, 41, 100, 101)]

    conversation.refresh_from_db()
    assert counts == [[1], [0], [1], [0], [1], [0]]
    assert (conversation.stage, conversation.owner) == (3, "queue")


def test_where_nobody_came_the_bot_returns_and_asks_for_an_address():
    conversation = waiting()

    routing.climb_many([10], now=after(301))

    conversation.refresh_from_db()
    assert (conversation.owner, conversation.waiting_since, conversation.details_asked) == ("bot", None, True)
    last = Message.objects.filter(conversation=conversation).latest("seq")
    assert last.payload == {"event": "details_asked"}
    assert "e-mail" in last.text


def test_a_bot_that_would_hand_over_again_for_the_same_reason_is_not_asked_again():
    conversation = waiting()
    routing.climb_many([10], now=after(301))
    ownership.ask_for_person_many([make.address_of(conversation)])

    routing.climb_many([10], now=after(700))
    [refused] = ownership.return_many([ownership.Change(conversation.pk)])

    conversation.refresh_from_db()
    assert (conversation.owner, conversation.stage) == ("queue", routing.NOBODY)
    assert isinstance(refused, ownership.BotGaveUp)


def test_out_of_hours_the_contact_is_told_at_once_when_somebody_is_there_again():
    conversation = waiting()
    Routing.objects.create(
        inbox_id=conversation.inbox_id, time_zone="Europe/Moscow", week={"mon": ["09:00-18:00"]}
    )
    tuesday = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

    routing.climb_many([10], now=tuesday)

    text = Message.objects.filter(conversation=conversation).latest("seq").text
    assert "2026-11-30 at 09:00" in text
    assert Conversation.objects.get(pk=conversation.pk).owner == "bot"


def test_hours_that_cannot_be_read_close_nothing():
    conversation = waiting()
    Routing.objects.create(inbox_id=conversation.inbox_id, week={"someday": []})

    routing.climb_many([10])

    conversation.refresh_from_db()
    assert (conversation.owner, conversation.stage) == ("queue", routing.FREE)


def test_who_can_be_called_for_no_further_does_not_stand_in_the_way_of_others():
    waiting(stage=routing.NOBODY)
    behind = waiting()

    assert routing.climb_many([1]) == [1]

    behind.refresh_from_db()
    assert behind.stage == routing.FREE
