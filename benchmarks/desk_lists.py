"""The desk's lists among a million conversations: the first page of each, the counters, the places, the ladder.

    desk_lists.py [--rows 1000000] [--postgresql]

Of a million: 10 000 wait, 5 000 are held by 50 operators, 200 left an address; of the rest a tenth is with a bot,
the others are closed. They stand in 50 inboxes and have one message each.
"""

import argparse
import contextlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import psycopg  # noqa: E402
import running  # noqa: E402 - beside the tests
import services  # noqa: E402

POSTGRESQL = services.address("PostgreSQL")
AGAIN = 20  # times each is asked
INBOXES, OPERATORS = 50, 50
WAITING, HANDED = 10_000, 15_000  # the first so many wait, those from there on are held
LISTS = ("waiting", "mine", "open", "callback", "closed")

# Of every hundred ten are with a bot and open, the others closed; who waits or is held stands apart.
_FILL = f"""
INSERT INTO accounts_user (id, username, password, first_name, last_name, email, is_staff, is_superuser, is_active,
  date_joined) SELECT 1000 + n, {{name}}, '!', '', '', '', {{no}}, {{no}}, {{yes}}, {{now}} FROM {{operators}};
INSERT INTO desk_operator (user_id, is_enabled, is_supervisor, capacity, on_duty_since)
  SELECT 1000 + n, {{yes}}, {{no}}, 100, {{now}} FROM {{operators}};
INSERT INTO conversations_inbox (id, name, kind, public_key, first_owner, language, title, greeting,
  popular_questions, allowed_origins, created_at)
  SELECT 1000 + n, 'inbox', 'site', {{key}}, 'bot', 'ru', '', '', '[]', '[]', {{now}} FROM {{inboxes}};
INSERT INTO conversations_contact (id, name, created_at) SELECT 1000000 + n, '', {{now}} FROM {{series}};
INSERT INTO conversations_identity (contact_id, kind, known_as, shown)
  SELECT 1000000 + n, 'token', {{digest}}, 'fille' FROM {{series}};
INSERT INTO conversations_conversation
  (id, inbox_id, contact_id, status, owner, operator_id, owner_version, episode, episode_after, last_seq,
   heard_seq, reacted_seq, created_at, last_message_at, active_at, waiting_since, callback_at, lease_key, attempts,
   stage)
  SELECT 1000000 + n, 1000 + n % {INBOXES}, 1000000 + n,
    CASE WHEN n < {HANDED} OR n % 100 < 10 THEN 'open' ELSE 'closed' END,
    CASE WHEN n < {WAITING} THEN 'queue' WHEN n < {HANDED} THEN 'operator' WHEN n % 100 < 10 THEN 'bot'
      ELSE 'queue' END,
    CASE WHEN n >= {WAITING} AND n < {HANDED} THEN 1000 + n / {INBOXES} % {OPERATORS} END,
    1, 1, 0, 1, 1, 0, {{now}}, {{now}}, {{spread}}, CASE WHEN n < {WAITING} THEN {{lately}} END,
    CASE WHEN n >= {HANDED} AND n < {HANDED} + 2000 AND n % 100 < 10 THEN {{spread}} END, '', 0, 3
  FROM {{series}};
INSERT INTO conversations_message (conversation_id, seq, author, text, created_at)
  SELECT 1000000 + n, 1, 'contact', 'a message of the past, of an ordinary length', {{now}} FROM {{series}};
"""


def fill(server: running.Server, rows: int) -> None:
    """Put so many conversations into the server's database."""
    url = server.environment["DATABASE_URL"]
    if url:
        script = _FILL.format(
            **{"no": "false", "yes": "true", "now": "now()", "name": "'filled-' || n", "key": "'pk_filled_' || n"},
            digest="lpad(to_hex(n), 64, '0')",
            spread="now() - n * interval '1 minute'",
            lately="now() - n * interval '1 millisecond'",
            series=f"generate_series(0, {rows - 1}) AS g(n)",
            operators=f"generate_series(0, {OPERATORS - 1}) AS g(n)",
            inboxes=f"generate_series(0, {INBOXES - 1}) AS g(n)",
        )
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(script.encode())
            connection.execute(b"VACUUM ANALYZE")
        return
    script = _FILL.format(
        **{"no": "0", "yes": "1", "now": "datetime('now')", "name": "'filled-' || n", "key": "'pk_filled_' || n"},
        digest="printf('%064x', n)",
        spread="datetime('now', '-' || n || ' minutes')",
        lately="datetime('now', '-' || (n / 1000) || ' seconds')",
        series=f"(SELECT value AS n FROM numbers WHERE value < {rows})",
        operators=f"(SELECT value AS n FROM numbers WHERE value < {OPERATORS})",
        inboxes=f"(SELECT value AS n FROM numbers WHERE value < {INBOXES})",
    )
    with contextlib.closing(sqlite3.connect(server.home / "besedka.sqlite3", timeout=60)) as database:
        database.execute("CREATE TEMP TABLE numbers (value INTEGER PRIMARY KEY)")
        database.executemany("INSERT INTO numbers VALUES (?)", ((n,) for n in range(rows)))
        database.commit()
        database.executescript(script + "ANALYZE;")


def measure() -> dict[str, list[float]]:
    """Milliseconds, p50 and max, in the process whose settings say which database."""
    import django  # noqa: PLC0415 - the settings are read here, in the inner process

    django.setup()
    from besedka.conversations import queries, waits  # noqa: PLC0415
    from besedka.conversations.queries import Listing  # noqa: PLC0415
    from besedka.desk import invitations, routing  # noqa: PLC0415

    operator_id, inbox = 1007, (1003,)
    asked: dict[str, Callable[[], Any]] = {}
    for name in LISTS:
        asked[name] = lambda name=name: queries.list_many([Listing(name, operator_id)])  # type: ignore[misc]
        asked[f"{name}, one inbox"] = lambda name=name: queries.list_many(  # type: ignore[misc]
            [Listing(name, operator_id, inbox)]
        )
    asked["counts"] = lambda: queries.counts_many([(operator_id, None)])
    asked["counts, one inbox"] = lambda: queries.counts_many([(operator_id, inbox)])
    asked["counts, 50 operators"] = lambda: queries.counts_many([(1000 + n, None) for n in range(OPERATORS)])
    asked["places"] = lambda: waits.places_many([waits.PLACES])
    asked["ladder"] = lambda: routing.climb_many([200])
    asked["invitations"] = lambda: invitations.sweep_many([200])
    found = {}
    for name, ask in asked.items():
        found[name] = _times(ask)
        print(f"{name:24} p50 {found[name][0]:8.1f} ms, max {found[name][1]:8.1f} ms", file=sys.stderr, flush=True)
    return found


def _times(ask: Callable[[], Any]) -> list[float]:
    took = []
    for _ in range(AGAIN):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    return [round(statistics.median(took), 1), round(max(took), 1)]


@contextlib.contextmanager
def filled(rows: int, *, url: str = "") -> Iterator[tuple[running.Server, dict[str, str]]]:
    """A database of this kind with so many conversations, and the environment of whoever works beside it."""
    with (
        tempfile.TemporaryDirectory() as name,
        running.server(Path(name) / "home", DATABASE_URL=url, BESEDKA_DEMO_BOT="off") as server,
    ):
        server.stop()  # it has made the tables
        fill(server, rows)
        yield (
            server,
            {
                **os.environ,
                "BESEDKA_HOME": str(server.home),
                "DATABASE_URL": server.environment["DATABASE_URL"],
                "DJANGO_SETTINGS_MODULE": "besedka.project.settings",
            },
        )


def run(rows: int, *, url: str = "") -> dict[str, Any]:
    """Fill a database of this kind and measure in it."""
    with filled(rows, url=url) as (_, environment):
        command = [sys.executable, __file__, "--inside"]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return measured


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(measure()))
        return
    run(options.rows, url=POSTGRESQL if options.postgresql else "")


if __name__ == "__main__":
    main()
