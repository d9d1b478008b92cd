"""Operators with a phone, and visitors who wait for one: what tests of Telegram begin with."""

import make
from telegram_server import Person, Telegram, wait_until

from besedka.accounts import links
from besedka.conversations import ownership
from besedka.conversations.models import Conversation, Message
from besedka.desk import invitations
from besedka.desk.models import Operator
from besedka.telegram import texts


def operator(telegram: Telegram, name: str = "Анна") -> Person:
    """Somebody on duty in Telegram, with what that took already off the phone."""
    person = telegram.person(name)
    person.writes("/start")
    wait_until(lambda: person.texts)
    enable(person)
    person.writes("/start")
    wait_until(lambda: texts.ON_DUTY in person.texts)
    telegram.chats[person.id].clear()
    return person


def enable(person: Person) -> None:
    """An administrator lets them answer."""
    Operator.objects.filter(user_id=user_id(person)).update(is_enabled=True)


def user_id(person: Person) -> int:
    """The account behind this phone."""
    linked = links.of_chat(person.id)
    assert linked is not None
    return linked.user_id


def waiting(text: str = "Торгуете?", token: str | None = None) -> Conversation:
    """A visitor has asked the bot, and waits for a person."""
    address = make.address(make.inbox_with_bot(language="ru"), token)
    said = make.say(address, text)
    ownership.ask_for_person_many([address])
    return Conversation.objects.get(pk=said.conversation_id)


def invite() -> None:
    """Invitations go out, and come back, as a loop of the house sees to it."""
    invitations.sweep_many([100])


def led(telegram: Telegram, person: Person, text: str = "Торгуете?") -> Conversation:
    """A visitor whom this operator has taken over, with all that the operator was sent for it."""
    conversation = waiting(text)
    invite()
    person.presses(wait_until(lambda: [one for one in person.sees if one.buttons])[0])
    wait_until(lambda: text in person.texts)
    return conversation


def logged(conversation: Conversation) -> list[tuple[str, str]]:
    """The log without what the house said: author and text."""
    found = Message.objects.filter(conversation=conversation).exclude(author="system").order_by("seq")
    return list(found.values_list("author", "text"))
