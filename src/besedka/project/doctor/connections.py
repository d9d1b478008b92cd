"""PostgreSQL: whether its places are enough for a process of ours, what a session begins with, who tidies up."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection

from besedka.project import databases
from besedka.project.doctor.findings import Finding, doubtful, fine

THREADS = 20  # connections that a process takes at most where it has no pool
BOUNDS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
_PLACES = (
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int, "
    "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
)


def examined() -> Iterator[Finding]:
    """How many connections may be made yet, whether the role has our bounds of time, whether tables are tidied."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACES)
        allowed, taken = cursor.fetchone() or (0, 0)
        cursor.execute(f"SELECT {', '.join(f'current_setting({name!r})' for name in BOUNDS)}")
        bounds = dict(zip(BOUNDS, cursor.fetchone() or (), strict=True))
        cursor.execute("SELECT current_setting('autovacuum')")
        [tidied] = cursor.fetchone() or ("",)
    wanted = settings.DATABASE_POOL or THREADS
    said = f"{taken} of {allowed} connections are taken; a process of ours takes up to {wanted}"
    if allowed - taken < wanted:
        advice = "Raise max_connections, lower BESEDKA_DATABASE_POOL, or put PgBouncer in between."
        yield doubtful("database", said, advice)
    else:
        yield fine("database", said)
    unbounded = [name for name, value in bounds.items() if value == "0"]
    if unbounded:
        name = unbounded[0]
        advice = f"ALTER ROLE … SET {name} = '{databases.SESSION[name]}'; see docs/operations/postgresql.md."
        yield doubtful("database", f"sessions have no {', no '.join(unbounded)}", advice)
    if tidied == "off":
        advice = "ALTER SYSTEM SET autovacuum = on, then reload; see docs/operations/postgresql.md."
        yield doubtful("database", "autovacuum is off: what grows becomes slow", advice)
