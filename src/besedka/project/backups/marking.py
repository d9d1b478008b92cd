"""The word that a restore is under way, in the database itself: whoever starts meanwhile is told."""

import contextlib
from collections.abc import Iterator

from django.db import Error, connection

from besedka.project.backups.snapshots import MARK

UNDER_WAY = "A restore is under way, or did not come to its end: run `besedka restore` again."


@contextlib.contextmanager
def marked() -> Iterator[None]:
    """Within, nobody starts on this database; after a failure nobody does until a restore has gone well."""
    if not is_marked():
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {MARK} (id integer)")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {MARK}")


def is_marked() -> bool:
    """Whether a restore is under way, or was broken off."""
    with connection.cursor() as cursor:
        return MARK in connection.introspection.table_names(cursor)


def refuse_half_restored() -> None:
    """Go on only on a database that is whole; one that is away says nothing. Raises `SystemExit`."""
    if connection.vendor == "sqlite":  # there it is one step
        return
    with contextlib.suppress(Error):
        if is_marked():
            raise SystemExit(f"Besedka does not start:\n  {UNDER_WAY}")
