"""Which sources a bot answers from."""

from django.db import transaction

from besedka.knowledge.models import Source
from besedka.turns.models import BotSource


@transaction.atomic
def let_read(bot_id: int, title: str, *, only: bool = False) -> None:
    """The bot answers from the source with this title; with `only`, from no other.

    Raises Source.DoesNotExist.
    """
    source = Source.objects.get(title=title)
    if only:
        BotSource.objects.filter(bot_id=bot_id).exclude(source=source).delete()
    BotSource.objects.get_or_create(bot_id=bot_id, source=source)


def let_read_source(bot_id: int, source_id: int) -> None:
    """The bot answers from this source too."""
    BotSource.objects.get_or_create(bot_id=bot_id, source_id=source_id)
