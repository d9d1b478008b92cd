"""May we spend? Many at once gain nothing."""

from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from django.db import OperationalError, connection

from besedka.answers import budget
from besedka.answers.budget import Wish
from besedka.answers.models import Spend

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MORROW = datetime(2026, 3, 2, 0, 0, 1, tzinfo=UTC)


def wish(tokens: int = 100, conversation_id: int = 1, **limits: int) -> Wish:
    return Wish(bot_id=1, conversation_id=conversation_id, tokens=tokens, **limits)


def spent(scope: str = "bot:1") -> int:
    return Spend.objects.get(scope=scope).tokens


def test_without_limits_everything_is_granted_and_counted(db):
    assert budget.spend_many([wish(), wish(conversation_id=2)], now=NOON) == [True, True]
    assert (spent(), spent("all"), spent("conversation:1")) == (200, 200, 100)


@pytest.mark.parametrize("limit", ["bot_limit", "conversation_limit", "limit"])
def test_a_burst_passes_a_limit_by_one_call_at_most(db, limit):
    granted = budget.spend_many([wish(**{limit: 250}) for _ in range(100)], now=NOON)

    assert granted == [True] * 3 + [False] * 97
    assert spent() == 300


def test_what_was_refused_is_not_counted(db):
    budget.spend_many([wish(bot_limit=100), wish(bot_limit=100)], now=NOON)

    assert (spent(), spent("all")) == (100, 100)


def test_what_was_not_taken_is_given_back(db):
    budget.spend_many([wish(1000, bot_limit=1000)], now=NOON)
    budget.spend_many([wish(-900, bot_limit=1000)], now=NOON)

    assert budget.spend_many([wish(bot_limit=1000)], now=NOON) == [True]


def test_another_conversation_has_a_limit_of_its_own(db):
    budget.spend_many([wish(conversation_limit=100)], now=NOON)

    both = [wish(conversation_limit=100), wish(conversation_id=2, conversation_limit=100)]
    assert budget.spend_many(both, now=NOON) == [False, True]


def test_the_next_day_begins_anew(db):
    budget.spend_many([wish(bot_limit=100)], now=NOON)

    assert budget.spend_many([wish(bot_limit=100)], now=MORROW) == [True]


def spend_as_the_batcher_does(wishes: list[Wish]) -> list[bool]:
    """Again, where the database ended a deadlock."""
    while True:
        try:
            return budget.spend_many(wishes, now=NOON)
        except OperationalError:
            continue


@pytest.mark.django_db(transaction=True)
def test_many_processes_together_pass_a_limit_by_one_call_each_at_most():
    """Here threads with connections of their own: what one transaction grants the next one sees."""
    together, granted = Barrier(8), []

    def ask() -> None:
        try:
            together.wait()
            for _ in range(5):
                granted.extend(spend_as_the_batcher_does([wish(bot_limit=1000)]))
        finally:
            connection.close()

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (sum(granted), spent()) == (10, 1000)
