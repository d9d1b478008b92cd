"""Transactions that a database undid because two of them met: which errors say so, and doing the work again."""

import logging
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import OperationalError, connection, transaction

logger = logging.getLogger(__name__)
T = TypeVar("T")

TRIES = 5
PAUSE_S = 0.05  # before the second try; longer before each one after it
POSTGRESQL = {"40001", "40P01"}  # SQLSTATE: serialization failure, deadlock
MARIADB = {1213, 1020}  # deadlock; the row was changed since this transaction read it
_CHANGES_NOTHING = ("SELECT", "SET", "SHOW", "SAVEPOINT", "RELEASE", "ROLLBACK")


def is_collision(error: BaseException) -> bool:
    """Whether the database undid the whole transaction so that another could go on; the next try may pass."""
    if connection.vendor == "mysql":
        return bool(error.args) and error.args[0] in MARIADB
    return getattr(error.__cause__, "sqlstate", None) in POSTGRESQL


def again(work: Callable[[], T], *, repeatable: bool = False) -> T:
    """The result of `work`, done again when it met another transaction: up to `TRIES` times.

    It is not done again once anything of it is in the database for good, so nothing is ever done twice. Work that
    is `repeatable` is: it finds by itself what is left to be done. Inside of a transaction it is done once, as the
    whole of that would have to be done again. Raises what the last try raised.
    """
    for attempt in range(1, TRIES):
        kept = _Kept()
        try:
            with connection.execute_wrapper(kept):
                return work()
        except OperationalError as error:
            if not is_collision(error) or connection.in_atomic_block or (kept.anything and not repeatable):
                raise
            logger.warning("database: %s (try %d of %d)", error, attempt, TRIES)
            time.sleep(PAUSE_S * attempt * random.uniform(0.5, 1.5))
    return work()


class _Kept:
    """Whether anything of what is done under its eyes is in the database for good."""

    def __init__(self) -> None:
        self.anything = False

    def __call__(
        self, execute: Callable[..., Any], statement: Any, values: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """Around each statement; what a transaction wrote counts from its commit on."""
        result = execute(statement, values, many, context)
        if not str(statement).lstrip("( \n").upper().startswith(_CHANGES_NOTHING):
            transaction.on_commit(self._mark)  # at once, where there is no transaction
        return result

    def _mark(self) -> None:
        self.anything = True
