"""Which transactions wait until they are on disk: those that somebody was promised, and no others."""

from typing import Any

from django.conf import settings
from django.db import connection


class Session:
    """What one thread's connection to SQLite was told last: there it holds from one transaction to the next."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._durable: bool | None = None

    def before(self, durable: bool) -> None:
        """The transaction that begins next waits for the disk, or does not. To be called outside of any."""
        if connection.vendor != "sqlite":
            return
        if connection.connection is not self._connection:
            self._connection, self._durable = connection.connection, None
        if durable != self._durable:
            with connection.cursor() as cursor:
                cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        self._connection, self._durable = connection.connection, durable


def within(durable: bool) -> None:
    """The transaction under way waits for the disk, or does not: on PostgreSQL it alone, and none after it.

    Connections go from hand to hand there, in our pool and in PgBouncer. What one transaction set for the session
    would hold for the next one, whosever it is, and that one may be a message that we answer with 201.
    """
    if connection.vendor != "postgresql":
        return
    if not durable:
        _set("off")
    elif settings.PGBOUNCER:  # nobody knows with what this session began
        _set("on")


def _set(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL synchronous_commit TO {value}")
