"""What every kind of database gives to a backup."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connection

Ask = Callable[[str], Any]  # rows for an SQL statement, as of the moment of the snapshot

MARK = "besedka_restoring"  # a table that is there while a restore is under way, where it cannot be one step


class Snapshot(NamedTuple):
    """A database at one moment. `counts` is complete when all chunks were taken."""

    chunks: Iterator[bytes]
    migrations: list[str]
    server: str  # its version
    counts: dict[str, int]  # rows of each table


def tables() -> list[str]:
    """The tables of ours that are there; others may live in the same database."""
    ours = {f"{config.label}_" for config in apps.get_app_configs()} | {"django_"}
    with connection.cursor() as cursor:
        found = connection.introspection.table_names(cursor)
    return sorted(name for name in found if name != MARK and any(name.startswith(one) for one in ours))


def modelled() -> list[str]:
    """Those of them that are worth counting: the others only repeat what is there, or are the database's own."""
    return sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)} & set(tables()))


def counts(ask: Ask) -> dict[str, int]:
    """How many rows each table has."""
    return {name: ask(f"SELECT COUNT(*) FROM {name}")[0][0] for name in modelled()}


def migrations(ask: Ask) -> list[str]:
    """Those that were applied, as app.name."""
    return sorted(f"{app}.{name}" for app, name in ask("SELECT app, name FROM django_migrations"))


def live(question: str) -> Any:
    """Rows of the database as it is now."""
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchall()
