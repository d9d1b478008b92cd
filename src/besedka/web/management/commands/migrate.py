import time
from typing import Any

from django.conf import settings
from django.core.management.commands import migrate
from django.db import OperationalError, connections

LOCK_S = 3  # a migration waits no longer for a table: whoever talks waits behind it for as long
TRIES = 40  # of a migration that found its table taken
PAUSE_S = 1  # in which those who waited behind it go on
TAKEN = "55P03"  # SQLSTATE: a lock was not to be had in time


class Command(migrate.Command):
    help = migrate.Command.help + " People may go on talking: no table is waited for longer than they can wait."

    def handle(self, *args: Any, **options: Any) -> None:
        """Each migration is a transaction of its own, so one that gave way is tried again, and no other."""
        connection = connections[options["database"]]
        if connection.vendor != "postgresql" or settings.PGBOUNCER:  # there what is set for us is set for others
            super().handle(*args, **options)
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
            before = cursor.fetchone() or ("0", "0")
        _bound(connection, "0", f"{LOCK_S}s")
        try:
            self._insist(args, options)
        finally:
            _bound(connection, *before)

    def _insist(self, args: Any, options: Any) -> None:
        for _ in range(TRIES - 1):
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) != TAKEN:
                    raise
                self.stderr.write(f"Somebody uses the table; once more in {PAUSE_S} s.")
                time.sleep(PAUSE_S)
        super().handle(*args, **options)


def _bound(connection: Any, statement: str, lock: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", [statement])
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [lock])
