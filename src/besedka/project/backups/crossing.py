"""A backup of SQLite becomes PostgreSQL or MariaDB, row by row: for who has outgrown one process."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, connections, models, transaction

from besedka.project.backups import mariadb, marking, postgresql, sqlite

SOURCE = "backup"  # what Django calls the other database meanwhile
ROWS = 1_000  # that are written at once
FILLS_ITSELF = {"conversations_wording"}  # from the log, and looks different on each kind of database
BEFORE = {
    "postgresql": postgresql.PATIENT[1:],
    "mysql": ("SET FOREIGN_KEY_CHECKS = 0 /*M!, max_statement_time = 0 */",),
}
AFTER = {"postgresql": (), "mysql": ("SET FOREIGN_KEY_CHECKS = 1",)}


@contextlib.contextmanager
def loaded(chunks: Iterable[bytes]) -> Iterator[None]:
    """The tables are ours, with the rows of the backup; until the end nobody can start on them.

    The backup has to be of this release: its columns are taken for ours.
    """
    staged = settings.HOME / "database.restoring"
    settings.HOME.mkdir(parents=True, exist_ok=True)
    sqlite.forget(staged)  # of one that was killed
    try:
        with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines(chunks)
        with marking.marked():
            (postgresql if connection.vendor == "postgresql" else mariadb).drop()
            call_command("migrate", verbosity=0, interactive=False)
            with _opened(staged):
                _copy_all()
            yield
    finally:
        sqlite.forget(staged)


@contextlib.contextmanager
def _opened(staged: Path) -> Iterator[None]:
    known = connections.settings[connection.alias]
    plain = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(staged), "OPTIONS": {}, "CONN_MAX_AGE": 0}
    connections.settings[SOURCE] = {**known, **plain}
    try:
        yield
    finally:
        connections[SOURCE].close()
        del connections[SOURCE], connections.settings[SOURCE]


def _copy_all() -> None:
    ours = [one for one in apps.get_models(include_auto_created=True) if one._meta.db_table not in FILLS_ITSELF]
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in BEFORE[connection.vendor]:
            cursor.execute(statement)
        for model in ours:  # what the migrations have put there comes from the backup, too
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")
        for model in ours:
            _copy(model)
        for statement in (*connection.ops.sequence_reset_sql(no_style(), ours), *AFTER[connection.vendor]):
            cursor.execute(statement)


def _copy(model: type[models.Model]) -> None:
    fields = model._meta.concrete_fields
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    table = connection.ops.quote_name(model._meta.db_table)
    names = [field.attname for field in fields]
    rows = model._base_manager.using(SOURCE).order_by().values_list(*names).iterator(chunk_size=ROWS)
    with connection.cursor() as cursor:
        while some := list(islice(rows, ROWS)):
            cursor.executemany(
                f"INSERT INTO {table} ({columns}) VALUES ({marks})",
                [
                    [field.get_db_prep_save(value, connection) for field, value in zip(fields, row, strict=True)]
                    for row in some
                ],
            )
