"""May we spend? Asked before each call of a model, and answered for many at once, so that a burst gains nothing.

What a call may take at most is set aside before it, and what it did not take is given back after. A process that
dies in between gives nothing back: the provider may have charged for it.
"""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.answers.models import Spend
from besedka.conversations import sql

_TABLE = Spend._meta.db_table


class Wish(msgspec.Struct, frozen=True):
    """Tokens that a conversation's bot wants to set aside; a negative number is given back.

    Limits are tokens a day; None is no limit.
    """

    bot_id: int
    conversation_id: int
    tokens: int
    bot_limit: int | None = None
    conversation_limit: int | None = None
    limit: int | None = None  # of all bots together


@transaction.atomic(savepoint=False)
def spend_many(wishes: Sequence[Wish], *, now: datetime | None = None) -> list[bool]:
    """Set aside, or take back, what each wish names; False where the day's limit of any of the three is reached.

    Who is below a limit gets all that they wish: a limit is passed by one call at most, however many ask at once.
    """
    day = (now or timezone.now()).date()
    scopes = sorted({scope for wish in wishes for scope, _ in _limits(wish)})
    locked = _lock(scopes, day)
    if missing := [scope for scope in scopes if scope not in locked]:
        rows = [Spend(scope=scope, day=day) for scope in missing]
        Spend.objects.bulk_create(rows, ignore_conflicts=True)
        locked = _lock(scopes, day)
    spent = {scope: tokens for scope, (_, tokens) in locked.items()}
    added = dict.fromkeys(scopes, 0)
    granted = []
    for wish in wishes:
        limits = _limits(wish)
        grant = wish.tokens < 0 or all(
            limit is None or spent[scope] + added[scope] < limit for scope, limit in limits
        )
        for scope, _ in limits:
            added[scope] += wish.tokens if grant else 0
        granted.append(grant)
    changed = [(spent[scope] + tokens, locked[scope][0]) for scope, tokens in added.items() if tokens]
    if changed:
        sql.update(_TABLE, {"tokens": "bigint"}, changed)
    return granted


def _lock(scopes: Sequence[str], day: date) -> dict[str, tuple[int, int]]:
    """The id and the sum of each of these that has one, until our commit."""
    condition, parameters = sql.any_of("s.scope", scopes)
    found = sql.select(
        f"SELECT s.scope, s.id, s.tokens FROM {_TABLE} s WHERE s.day = %s AND {condition}{sql.locking('s')}",
        [day.isoformat(), *parameters],
    )
    return {scope: (pk, tokens) for scope, pk, tokens in found}


def _limits(wish: Wish) -> list[tuple[str, int | None]]:
    return [
        ("all", wish.limit),
        (f"bot:{wish.bot_id}", wish.bot_limit),
        (f"conversation:{wish.conversation_id}", wish.conversation_limit),
    ]
