"""How much there is to do, as the database has it: for figures, so it must not cost those who work anything."""

from datetime import datetime

import msgspec
from django.db import connection, transaction
from django.db.models import Count, Min

from besedka.conversations import leases, posts
from besedka.conversations.models import Conversation, Delivery

LONGEST_MS = 2_000  # of one question; then these figures are missing, and nobody has been held up for longer
_UNSENT = ("waiting", "sending")


class Tally(msgspec.Struct, frozen=True):
    """What waits, since when; and how many of what there are."""

    owners: dict[str, int]  # open conversations, by who answers now
    oldest_due: datetime | None  # turn of a bot that nobody works on
    oldest_waiting: datetime | None  # contact, for a person
    deliveries: dict[tuple[str, str], int]  # by channel and state, those that are there
    oldest_unsent: dict[str, datetime]  # by channel
    posts: tuple[str, ...]  # that somebody who lives holds


def now(channels: tuple[str, ...]) -> Tally:
    """How it stands, with the deliveries of these channels. Raises Django's database errors.

    For a connection that is closed afterwards.
    """
    if connection.vendor == "sqlite":  # knows no limit of time; and a transaction there would keep writers out
        return _asked(channels)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_hurry())
        return _asked(channels)


def _asked(channels: tuple[str, ...]) -> Tally:
    there = Conversation.objects.filter(status="open").values_list("owner").annotate(Count("pk")).order_by()
    waiting = Conversation.objects.filter(waiting_since__isnull=False)
    unsent = Delivery.objects.filter(channel__in=channels, state__in=(*_UNSENT, "parked"))
    counts = unsent.values_list("channel", "state").annotate(Count("pk")).order_by()
    oldest = unsent.filter(state__in=_UNSENT).values_list("channel").annotate(Min("created_at")).order_by()
    return Tally(
        owners=dict(there),
        oldest_due=leases.oldest_due(),
        oldest_waiting=waiting.aggregate(since=Min("waiting_since"))["since"],
        deliveries={(channel, state): count for channel, state, count in counts},
        oldest_unsent=dict(oldest),
        posts=posts.all_held(),
    )


def _hurry() -> str:
    """From here on no question takes longer than `LONGEST_MS`."""
    if connection.vendor == "postgresql":
        return f"SET LOCAL statement_timeout = {LONGEST_MS}"
    if getattr(connection, "mysql_is_mariadb", False):
        return f"SET max_statement_time = {LONGEST_MS / 1000}"
    return f"SET max_execution_time = {LONGEST_MS}"
