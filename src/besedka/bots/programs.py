"""Programs that talk to a bot: the inbox they write to, and which bots let them."""

from collections.abc import Iterable

import msgspec
from django.db import transaction

from besedka.bots import placements
from besedka.bots.models import Bot
from besedka.conversations import inboxes
from besedka.problems import Problem

LANGUAGE = "ru"  # of what the house itself says there


class BotInactive(Problem):
    """This bot is switched off."""

    code = "bot_inactive"
    status = 409


class ChatClosed(Problem):
    """This bot does not talk to programs."""

    code = "chat_closed"
    status = 403


class Reachable(msgspec.Struct, frozen=True):
    """A bot that programs may talk to, and its inbox for them."""

    bot_id: int
    inbox_id: int


@transaction.atomic(savepoint=False)
def open_many(bot_ids: Iterable[int]) -> dict[int, Reachable | Problem | None]:
    """Each of these bots as programs reach it, with an inbox for them; None where there is no such bot."""
    wanted = set(bot_ids)
    found = Bot.objects.only("name", "is_active", "chat_is_open", "programs_inbox").in_bulk(wanted)
    return {bot_id: _reachable(found.get(bot_id)) for bot_id in wanted}


@transaction.atomic
def inbox_of(bot: Bot) -> int:
    """The id of the inbox where programs talk to this bot; it is opened at the first time."""
    if bot.programs_inbox_id is not None:
        return bot.programs_inbox_id
    locked = Bot.objects.select_for_update().get(pk=bot.pk)
    if locked.programs_inbox_id is None:
        locked.programs_inbox_id = inboxes.open_for_programs(f"API: {bot.name}", language=LANGUAGE)
        Bot.objects.filter(pk=bot.pk).update(programs_inbox=locked.programs_inbox_id)
        placements.place(bot.pk, locked.programs_inbox_id)
    bot.programs_inbox_id = locked.programs_inbox_id
    return locked.programs_inbox_id


def _reachable(bot: Bot | None) -> Reachable | Problem | None:
    if bot is None:
        return None
    if not bot.is_active:
        return BotInactive()
    if not bot.chat_is_open:
        return ChatClosed()
    return Reachable(bot.pk, inbox_of(bot))
