"""How we speak to a database server: how long it may take, and how many connections we hold."""

from typing import Any

from django.db import connections

CONNECT_S = 5  # to connect: a database that hangs is a database that is down
STATEMENT_S = 20  # of one statement: whoever waits for it hears of it within half a minute
LOCK_S = 10  # that a statement waits for what another transaction holds
IDLE_S = 60  # of a transaction in which nothing happens; a thread that died in one must not hold others up
POOL_WAIT_S = 3  # for a connection, when all of the pool are taken, or none can be made
POOL_IDLE_S = 120  # that a connection is kept unused
RECONNECT_S = 3  # that the pool tries by itself; after that whoever needs a connection makes it try again

# What each session on PostgreSQL begins with. A page read out of order costs what one in order does: there are no
# discs that turn any more. A commit is on disk before it is told: what need not be says so in its own transaction.
SESSION = {
    "statement_timeout": f"{STATEMENT_S}s",
    "lock_timeout": f"{LOCK_S}s",
    "idle_in_transaction_session_timeout": f"{IDLE_S}s",
    "random_page_cost": "1.1",
    "synchronous_commit": "on",
}


def postgresql(*, pool: int, pgbouncer: bool) -> dict[str, Any]:
    """Django's settings of a PostgreSQL; `pool`: connections of this process at most, 0 for one a thread.

    Behind a PgBouncer that pools transactions a session is nobody's: it takes no parameters of ours (the role has
    them instead), remembers no statements, and a cursor ends with its transaction.
    """
    options: dict[str, Any] = {"connect_timeout": CONNECT_S, "server_side_binding": True}
    if not pgbouncer:
        options["options"] = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
        # Planned once and then known to the server, which saves a third of the time of a batch.
        options["prepare_threshold"] = 3
    settings: dict[str, Any] = {"OPTIONS": options, "DISABLE_SERVER_SIDE_CURSORS": pgbouncer}
    if pool > 0:
        options["pool"] = {
            "min_size": 0,
            "max_size": pool,
            "timeout": POOL_WAIT_S,
            "max_idle": POOL_IDLE_S,
            "reconnect_timeout": RECONNECT_S,
            "num_workers": 1,
        }
        settings["CONN_MAX_AGE"] = 0  # given back to the pool after each request
    return settings


def mysql() -> dict[str, Any]:
    """Django's options of a MySQL or MariaDB; only MariaDB ends a statement that takes too long."""
    bounds = f"innodb_lock_wait_timeout={LOCK_S} /*M!, max_statement_time={STATEMENT_S} */"
    return {
        "charset": "utf8mb4",
        # `_bin`: two keys are the same when their bytes are, not when they look alike.
        "collation": "utf8mb4_bin",
        "isolation_level": "read committed",
        "connect_timeout": CONNECT_S,
        "init_command": f"SET SESSION {bounds}",
    }


def leave_pool() -> None:
    """This process connects without a pool from now on, and hears why it cannot: a pool says only how long."""
    for connection in connections.all():
        connection.settings_dict["OPTIONS"].pop("pool", None)
