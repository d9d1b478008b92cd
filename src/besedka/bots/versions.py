"""Which state of a bot, a scenario or a step somebody has read; of two who change the same one only one wins."""

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from besedka.bots.models import Bot
from besedka.problems import ChangedMeanwhile


def etag(shown: Any) -> str:
    """The name of the state that is shown so, with everything in it: a scenario changes with its steps."""
    return f'"{hashlib.sha256(JSONRenderer().render(shown)).hexdigest()[:32]}"'


def check(request: Request, shown: Any) -> None:
    """Raises `ChangedMeanwhile` where `If-Match` names other states than the one that is shown so."""
    given = request.headers.get("If-Match")
    if given is None:
        return
    there, wanted = etag(shown), parse_etags(given)
    if "*" not in wanted and there not in wanted:
        raise ChangedMeanwhile(etag=there)


@contextlib.contextmanager
def alone(bot_id: int | None) -> Iterator[None]:
    """A transaction in which nobody else changes this bot, its scenarios or their steps over the API.

    The bot is the first row that all of them lock, so that none waits for another who waits for it.
    """
    with transaction.atomic():
        if bot_id is not None:
            list(Bot.objects.select_for_update().filter(pk=bot_id).values_list("pk"))
        yield
