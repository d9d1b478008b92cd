"""Who somebody in Telegram is: links of one use, tokens that only let messages come, and how either ends."""

from datetime import timedelta

import make
import pytest
from django.utils import timezone
from telegram_people import led, operator, user_id
from telegram_server import wait_until

from besedka.accounts import link_tokens, links, mirroring
from besedka.accounts.models import LinkToken, MirrorChat, TelegramLink, User
from besedka.conversations import deliveries, mirror
from besedka.conversations.mirror import Author
from besedka.conversations.models import Conversation, Delivery, Watcher
from besedka.desk.models import Operator
from besedka.telegram.models import Update

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running")]

INVALID = "Эта ссылка не действует: она годится один раз и десять минут. Получите новую."


def answer(person, text):
    """What the bot answers to this."""
    before = len(person.ever)
    person.writes(text)
    wait_until(lambda: len(person.ever) > before)
    return person.ever[before].text


def opens(person, user):
    """They open a new link of this account; what they are told."""
    return answer(person, f"/start {link_tokens.issue(user.pk)}")


def post(user, text):
    return mirror.post(Author(user.pk, user.username), text)


def copies(person):
    """What came of messages that were posted."""
    return [text.partition(": ")[2] for text in person.texts if "я получил от тебя сообщение" in text]


def test_a_link_makes_the_telegram_account_the_person_s_and_their_messages_come(telegram):
    anna, phone = make.operator("anna"), telegram.person("Аня")
    token = link_tokens.issue(anna.pk)

    told = answer(phone, f"/start {token}")
    post(anna, "hello")
    wait_until(lambda: copies(phone) == ["hello"])

    assert told == "Готово: этот Telegram привязан к учётной записи anna. Отвязать: /stop"
    assert user_id(phone) == anna.pk
    assert not User.objects.filter(username__startswith="telegram-").exists()
    assert LinkToken.objects.get().digest != token
    assert not any(token in body for body in Update.objects.values_list("body", flat=True))
    assert not any(token in str(body) for body in Delivery.objects.values_list("body", flat=True))
    assert not any(token in text for text in phone.texts)


def test_a_link_works_once_also_for_two_at_once_and_not_for_strangers_later(telegram):
    anna, phones = make.operator("anna"), [telegram.person(f"Телефон {number}") for number in range(3)]
    token = link_tokens.issue(anna.pk)

    for phone in phones:
        phone.writes(f"/start {token}")
    wait_until(lambda: all(phone.texts for phone in phones))
    again = answer(phones[0], f"/start {token}")

    told = [phone.texts[0] for phone in phones]
    assert sorted(text == INVALID for text in told) == [False, True, True]
    assert again == INVALID
    assert TelegramLink.objects.count() == MirrorChat.objects.count() == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda: LinkToken.objects.update(created_at=timezone.now() - timedelta(seconds=link_tokens.LIFE_S + 1)),
        lambda: User.objects.update(is_active=False),
        lambda: link_tokens.issue(User.objects.get().pk),
        lambda: User.objects.all().delete(),
    ],
    ids=["too old", "of an account that is switched off", "replaced by another one", "of nobody"],
)
def test_a_link_that_is_worth_nothing_is_refused_in_the_same_words(telegram, spoil):
    phone, token = telegram.person(), link_tokens.issue(make.operator("anna").pk)
    spoil()

    assert answer(phone, f"/start {token}") == INVALID
    assert not TelegramLink.objects.exists()
    assert not MirrorChat.objects.exists()


def test_what_is_no_link_at_all_is_refused_in_the_same_words(telegram):
    phone = telegram.person()

    told = [answer(phone, f"/start {behind}") for behind in ("x", "x" * 500, "жук", "a b c", "'; --", "\ud800")]

    assert told == [INVALID] * 6
    assert "Здравствуйте" in answer(phone, "/start \u0000 ")


def test_whoever_had_registered_becomes_the_person_and_is_no_operator_of_nobody(telegram):
    anna, phone = make.operator("anna"), telegram.person("Аня")
    answer(phone, "/start")
    made_here = user_id(phone)

    opens(phone, anna)

    assert user_id(phone) == anna.pk
    assert not Operator.objects.filter(user_id=made_here).exists()


def test_whoever_has_chosen_the_name_of_an_account_that_is_to_be_made_does_not_get_it(telegram):
    phone = telegram.person("Аня")
    taken = User.objects.create_user(f"telegram-{phone.id}", password="a long password")

    answer(phone, "/start")
    made = user_id(phone)
    links.unlink(made)
    answer(phone, "/start")

    assert made != taken.pk
    assert user_id(phone) == made
    assert not User.objects.get(pk=made).has_usable_password()
    assert not Operator.objects.filter(user=taken).exists()


def test_an_operator_works_under_their_own_account(telegram):
    anna, phone = make.operator("anna"), telegram.person("Аня")
    Operator.objects.create(user=anna, is_enabled=True)
    opens(phone, anna)

    on_duty = answer(phone, "/start")
    conversation = led(telegram, phone)

    assert on_duty == "Вы перешли в режим ожидания клиентов."
    conversation.refresh_from_db()
    assert conversation.operator_id == anna.pk


def test_another_telegram_of_the_same_person_takes_over_and_the_first_one_is_told(telegram):
    anna, old, new = make.operator("anna"), telegram.person("Старый"), telegram.person("Новый")
    opens(old, anna)
    post(anna, "to the old one")
    wait_until(lambda: copies(old) == ["to the old one"])

    opens(new, anna)
    post(anna, "to the new one")
    wait_until(lambda: copies(new) == ["to the new one"])

    assert wait_until(lambda: [text for text in old.texts if "другому Telegram" in text])
    assert copies(old) == ["to the old one"]
    assert links.of_chat(old.id) is None
    assert [watcher.recipient for watcher in Watcher.objects.all()] == [str(new.id)]


def test_one_telegram_is_one_person_s_at_a_time(telegram):
    anna, boris, phone = make.operator("anna"), make.operator("boris"), telegram.person()
    opens(phone, anna)
    post(anna, "of Anna")
    wait_until(lambda: copies(phone) == ["of Anna"])

    opens(phone, boris)
    post(anna, "of Anna again")
    post(boris, "of Boris")
    wait_until(lambda: "of Boris" in copies(phone))

    assert copies(phone) == ["of Anna", "of Boris"]
    assert mirroring.of_user(anna.pk) is None


def test_nobody_changes_hands_while_leading_a_conversation(telegram):
    phone, anna = operator(telegram), make.operator("anna")
    Operator.objects.create(user=anna, is_enabled=True)
    led(telegram, phone)
    token = link_tokens.issue(anna.pk)

    told = answer(phone, f"/start {token}")
    stopped_too_early = user_id(phone)
    answer(phone, "/finish")
    done = answer(phone, f"/start {token}")

    assert told == "Сначала закончите переписку с клиентом (/finish), потом откройте ссылку ещё раз."
    assert stopped_too_early != anna.pk
    assert "anna" in done
    assert user_id(phone) == anna.pk


def test_no_operator_stops_being_one_by_a_link_that_somebody_sends(telegram):
    phone, stranger = operator(telegram), make.operator("stranger")
    before = user_id(phone)

    told = opens(phone, stranger)

    assert told.startswith("Вы здесь оператор, а учётная запись stranger — нет.")
    assert user_id(phone) == before
    assert answer(phone, "/start") == "Вы уже в режиме в ожидания."
    assert LinkToken.objects.get().used_at is None


def test_stop_ends_a_link_and_start_begins_anew_as_nobody_in_particular(telegram):
    anna, phone = make.operator("anna"), telegram.person()
    Operator.objects.create(user=anna, is_enabled=True)
    opens(phone, anna)
    answer(phone, "/start")

    told = answer(phone, "/stop")
    post(anna, "to nobody")

    assert told == "Отвязано: сообщения с сайта сюда больше не приходят."
    assert links.of_chat(phone.id) is None
    assert Operator.objects.get().on_duty_since is None
    assert "зарегистрированы" in answer(phone, "/start")
    assert user_id(phone) != anna.pk
    assert copies(phone) == []


def test_an_operator_who_stops_while_leading_is_told_to_finish_first(telegram):
    anna, phone = make.operator("anna"), telegram.person()
    Operator.objects.create(user=anna, is_enabled=True)
    opens(phone, anna)
    answer(phone, "/start")
    led(telegram, phone)

    assert answer(phone, "/stop") == "Сначала закончите переписку: /finish"
    assert user_id(phone) == anna.pk


def test_the_token_of_old_clients_makes_nobody_an_operator(telegram):
    anna, stranger = make.operator("anna"), telegram.person("Чужой")
    Operator.objects.create(user=anna, is_enabled=True)
    token = mirroring.make_token(anna.pk)

    assert answer(stranger, token) == f"Successfully attached token '{token}'"
    assert "включить" in answer(stranger, "/start")
    assert user_id(stranger) != anna.pk


def test_an_operator_s_token_is_attached_between_conversations_and_is_a_text_to_the_customer_in_one(telegram):
    anna, phone = make.operator("anna"), operator(telegram)
    token = mirroring.make_token(anna.pk)
    conversation = led(telegram, phone)

    phone.writes(token)
    wait_until(lambda: conversation.messages.filter(author="operator", text=token).exists())
    answer(phone, "/finish")
    done = answer(phone, token)

    assert done == f"Successfully attached token '{token}'"
    assert "Вы перешли" in answer(phone, "/start")


def test_what_an_operator_answers_to_a_posted_message_comes_too(telegram):
    anna, phone = make.operator("anna"), telegram.person()
    opens(phone, anna)
    post(anna, "is anybody there?")
    conversation = Conversation.objects.get()
    somebody = make.operator("support")
    make.change(conversation, owner="operator", operator=somebody)

    make.say(conversation.pk, "I am.", author="operator", operator_id=somebody.pk)

    wait_until(lambda: "Оператор:\nI am." in phone.texts)
    assert [kept.message for kept in mirror.history(anna.pk)] == ["is anybody there?"]


def test_a_long_message_comes_in_pieces_in_order(telegram):
    anna, phone = make.operator("anna"), telegram.person()
    opens(phone, anna)
    text = " ".join(f"слово{number}" for number in range(360)) + " 😀" * 350

    post(anna, text)
    post(anna, "after it")
    wait_until(lambda: phone.texts[-1].endswith("after it"))

    pieces = phone.texts[1:-1]
    assert len(pieces) == 2
    assert " ".join(pieces) == f"anna, я получил от тебя сообщение: {text}"


def test_who_has_blocked_the_bot_is_sent_nothing_until_they_come_back(telegram):
    anna, phone = make.operator("anna"), telegram.person()
    opens(phone, anna)
    telegram.blocked.add(phone.id)

    for number in range(3):
        post(anna, f"lost {number}")
    wait_until(lambda: Delivery.objects.filter(channel="mirror", state="parked").count() == 3)
    telegram.blocked.clear()
    post(anna, "back")

    wait_until(lambda: copies(phone) == ["back"])


def test_a_delivery_that_is_sent_again_never_comes_into_somebody_else_s_chat(telegram):
    anna, boris, phone = make.operator("anna"), make.operator("boris"), telegram.person()
    opens(phone, anna)
    telegram.blocked.add(phone.id)
    post(anna, "of Anna alone")
    wait_until(lambda: Delivery.objects.filter(channel="mirror", state="parked").exists())
    telegram.blocked.clear()
    opens(phone, boris)

    deliveries.send_again(list(Delivery.objects.filter(channel="mirror").values_list("pk", flat=True)))
    post(boris, "of Boris")
    wait_until(lambda: copies(phone) == ["of Boris"])

    assert Delivery.objects.get(conversation__contact__identities__known_as=str(anna.pk)).state == "parked"


def test_by_the_api_one_gets_a_link_sees_its_state_and_ends_it(telegram, client, settings):
    settings.TELEGRAM_BOT_NAME = "besedka_test_bot"
    anna, phone = make.operator("anna"), telegram.person()
    client.force_login(anna)

    before = client.get("/api/v1/telegram/link").json()
    made = client.post("/api/v1/telegram/link/")
    answer(phone, made.json()["command"])
    linked = client.get("/api/v1/telegram/link").json()
    ended = client.delete("/api/v1/telegram/link")
    wait_until(lambda: "Отвязано: сообщения с сайта сюда больше не приходят." in phone.texts)

    assert (before, linked) == ({"linked": False, "mirrored": False}, {"linked": True, "mirrored": True})
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    assert made.json()["url"] == f"https://t.me/besedka_test_bot?{made.json()['command'][1:].replace(' ', '=')}"
    assert ended.status_code == 204
    assert client.get("/api/v1/telegram/link").json() == before


def test_by_the_api_nobody_ends_a_link_while_leading_a_conversation(telegram, client):
    phone = operator(telegram)
    led(telegram, phone)
    client.force_login(User.objects.get(pk=user_id(phone)))

    refused = client.delete("/api/v1/telegram/link")

    assert (refused.status_code, refused.json()["code"]) == (409, "leads_conversation")


def test_links_are_not_given_without_end(client, settings):
    settings.RATE_LIMITS = True
    client.force_login(make.operator("anna"))

    asked = [client.post("/api/v1/telegram/link").status_code for _ in range(25)]

    assert set(asked) == {201, 429}
    assert LinkToken.objects.count() == 1
