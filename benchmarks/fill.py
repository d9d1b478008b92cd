"""Fills a database with a history: conversations of fifty messages, as the product would have left them."""

import contextlib
import sqlite3
from collections.abc import Sequence

import psycopg
import running

EACH = 50  # messages in a conversation

_CONVERSATIONS = """
INSERT INTO conversations_contact (id, name, created_at) SELECT n, '', {now} FROM {series};
INSERT INTO conversations_identity (contact_id, kind, known_as, shown)
  SELECT n, 'token', {digest}, 'fille' FROM {series};
INSERT INTO conversations_conversation
  (id, inbox_id, contact_id, status, owner, owner_version, episode, episode_after, last_seq, heard_seq,
   reacted_seq, created_at, last_message_at, lease_key, attempts)
  SELECT n, (SELECT MIN(id) FROM conversations_inbox), n, 'open', 'queue', 0, 1, 0, {each}, {each}, 0,
         {now}, {now}, '', 0 FROM {series};
INSERT INTO conversations_message (conversation_id, seq, author, text, created_at)
  SELECT n, s, 'contact', {text}, {now}
  FROM {series} CROSS JOIN {seqs} ORDER BY n, s;
"""
_ORDINARY = "'a message of the past, of an ordinary length, number ' || s"


def fill(server: running.Server, messages: int, *, texts: Sequence[str] = ()) -> None:
    """Put about so many messages of other visitors into the server's database; with these texts where given."""
    conversations, first = max(1, messages // EACH), 1_000_000
    url = server.environment["DATABASE_URL"]
    if url:
        script = _CONVERSATIONS.format(
            now="now()",
            digest="lpad(to_hex(n), 64, '0')",
            each=EACH,
            series=f"generate_series({first}, {first + conversations - 1}) AS g(n)",
            seqs=f"generate_series(1, {EACH}) AS h(s)",
            text=f"(SELECT t.text FROM said t WHERE t.id = (n - {first}) * {EACH} + s - 1)"
            if texts
            else _ORDINARY,
        )
        with psycopg.connect(url, autocommit=True) as connection:
            if texts:
                connection.execute("CREATE TEMP TABLE said (id int PRIMARY KEY, text text)")
                with connection.cursor().copy("COPY said FROM STDIN") as copy:
                    for row in enumerate(texts):
                        copy.write_row(row)
            connection.execute(script.encode())
            for table in ("contact", "conversation"):
                last = f"(SELECT MAX(id) FROM conversations_{table})"
                sequence = f"pg_get_serial_sequence('conversations_{table}', 'id')"
                connection.execute(f"SELECT setval({sequence}, {last})".encode())
            connection.execute(b"ANALYZE")
        return
    script = _CONVERSATIONS.format(
        now="'2026-01-01 00:00:00'",
        digest="printf('%064x', n)",
        each=EACH,
        series=f"(SELECT value + {first} AS n FROM numbers WHERE value < {conversations})",
        seqs=f"(SELECT value + 1 AS s FROM numbers WHERE value < {EACH})",
        text=f"said((n - {first}) * {EACH} + s - 1)" if texts else _ORDINARY,
    )
    with contextlib.closing(sqlite3.connect(server.home / "besedka.sqlite3", timeout=60)) as database:
        database.create_function("said", 1, lambda number: texts[number])
        database.execute("CREATE TEMP TABLE numbers (value INTEGER PRIMARY KEY)")
        database.executemany("INSERT INTO numbers VALUES (?)", ((n,) for n in range(max(conversations, EACH))))
        database.commit()
        database.executescript(script + "ANALYZE;")
