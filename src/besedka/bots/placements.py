"""Which bot answers where."""

from collections.abc import Iterable

import msgspec
from django.db import transaction

from besedka.bots.models import Bot, Placement
from besedka.conversations import inboxes, signals


class Placed(msgspec.Struct, frozen=True):
    """A bot as it answers in an inbox."""

    id: int
    name: str
    system_prompt: str
    answer_from: float
    suggest_from: float
    bot_type: str
    provider: str
    base_url: str
    folder: str
    gpt_model: str
    api_key_sealed: str
    creativity_level: float
    max_tokens: int
    give_away_phrases: list[str]
    tokens_a_day: int | None
    tokens_a_conversation: int | None
    price_in: float
    price_out: float
    scenarios_version: int
    finds_ads: bool = False


def announce(bot_id: int) -> None:
    """Whoever keeps in mind who answers where looks again: something about this bot has changed."""
    transaction.on_commit(lambda: signals.send_many({"bots": [bot_id]}))


def in_inboxes(inbox_ids: Iterable[int]) -> dict[int, Placed]:
    """The active bot of each inbox that has one."""
    fields = (f"bot__{name}" for name in Placed.__struct_fields__)
    placed = Placement.objects.filter(inbox_id__in=inbox_ids, bot__is_active=True)
    return {inbox_id: Placed(*bot) for inbox_id, *bot in placed.values_list("inbox_id", *fields)}


def placed_ids() -> set[int]:
    """The active bots that answer somewhere."""
    return set(Placement.objects.filter(bot__is_active=True).values_list("bot_id", flat=True))


@transaction.atomic
def place(bot_id: int, inbox_id: int) -> None:
    """This bot answers first in this inbox, in the place of the one that was there."""
    Placement.objects.update_or_create(inbox_id=inbox_id, defaults={"bot_id": bot_id})
    inboxes.let_answer_first(inbox_id, first_owner="bot")
    announce(bot_id)


@transaction.atomic
def withdraw(inbox_id: int) -> None:
    """No bot answers in this inbox; new episodes wait for a person."""
    bot_ids = list(Placement.objects.filter(inbox_id=inbox_id).values_list("bot_id", flat=True))
    Placement.objects.filter(inbox_id=inbox_id).delete()
    for bot_id in bot_ids:
        announce(bot_id)
    inboxes.let_answer_first(inbox_id, first_owner="queue")


def named(id_or_name: str) -> Bot | None:
    """The bot with this id or, else, this name."""
    if id_or_name.isascii() and id_or_name.isdigit():
        return Bot.objects.filter(pk=int(id_or_name)).first()
    return Bot.objects.filter(name=id_or_name).order_by("pk").first()


def withdraw_if(name: str, inbox_id: int) -> None:
    """Withdraw the bot of this inbox if this is its name."""
    if Placement.objects.filter(inbox_id=inbox_id, bot__name=name).exists():
        withdraw(inbox_id)
