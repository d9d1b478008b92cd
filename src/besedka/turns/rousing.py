"""Walks through a scenario that have waited long enough go on."""

from collections.abc import Sequence

from django.utils import timezone

from besedka.bots import executions
from besedka.conversations import leases


def rouse_many(limits: Sequence[int]) -> list[int]:
    """For each limit, how many conversations were told that their time has come: the bot's turn is due there."""
    told = [executions.wake_many(timezone.now(), limit=limit) for limit in limits]
    leases.stir_many([conversation_id for some in told for conversation_id in some])
    return [len(some) for some in told]
