"""Search in the whole history: every message that has all the words, the newest first."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.db import connection

from besedka.conversations import search_words, sql
from besedka.conversations.search_index import inbox_word
from besedka.conversations.search_words import Need, Term

MOST = 100  # hits that one search gives at most
NEWEST = 4_000  # ids on PostgreSQL that are walked through one by one before the index is asked
WIDER = 8  # times as many are asked about next
FEW = 5_000  # messages with a word on MariaDB that are looked through one by one
_OF_MESSAGE = "SELECT 1 FROM conversations_found f WHERE f.message_id = g.message_id"


class Wish(msgspec.Struct, frozen=True):
    """A search. Without inboxes in all of them; with `before` what is older than that message."""

    text: str
    inbox_ids: tuple[int, ...] | None = None
    before: int | None = None
    limit: int = 30


class Found(msgspec.Struct, frozen=True):
    """A message that was found: a piece of its text, and from where to where in it (code points) hits stand."""

    message_id: int
    conversation_id: int
    seq: int
    author: str
    text: str
    created_at: datetime
    marks: list[tuple[int, int]]


def search_many(wishes: Sequence[Wish]) -> list[list[Found]]:
    """For each wish its newest messages, at most `MOST`. Without a word in it nothing; no text is an error.

    All words must be there, in whatever form (`доставка` finds `доставки`); the last one need not be finished, and
    of a number any three digits or more will do. What system messages say is not found; what was said a moment ago
    only when it has been indexed.
    """
    needs = [search_words.needs(wish.text) for wish in wishes]
    pages = [_ids(wish, needed) if needed else [] for wish, needed in zip(wishes, needs, strict=True)]
    messages = _messages(sorted({message_id for page in pages for message_id in page}))
    return [
        [_found(messages[message_id], needed) for message_id in page if message_id in messages]
        for page, needed in zip(pages, needs, strict=True)
    ]


def _ids(wish: Wish, needed: list[Need]) -> list[int]:
    if wish.inbox_ids is not None:
        inboxes: Need = tuple((Term(inbox_word(inbox_id)),) for inbox_id in sorted(set(wish.inbox_ids)))
        if not inboxes:
            return []
        needed = [*needed, inboxes]
    ask = {"sqlite": _sqlite, "postgresql": _postgresql}.get(connection.vendor, _word_table)
    return ask(needed, wish.before, max(0, min(wish.limit, MOST)))


def _messages(message_ids: list[int]) -> dict[int, tuple[Any, ...]]:
    if not message_ids:
        return {}
    condition, values = sql.any_of("m.id", message_ids, kind="bigint")
    found = sql.select(
        "SELECT m.id, m.conversation_id, m.seq, m.author, m.created_at, m.text FROM conversations_message m "
        f"WHERE {condition}",
        values,
    )
    return {row[0]: row for row in found}


def _found(row: tuple[Any, ...], needed: list[Need]) -> Found:
    message_id, conversation_id, seq, author, created_at, text = row
    piece, marks = search_words.piece(text, needed)
    return Found(
        message_id=message_id,
        conversation_id=conversation_id,
        seq=seq,
        author=author,
        text=piece,
        created_at=created_at.replace(tzinfo=UTC),  # two of the three databases leave the zone away: it is UTC
        marks=marks,
    )


def _sqlite(needed: list[Need], before: int | None, limit: int) -> list[int]:
    """FTS5 walks its postings backwards by itself, and stops at the limit."""
    older, values = ("", []) if before is None else (" AND rowid < %s", [before])
    match = _spelled(needed, " AND ", " OR ", lambda term: f'"{term.word}"{" *" if term.begins else ""}')
    found = sql.select(
        f"SELECT rowid FROM conversations_found WHERE conversations_found MATCH %s{older} "
        "ORDER BY rowid DESC LIMIT %s",
        [match, *values, limit],
    )
    return [message_id for (message_id,) in found]


def _postgresql(needed: list[Need], before: int | None, limit: int) -> list[int]:
    """From window to window, each older and wider than the last: GIN knows no order, and fetches all it finds.

    The newest window is walked through; frequent words are met there. In the others the planner chooses, by how
    often the words occur: so the bounds are in the statement's text, and each statement is planned for its values.
    """
    query = _spelled(needed, " & ", " | ", lambda term: f"'{term.word}'{':*' if term.begins else ''}")
    [(top,)] = sql.select("SELECT COALESCE(MAX(message_id), 0) + 1 FROM conversations_wording", [])
    upto = top if before is None else min(before, top)
    width = NEWEST
    found: list[int] = []
    while upto > 0 and len(found) < limit:
        since = max(0, upto - width)
        window = f"message_id >= {since:d} AND message_id < {upto:d}"
        source = f"conversations_wording WHERE {window} AND"
        if width == NEWEST:  # OFFSET: the planner must not look into this one, and choose the index after all
            source = (
                f"(SELECT message_id, words FROM conversations_wording WHERE {window} OFFSET 0) AS newest WHERE"
            )
        rows = sql.select(
            f"WITH hits AS MATERIALIZED (SELECT message_id FROM {source} words @@ %s::tsquery) "
            "SELECT message_id FROM hits ORDER BY message_id DESC LIMIT %s",
            [query, limit - len(found)],
        )
        found += [message_id for (message_id,) in rows]
        upto, width = since, width * WIDER
    return found


def _word_table(needed: list[Need], before: int | None, limit: int) -> list[int]:
    """MariaDB begins with the rarest word; where all are frequent it walks backwards through all messages."""
    rarest, rare_values = min((_met_by(need) for need in needed), key=_frequency)
    few = _frequency((rarest, rare_values)) <= FEW
    source = f"(SELECT DISTINCT f.message_id FROM conversations_found f WHERE {rarest})"
    conditions, values = [], [*rare_values] if few else []
    for need in needed:
        either = []
        for terms in need:
            either.append(" AND ".join(f"EXISTS ({_OF_MESSAGE} AND {_has(term)})" for term in terms))
            values += [_pattern(term) for term in terms]
        conditions.append(f"({' OR '.join(either)})")
    if before is not None:
        conditions.append("g.message_id < %s")
        values.append(before)
    found = sql.select(
        f"SELECT g.message_id FROM {source if few else 'conversations_wording'} g "
        f"WHERE {' AND '.join(conditions)} ORDER BY g.message_id DESC LIMIT %s",
        [*values, limit],
    )
    return [message_id for (message_id,) in found]


def _met_by(need: Need) -> sql.Query:
    """A condition on rows of the word table, one of which each message has that meets the need."""
    # Of several words that must stand together the first will do: each alternative needs one row.
    firsts = [terms[0] for terms in need]
    return f"({' OR '.join(_has(term) for term in firsts)})", [_pattern(term) for term in firsts]


def _frequency(condition: sql.Query) -> int:
    """How many rows meet the condition, counted no further than matters."""
    where, values = condition
    counted = f"SELECT 1 FROM conversations_found f WHERE {where} LIMIT {FEW + 1}"
    [(frequency,)] = sql.select(f"SELECT COUNT(*) FROM ({counted}) AS counted", values)
    return int(frequency)


def _has(term: Term) -> str:
    return "f.word LIKE %s" if term.begins else "f.word = %s"


def _pattern(term: Term) -> str:
    return f"{term.word}%" if term.begins else term.word


def _spelled(needed: list[Need], both: str, either: str, spell: Callable[[Term], str]) -> str:
    """The needs as the database writes them."""
    return both.join(
        f"({either.join(f'({both.join(spell(term) for term in terms)})' for terms in need)})" for need in needed
    )
