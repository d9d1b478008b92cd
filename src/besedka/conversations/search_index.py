"""Fills the search's index from the log, a little at a time, behind the backs of those who write.

The log is the truth, the index is repeated from it: emptied, it fills itself again; what it missed it finds.
"""

import itertools
import random
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction

from besedka.conversations import search_words, sql

PERIOD_S = 1  # seconds between two calls of `index_more_many`
AT_ONCE = 100  # messages a call that do not keep writers waiting: some 10 ms
LOOK_BACK = 2_000  # ids; they are given out before the commit, so a lower one may become visible after a higher
STRETCH = 1_000  # ids of an older part of the log that each call looks through anew
MERGE_EVERY = 20  # calls: a merge on SQLite has its price however little it merges, so it is made seldom
MERGED = 200  # pages of 4 KB that it rewrites then at most
MERGING_KB = 128_000  # of memory that it may take for that, while it lasts
PAUSE_S = 0.02  # between two merges on end, for others to write
_calls = itertools.count(1)
_LOCK = 7_302_461  # the advisory lock of PostgreSQL under which one process at a time indexes


@transaction.atomic(savepoint=False)
def index_more_many(limits: Sequence[int], *, now: datetime | None = None) -> list[int]:
    """For each limit, the next messages that are not in the index yet are in it: how many. Nothing left gives 0.

    Any number of processes may call it at once; on PostgreSQL all but one of them have nothing to do. Beside the
    newest messages each call looks through an older stretch of the log, chosen at random: what became visible too
    late, or went without a trace, is found there, without a state that could get lost.
    """
    if not _alone():
        return [0] * len(limits)
    return [_index_more(max(0, limit)) for limit in limits]


def forget_messages(message_ids: Sequence[int]) -> None:
    """Nothing of these messages is in the index. To be called in the transaction that erases them, first.

    Waits for a process that is indexing just now; what stays in the log is indexed again.
    """
    if not message_ids:
        return
    if connection.vendor == "postgresql":
        sql.select("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    if connection.vendor == "mysql":
        # Nobody else may look at these messages from here to our commit, and index them anew meanwhile.
        condition, values = sql.any_of("m.id", message_ids, kind="bigint")
        sql.select(f"SELECT m.id FROM conversations_message m WHERE {condition} FOR UPDATE", values)
    _remove(message_ids)


def forget_for_good() -> None:
    """Words that were removed from the index leave SQLite's file, too. Outside of transactions, a bit at a time.

    FTS5 only notes what is removed, until it merges the piece that the word stands in: so all pieces are merged.
    """
    if connection.vendor != "sqlite":
        return
    pages = -MERGED  # negative: from now on all pieces are to become one
    while True:
        [(before,)] = sql.select("SELECT total_changes()", [])
        _merge(pages)
        [(after,)] = sql.select("SELECT total_changes()", [])
        if after - before < 2:  # the statement itself counts as one
            return
        pages = MERGED
        time.sleep(PAUSE_S)


def inbox_word(inbox_id: int) -> str:
    """The word that all messages of an inbox have, and no text."""
    return f"_{inbox_id}"


def _alone() -> bool:
    if connection.vendor != "postgresql":
        return True
    [(alone,)] = sql.select("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
    return bool(alone)


def _index_more(limit: int) -> int:
    [(front,)] = sql.select("SELECT COALESCE(MAX(message_id), 0) FROM conversations_wording", [])
    # SQLite has one writer at a time: there, ids become visible in their order.
    after = front if connection.vendor == "sqlite" else max(0, front - LOOK_BACK)
    missing = _missing(after, limit)
    start = random.randrange(front // STRETCH + 1) * STRETCH
    missing |= _compare(start, min(start + STRETCH, front))
    chosen = sorted(missing)[:limit]
    _store(chosen)
    if chosen and connection.vendor == "sqlite" and next(_calls) % MERGE_EVERY == 0:
        _merge(MERGED)
    return len(chosen)


def _missing(after: int, limit: int) -> set[int]:
    """Messages behind `after` that are not in the index, the first `limit` of them among others."""
    found = sql.select(
        "SELECT m.id FROM conversations_message m WHERE m.id > %s AND m.author <> 'system' ORDER BY m.id LIMIT %s",
        [after, LOOK_BACK + limit],
    )
    ids = {message_id for (message_id,) in found}
    return ids - _indexed(after, max(ids)) if ids else set()


def _compare(after: int, upto: int) -> set[int]:
    """Messages of this stretch that are not in the index; what the index has of others is removed from it."""
    indexed = _indexed(after, upto)  # first: a message that is not there afterwards has been erased
    found = sql.select(
        "SELECT m.id FROM conversations_message m WHERE m.id > %s AND m.id <= %s AND m.author <> 'system'",
        [after, upto],
    )
    ids = {message_id for (message_id,) in found}
    _remove(sorted(indexed - ids))
    return ids - indexed


def _indexed(after: int, upto: int) -> set[int]:
    found = sql.select(
        "SELECT message_id FROM conversations_wording WHERE message_id > %s AND message_id <= %s", [after, upto]
    )
    return {message_id for (message_id,) in found}


def _remove(message_ids: Sequence[int]) -> None:
    for start in range(0, len(message_ids), STRETCH):
        condition, values = sql.any_of("message_id", message_ids[start : start + STRETCH], kind="bigint")
        _execute(f"DELETE FROM conversations_wording WHERE {condition}", values)


def _store(message_ids: Sequence[int]) -> None:
    """The words of these messages are in the index; for those that are in it or gone meanwhile nothing changes."""
    if not message_ids:
        return
    condition, values = sql.any_of("m.id", message_ids, kind="bigint")
    # On MariaDB the rows are locked, so that nobody erases them between here and our commit.
    locked = " LOCK IN SHARE MODE" if connection.vendor == "mysql" else ""
    found = sql.select(
        "SELECT m.id, c.inbox_id, m.text FROM conversations_message m "
        f"JOIN conversations_conversation c ON c.id = m.conversation_id WHERE {condition} ORDER BY m.id{locked}",
        values,
    )
    rows = [
        (message_id, sorted({inbox_word(inbox_id), *search_words.index_words(text)}))
        for message_id, inbox_id, text in found
    ]
    match connection.vendor:
        case "postgresql":
            _execute(
                "INSERT INTO conversations_wording (message_id, words) "
                "SELECT v.id, array_to_tsvector(string_to_array(v.words, ' ')) "
                "FROM unnest(string_to_array(%s, E'\\n')::bigint[], string_to_array(%s, E'\\n')) AS v(id, words) "
                "ON CONFLICT (message_id) DO NOTHING",
                ["\n".join(str(row[0]) for row in rows), "\n".join(" ".join(row[1]) for row in rows)],
            )
        case "sqlite":
            # In one statement: after each, FTS5 writes down what its triggers brought, a segment of its own.
            _execute(
                "INSERT OR IGNORE INTO conversations_wording (message_id, words) "
                "SELECT value ->> 0, value ->> 1 FROM json_each(%s)",
                [msgspec.json.encode([(message_id, " ".join(words)) for message_id, words in rows]).decode()],
            )
        case _:
            _execute_many(
                "INSERT IGNORE INTO conversations_wording (message_id, words) VALUES (%s, '')",
                [(message_id,) for message_id, _ in rows],
            )
            _execute_many(
                "INSERT IGNORE INTO conversations_found (word, message_id) VALUES (%s, %s)",
                [(word, message_id) for message_id, words in rows for word in words],
            )


def _merge(pages: int) -> None:
    """FTS5's index is in few pieces. It goes over most of its pages for that, so they get room in memory.

    Measured at 430,000 messages: 150 ms with the 16 MB that a connection has otherwise, 10 to 50 with more.
    """
    [(usual,)] = sql.select("PRAGMA cache_size", [])
    _execute(f"PRAGMA cache_size = -{MERGING_KB:d}", [])
    try:
        _execute("INSERT INTO conversations_found (conversations_found, rank) VALUES ('merge', %s)", [pages])
    finally:
        _execute(f"PRAGMA cache_size = {usual:d}", [])


def _execute(statement: str, values: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _execute_many(statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)
