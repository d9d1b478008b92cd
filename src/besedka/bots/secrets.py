"""Secrets of bots: written by name, sealed, and opened only for the calls that send them."""

import logging
from collections.abc import Iterable

from besedka import sealed
from besedka.bots.models import Secret

logger = logging.getLogger(__name__)


def keep(bot_id: int, name: str, value: str) -> None:
    """The bot's calls may send this under this name; an empty value forgets what there was."""
    if not value:
        Secret.objects.filter(bot_id=bot_id, name=name).delete()
        return
    Secret.objects.update_or_create(bot_id=bot_id, name=name, defaults={"sealed": sealed.seal(value)})


def secrets_of(bot_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """What the calls of each of these bots may send, by name. One that cannot be opened is missing, and logged."""
    opened: dict[int, dict[str, str]] = {}
    ids = set(bot_ids)
    if not ids:
        return opened
    for secret in Secret.objects.filter(bot_id__in=ids):
        try:
            opened.setdefault(secret.bot_id, {})[secret.name] = sealed.unseal(secret.sealed)
        except sealed.SealBroken:
            logger.error("bot %d: its secret %s cannot be opened, enter it again", secret.bot_id, secret.name)
    return opened
