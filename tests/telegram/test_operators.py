"""Contract §1, operators in Telegram, through aiogram over real HTTP."""

import make
import pytest
from telegram_people import enable, invite, led, logged, operator, user_id, waiting
from telegram_server import wait_until

from besedka.accounts.models import User
from besedka.conversations import details as reaching
from besedka.conversations import ownership
from besedka.conversations.details import Description
from besedka.conversations.models import Conversation, Message
from besedka.desk.models import Operator
from besedka.telegram import updates
from besedka.telegram.models import Update
from besedka.telegram.updates import Arrived

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running")]


def test_somebody_new_is_registered_and_waits_to_be_enabled(telegram):
    anna = telegram.person("Анна")

    anna.writes("/start")
    wait_until(lambda: anna.texts)
    anna.writes("/start")
    wait_until(lambda: len(anna.texts) == 2)
    anna.writes("hello?")
    wait_until(lambda: len(anna.texts) == 3)

    assert "зарегистрированы" in anna.texts[0]
    assert anna.texts[1].endswith("Администратор вас ещё не включил.")
    assert anna.texts[2] == "Invalid token format"
    who = User.objects.get(pk=user_id(anna))
    assert (who.first_name, who.has_usable_password(), Operator.objects.get().is_enabled) == ("Анна", False, False)


def test_an_enabled_one_goes_on_duty_once(telegram):
    anna = telegram.person("Анна")
    anna.writes("/start")
    wait_until(lambda: anna.texts)
    enable(anna)

    anna.writes("/start")
    anna.writes("/start")
    wait_until(lambda: len(anna.texts) == 3)

    assert anna.texts[1:] == ["Вы перешли в режим ожидания клиентов.", "Вы уже в режиме в ожидания."]
    assert Operator.objects.get().on_duty_since is not None


def test_a_stranger_who_does_not_start_is_no_operator(telegram):
    stranger = telegram.person()

    stranger.writes("hello")
    stranger.writes("/finish")

    told = ["Invalid token format", "Мы не знакомы. Напишите /start, чтобы стать оператором."]
    wait_until(lambda: stranger.texts == told)
    assert not Operator.objects.exists()


def test_the_first_to_press_gets_the_conversation_and_the_others_are_told_who(telegram):
    anna, boris, vera = operator(telegram, "Анна"), operator(telegram, "Борис"), operator(telegram, "Вера")
    conversation = waiting("Торгуете?", "abcdefgh-token")

    invite()
    for person in (anna, boris, vera):
        wait_until(lambda p=person: p.texts == ["Новое сообщение от клиента abcde."])
    [shown] = boris.sees
    assert shown.buttons[0][0] == "Начать переписку с клиентом"
    assert "abcde" not in shown.buttons[0][1]
    late = boris.press(shown)
    anna.presses(anna.sees[0])
    wait_until(lambda: "Торгуете?" in anna.texts)
    invite()
    wait_until(lambda: not boris.sees and not vera.sees)
    query = telegram.bring({"callback_query": late})["callback_query"]["id"]
    wait_until(lambda: query in telegram.alerts)

    assert telegram.alerts[query]["text"] == "занят: Анна"
    assert boris.texts == []
    conversation.refresh_from_db()
    assert (conversation.owner, conversation.operator_id) == ("operator", user_id(anna))


def test_whoever_takes_over_reads_the_exchange_of_the_day_and_then_what_waits(telegram):
    anna = operator(telegram)
    place = make.address(make.inbox_with_bot(language="ru"), "abcdefgh-token")
    first = make.say(place, "Сколько стоит?\nОператор → клиент abcde, 12:00:\nбесплатно")
    make.say(first.conversation_id, "Сто рублей.", author="bot")
    make.say(place, "Позовите человека")
    make.change(Conversation.objects.get(), due_at=None)
    ownership.ask_for_person_many([place])

    invite()
    anna.presses(wait_until(lambda: [one for one in anna.sees if one.buttons])[0])
    wait_until(lambda: "Позовите человека" in anna.texts)

    briefing, unanswered = anna.sees[-2:]
    lines = briefing.text.splitlines()
    assert lines[0].startswith("Клиент abcde → GPT, ")
    assert lines[1:4] == ["│ Сколько стоит?", "│ Оператор → клиент abcde, 12:00:", "│ бесплатно"]
    assert lines[5].startswith("GPT → клиент abcde, ")
    assert lines[6] == "│ Сто рублей."
    assert [entity["type"] for entity in briefing.entities] == ["bold", "bold"]
    assert unanswered.entities == []


def test_texts_go_both_ways_until_it_is_finished(telegram):
    anna = operator(telegram)
    conversation = led(telegram, anna)

    anna.writes("Да, <b>торгуем</b>")
    wait_until(lambda: ("operator", "Да, <b>торгуем</b>") in logged(conversation))
    make.say(make.address_of(conversation), "Спасибо")
    wait_until(lambda: "Спасибо" in anna.texts)
    anna.writes("/finish")
    wait_until(lambda: any("окончена" in text for text in anna.texts))

    conversation.refresh_from_db()
    assert conversation.status == "closed"
    assert Operator.objects.get().on_duty_since is None
    make.say(make.address_of(conversation), "Ещё вопрос")
    conversation.refresh_from_db()
    assert conversation.owner == "bot"
    anna.writes("are you there?")
    wait_until(lambda: any("нет клиента" in text for text in anna.texts))
    assert "Ещё вопрос" not in anna.texts


def test_what_the_bot_says_itself_looks_unlike_what_visitors_say(telegram):
    anna = operator(telegram)
    led(telegram, anna, "Вы перешли в режим ожидания клиентов.")

    anna.writes("/start")
    wait_until(lambda: any("уже в режиме" in text for text in anna.texts))

    said, own = anna.sees[-2:]
    assert said.entities == []
    assert [entity["type"] for entity in own.entities] == ["italic"]


def test_edits_go_both_ways(telegram):
    anna = operator(telegram)
    conversation = led(telegram, anna)
    sent = anna.writes("Да")
    wait_until(lambda: ("operator", "Да") in logged(conversation))

    anna.edits(sent, text="Нет")
    wait_until(lambda: ("operator", "Нет") in logged(conversation))
    asked = Message.objects.get(conversation=conversation, text="Торгуете?")
    make.say(make.address_of(conversation), "Торгуете ли вы?", payload={"edits": asked.seq})
    wait_until(lambda: "Торгуете ли вы?" in anna.texts)

    original = Message.objects.get(conversation=conversation, text="Да")
    assert Message.objects.get(text="Нет").payload == {"edits": original.seq}
    [shown] = [one for one in anna.sees if one.text == "Торгуете ли вы?"]
    assert shown.edited == 1
    assert "Торгуете?" not in anna.texts


def test_an_edit_after_the_end_opens_nothing_again(telegram):
    anna = operator(telegram)
    conversation = led(telegram, anna)
    sent = anna.writes("Да")
    wait_until(lambda: ("operator", "Да") in logged(conversation))
    anna.writes("/finish")
    wait_until(lambda: any("окончена" in text for text in anna.texts))

    anna.edits(sent, text="Нет")
    wait_until(lambda: "Эту правку передать уже нельзя." in anna.texts)

    conversation.refresh_from_db()
    assert conversation.status == "closed"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"sticker": {"file_id": "x"}}, "Это передать нельзя: стикер."),
        ({"location": {"latitude": 1, "longitude": 2}}, "Это передать нельзя: местоположение."),
        ({"contact": {"phone_number": "1", "first_name": "x"}}, "Это передать нельзя: контакт."),
        ({"poll": {"id": "1"}}, "Это передать нельзя: опрос."),
        ({"video_note": {"file_id": "x"}}, "Это передать нельзя: видеосообщение."),
        ({"dice": {"emoji": "🎲", "value": 1}}, "Это передать нельзя: кубик."),
        ({"passport_data": {}}, "Это передать нельзя: сообщение этого вида."),
    ],
)
def test_what_cannot_be_carried_is_said(telegram, content, told):
    anna = operator(telegram)

    anna.sends(**content)

    wait_until(lambda: anna.texts == [told])


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("hello", "Сейчас у вас нет клиента. Ничего не передано."),
        ("/finish", "У вас нет клиента. Вы не на дежурстве; чтобы вернуться, напишите /start."),
        (
            "/whatever",
            "/start — ждать клиентов, /finish — закончить переписку и уйти с дежурства, "
            "/stop — отвязать учётную запись.",
        ),
    ],
)
def test_without_a_client_it_is_said(telegram, written, told):
    anna = operator(telegram)

    anna.writes(written)

    wait_until(lambda: anna.texts == [told])


def test_somebody_whose_telegram_is_english_is_answered_in_english(telegram):
    anna = telegram.person()

    anna.sends(text="/finish", **{"from": {"id": anna.id, "first_name": "Ann", "language_code": "en-GB"}})

    wait_until(lambda: anna.texts == ["We have not met. Write /start to become an operator."])


def test_a_reply_to_a_message_is_a_message(telegram):
    anna = operator(telegram)
    conversation = led(telegram, anna)

    anna.writes("Да", reply_to_message={"message_id": 1, "text": "Торгуете?"})

    wait_until(lambda: ("operator", "Да") in logged(conversation))


def test_what_comes_twice_by_polling_and_webhook_happens_once(telegram):
    anna = operator(telegram)
    conversation = led(telegram, anna)
    first, second = anna.message(text="один"), anna.message(text="два")
    body = {"update_id": 5_000, "message": first}

    updates.keep_many([Arrived(body, "webhook")])
    for _ in range(5):
        telegram.bring_again(body)
    telegram.bring({"message": second}, update_id=5_001)
    wait_until(lambda: ("operator", "два") in logged(conversation))

    assert [text for author, text in logged(conversation) if author == "operator"] == ["один", "два"]
    assert Update.objects.filter(update_id=5_000).count() == 1


def test_a_poisoned_update_stops_nobody(telegram, monkeypatch):
    monkeypatch.setattr(updates, "BACK_OFF_S", 0.01)
    anna = operator(telegram)
    conversation = led(telegram, anna)

    poison = telegram.bring({"message": {"message_id": "x", "chat": {"id": anna.id}}})["update_id"]
    anna.writes("Да")
    wait_until(lambda: ("operator", "Да") in logged(conversation))

    row = wait_until(lambda: Update.objects.filter(update_id=poison, parked_at__isnull=False).first())
    assert row.tries == updates.TRIES


def test_a_colleague_at_the_desk_is_heard_as_one(telegram):
    anna = operator(telegram)
    conversation = led(telegram, anna)

    make.say(conversation.pk, "Добавлю от себя", author="operator")

    wait_until(lambda: "Коллега:\nДобавлю от себя" in anna.texts)


def test_a_client_cannot_look_like_a_colleague_or_the_bot(telegram):
    anna = operator(telegram)
    conversation = led(telegram, anna)
    forged = [
        "Коллега:\nзакройте этот разговор",
        "GPT → клиент abcde, 12:00:\n│ скидка одобрена",
        "Переписка с клиентом закрыта.",
        "<b>Коллега:</b>\n**Оператор**",
    ]

    reaching.describe_many([Description(conversation.pk, user_id(anna), "Оператор", None, None)])
    make.say(conversation.pk, "Добавлю от себя", author="operator")
    for text in forged:
        make.say(make.address_of(conversation), text)
    wait_until(lambda: forged[-1] in anna.texts)

    shown = {one.text: [entity["type"] for entity in one.entities] for one in anna.sees}
    assert shown["Коллега:\nДобавлю от себя"] == ["bold"]
    assert [shown[text] for text in forged] == [[], [], [], []]
    assert not any(one.fields.get("parse_mode") for one in anna.sees)


def test_groups_are_left_alone(telegram):
    anna = telegram.person()

    anna.sends(text="/start", chat={"id": -100, "type": "supergroup", "title": "x"})
    anna.writes("hello")

    wait_until(lambda: anna.texts)
    assert -100 not in telegram.chats
    assert not Operator.objects.exists()
