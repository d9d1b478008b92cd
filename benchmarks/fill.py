"""Fills a database with a history: conversations of fifty messages, as the product would have left them."""

import contextlib
import sqlite3

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
  SELECT n, s, 'contact', 'a message of the past, of an ordinary length, number ' || s, {now}
  FROM {series} CROSS JOIN {seqs};
"""


def fill(server: running.Server, messages: int) -> None:
    """Put about so many messages of other visitors into the server's database."""
    conversations, first = max(1, messages // EACH), 1_000_000
    url = server.environment["DATABASE_URL"]
    if url:
        script = _CONVERSATIONS.format(
            now="now()",
            digest="lpad(to_hex(n), 64, '0')",
            each=EACH,
            series=f"generate_series({first}, {first + conversations - 1}) AS g(n)",
            seqs=f"generate_series(1, {EACH}) AS h(s)",
        )
        with psycopg.connect(url, autocommit=True) as connection:
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
    )
    with contextlib.closing(sqlite3.connect(server.home / "besedka.sqlite3", timeout=60)) as database:
        database.execute("CREATE TEMP TABLE numbers (value INTEGER PRIMARY KEY)")
        database.executemany("INSERT INTO numbers VALUES (?)", ((n,) for n in range(max(conversations, EACH))))
        database.commit()
        database.executescript(script + "ANALYZE;")
