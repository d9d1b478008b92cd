from datetime import timedelta

import pytest
import telegram_server
from django.db import transaction
from django.utils import timezone

from besedka.telegram import updates
from besedka.telegram.models import Update
from besedka.telegram.updates import TRIES, Arrived, Failed, Take

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def bot(settings):
    settings.TELEGRAM_BOT_TOKEN = telegram_server.TOKEN


def update(update_id, **content):
    return {"update_id": update_id, **content}


def said(update_id, message_id, text="hello", date=100, person=7001):
    chat = {"id": person, "type": "private"}
    who = {"id": person, "is_bot": False, "first_name": "Анна"}
    return update(
        update_id, message={"message_id": message_id, "date": date, "chat": chat, "from": who, "text": text}
    )


def keep(*bodies, source="polling"):
    return updates.keep_many([Arrived(body, source) for body in bodies])


def waiting():
    [found] = updates.waiting_many([Take(100)])
    return found


def test_an_update_that_comes_five_times_is_kept_once():
    assert keep(said(7, 1), said(7, 1)) == [True, False]
    assert keep(said(7, 1)) == [False]
    assert keep(said(7, 1), said(7, 1), source="webhook") == [False, False]

    assert [one.update_id for one in waiting()] == [7]


def test_another_bot_counts_anew(settings):
    keep(said(7, 1))

    settings.TELEGRAM_BOT_TOKEN = "99:another"

    assert keep(said(7, 1)) == [True]
    assert len(waiting()) == 1


def test_messages_of_a_chat_are_taken_in_the_order_in_which_they_were_written():
    keep(said(7, 3, date=102), said(5, 1, date=100), said(6, 2, date=101))
    assert [one.update_id for one in waiting()] == [5, 6, 7]

    Update.objects.all().delete()
    keep(said(7, 1), said(5, 2), said(6, 3))
    assert [one.update_id for one in waiting()] == [7, 5, 6]


def test_chats_and_buttons_keep_their_places_between_them():
    press = update(6, callback_query={"id": "q", "from": {"id": 7001}, "data": "inv:1"})

    keep(said(5, 9), press, said(7, 8), said(4, 50, person=7002), said(8, 40, person=7002))

    assert [one.update_id for one in waiting()] == [8, 7, 6, 5, 4]


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"update_id": "7"}, {"update_id": True}, {"update_id": 2**64}]
)
def test_what_has_no_id_cannot_be_kept(body):
    assert keep(body) == [False]
    assert not Update.objects.exists()


def test_what_no_database_takes_as_text_is_kept_all_the_same():
    keep(said(7, 1, text="a\x00b\ud800 \U0001f600"))

    [one] = waiting()
    assert one.update.message.said == "ab� \U0001f600"


def test_a_poisoned_one_is_tried_again_later_and_then_parked():
    keep(update(7, message={"message_id": "no number"}))
    now = timezone.now()
    [one] = waiting()
    assert one.update is None

    for number in range(1, TRIES + 1):
        [is_parked] = updates.failed_many([Failed(one.id, "cannot be read")], now=now)
        row = Update.objects.get()
        assert (row.tries, is_parked) == (number, number == TRIES)
        if not is_parked:
            assert row.due_at - now == timedelta(seconds=2 ** (number - 1))

    assert (row.error, row.due_at) == ("cannot be read", None)
    assert waiting() == []


def test_a_parked_one_is_tried_again_when_somebody_says_so():
    keep(said(7, 1))
    [one] = waiting()
    for _ in range(TRIES):
        updates.failed_many([Failed(one.id, "no")])

    assert updates.again_many([one.id]) == 1

    assert [again.update_id for again in waiting()] == [7]


def test_what_was_handled_is_remembered_without_what_was_in_it():
    keep(said(7, 1, text="secret"))
    [one] = waiting()

    updates.handled_many(updates_locked([one.id]), now=timezone.now())

    assert keep(said(7, 1, text="secret")) == [False]
    assert Update.objects.get().body == ""
    assert waiting() == []


def updates_locked(ids):
    with transaction.atomic():
        return updates.lock_many(ids)


def test_old_ones_are_forgotten_but_not_the_parked():
    keep(said(7, 1), said(8, 2))
    first, second = waiting()
    updates.handled_many([first.id], now=timezone.now())
    for _ in range(TRIES):
        updates.failed_many([Failed(second.id, "no")])

    assert updates.forget_many([timezone.now() + timedelta(days=8)]) == [1]

    assert Update.objects.get().pk == second.id
    assert updates.forget_many([timezone.now() + timedelta(days=31)]) == [1]
