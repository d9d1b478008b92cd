"""What goes out: in order, once, no faster than Telegram takes it, and never silently lost."""

import itertools
import os

import make
import pytest
from telegram_people import invite, led, logged, operator, user_id, waiting
from telegram_server import BLOCKED, DOWN, EMPTY, LOST, TOO_MANY, Does, wait_until

from besedka.conversations import deliveries
from besedka.conversations.deliveries import Outgoing
from besedka.conversations.models import Delivery
from besedka.desk.models import Operator
from besedka.telegram import client, pace, sender, splitting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running")]

RETRY_AFTER_S = int(os.environ.get("BESEDKA_RETRY_AFTER_S", "2"))  # that Telegram asks for


def post(person, *said, **more):
    return deliveries.post_many(
        [Outgoing("telegram", str(person.id), {"kind": "say", "text": text, **more}) for text in said]
    )


def states():
    return list(Delivery.objects.order_by("pk").values_list("state", "is_doubtful"))


def all_there():
    return states() and {state for state, _ in states()} == {"delivered"}


def test_a_burst_of_thirty_comes_in_order(telegram):
    anna = telegram.person()

    post(anna, *(str(number) for number in range(30)))

    wait_until(lambda: anna.texts == [str(number) for number in range(30)])
    wait_until(all_there)


@pytest.mark.parametrize(
    "fault", [TOO_MANY, DOWN, Does(500, "Internal Server Error"), Does(503, raw=b""), Does(429, raw=b"busy")]
)
def test_what_surely_was_not_taken_is_sent_again_in_order(telegram, monkeypatch, fault):
    monkeypatch.setattr(sender, "LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr(client, "BUSY_S", 1)
    anna, boris = telegram.person(), telegram.person()
    telegram.fails("sendMessage", fault)

    post(anna, "one", "two", "three")
    post(boris, "meanwhile")

    wait_until(lambda: anna.texts == ["one", "two", "three"])
    wait_until(lambda: boris.texts == ["meanwhile"])
    wait_until(all_there)
    assert not any(is_doubtful for _, is_doubtful in states())


def test_it_waits_as_long_as_it_is_told_and_keeps_the_order(telegram):
    anna = telegram.person()
    told = Does(429, f"Too Many Requests: retry after {RETRY_AFTER_S}", retry_after=RETRY_AFTER_S)
    telegram.fails("sendMessage", told)

    post(anna, "one", "two")

    wait_until(all_there, within_s=RETRY_AFTER_S + 15)
    refused, first, second = telegram.of("sendMessage")
    assert RETRY_AFTER_S <= first.at - refused.at < RETRY_AFTER_S + 2
    assert [refused.fields["text"], first.fields["text"], second.fields["text"]] == ["one", "one", "two"]


@pytest.mark.parametrize("fault", [LOST, Does(200, raw=b"", done=True), Does(200, raw=b"{", done=True)])
def test_a_lost_answer_is_repeated_once_and_marked(telegram, fault):
    anna = telegram.person()
    telegram.fails("sendMessage", fault)

    post(anna, "one", "two")

    wait_until(lambda: anna.texts == ["one", "one", "two"])
    wait_until(all_there)
    assert states() == [("delivered", True), ("delivered", False)]


def test_after_two_lost_answers_it_is_parked_for_an_administrator(telegram):
    anna = telegram.person()
    telegram.fails("sendMessage", LOST, EMPTY)

    post(anna, "one", "two")

    wait_until(lambda: anna.texts == ["one", "two"])
    wait_until(lambda: states() == [("parked", True), ("delivered", False)])


def test_what_telegram_refuses_is_parked_and_the_others_go_on(telegram):
    anna = telegram.person()
    telegram.fails("sendMessage", Does(400, "Bad Request: no"))

    first, _ = post(anna, "one", "two")

    wait_until(lambda: states() == [("parked", False), ("delivered", False)])
    assert anna.texts == ["two"]
    assert "Bad Request" in Delivery.objects.get(pk=first).error
    deliveries.send_again([first])
    wait_until(lambda: anna.texts == ["two", "one"])


def test_a_long_text_comes_in_pieces_and_no_piece_twice(telegram, monkeypatch):
    monkeypatch.setattr(sender, "LONGEST_PAUSE_S", 0.05)
    anna = telegram.person()
    text = "\n\n".join(f"{number} " + "слово 😀 " * 120 for number in range(10)).strip()
    telegram.fails("sendMessage", Does(), DOWN, DOWN)

    post(anna, text)
    wait_until(all_there)

    assert all(splitting.units(piece) <= 4096 for piece in anna.texts)
    assert len(anna.texts) == len(splitting.split(text)) > 2
    assert "".join("".join(anna.texts).split()) == "".join(text.split())


def test_one_message_a_second_goes_to_one_person(telegram, monkeypatch):
    monkeypatch.setattr(pace, "CHAT_S", 0.5)
    anna, boris = telegram.person(), telegram.person()

    post(anna, "1", "2", "3")
    post(boris, "1", "2", "3")
    wait_until(all_there)

    for person in (anna, boris):
        at = [call.at for call in telegram.of("sendMessage") if call.fields["chat_id"] == person.id]
        assert all(later - earlier >= 0.45 for earlier, later in itertools.pairwise(at))
    assert max(call.at for call in telegram.calls) - min(c.at for c in telegram.of("sendMessage")) < 3


def test_a_text_without_anything_to_see_is_sent_as_such(telegram):
    anna = operator(telegram)
    conversation = led(telegram, anna)

    make.say(make.address_of(conversation), "\u200b \u2060")

    wait_until(lambda: "(без текста)" in anna.texts)


def test_a_blocked_operator_is_off_duty_and_the_next_one_is_asked(telegram):
    anna = operator(telegram, "Анна")
    conversation = led(telegram, anna)
    boris = operator(telegram, "Борис")
    telegram.blocked.add(anna.id)

    make.say(make.address_of(conversation), "Где вы?")
    wait_until(lambda: Operator.objects.get(user_id=user_id(anna)).on_duty_since is None)
    invite()
    boris.presses(wait_until(lambda: [one for one in boris.sees if one.buttons])[0])

    wait_until(lambda: "Где вы?" in boris.texts)
    conversation.refresh_from_db()
    assert conversation.operator_id == user_id(boris)
    assert not Delivery.objects.filter(state__in=("waiting", "sending"), recipient=str(anna.id)).exists()


def test_an_invitation_that_cannot_be_deleted_says_who_has_it(telegram):
    anna, boris = operator(telegram, "Анна"), operator(telegram, "Борис")
    waiting()
    invite()
    wait_until(lambda: anna.sees and boris.sees)
    telegram.always["deleteMessage"] = Does(400, "Bad Request: message can't be deleted")

    anna.presses(anna.sees[0])
    wait_until(lambda: "Торгуете?" in anna.texts)
    invite()

    wait_until(lambda: boris.texts == ["занят: Анна"])
    assert boris.sees[0].buttons == []


def test_an_operator_who_blocks_while_invited_stops_nobody(telegram):
    anna, boris = operator(telegram, "Анна"), operator(telegram, "Борис")
    telegram.fails("sendMessage", BLOCKED)
    waiting()
    invite()

    wait_until(lambda: anna.sees or boris.sees)
    wait_until(lambda: Operator.objects.filter(on_duty_since=None).count() == 1)


def test_what_an_operator_says_is_not_said_back(telegram):
    anna = operator(telegram)
    conversation = led(telegram, anna)

    anna.writes("Да")
    wait_until(lambda: ("operator", "Да") in logged(conversation))
    make.say(make.address_of(conversation), "end")
    wait_until(lambda: "end" in anna.texts)

    assert "Да" not in anna.texts
