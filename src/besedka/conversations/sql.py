"""How the three databases are asked about many things in one statement of constant text (so it is parsed once).

Many values travel as one string, JSON or lines: psycopg writes an array value by value, in Python.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.db import connection

Query = tuple[str, list[Any]]


def any_of(column: str, values: Sequence[Any], *, kind: str = "text") -> Query:
    """A condition that holds where `column` is one of `values`, none of which contains a line's end.

    `kind` is PostgreSQL's name of their type.
    """
    match connection.vendor:
        case "postgresql":
            return f"{column} = ANY(string_to_array(%s, E'\\n')::{kind}[])", ["\n".join(map(str, values))]
        case "sqlite":
            return f"{column} IN (SELECT value FROM json_each(%s))", [msgspec.json.encode(values).decode()]
        case _:
            return f"{column} IN ({', '.join(['%s'] * len(values))})", list(values)


def insert(table: str, columns: dict[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert all rows; `columns` gives each column its PostgreSQL type."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {_members(columns.values())} "
                "FROM jsonb_array_elements(%s::jsonb) AS e",
                [msgspec.json.encode(rows).decode()],
            )
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)


def update(table: str, columns: dict[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Set `columns` (name to PostgreSQL type) in each row; the last value of each tuple is the row's id."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            names = ", ".join(f"{column} = v.{column}" for column in columns)
            cursor.execute(
                f"UPDATE {table} AS t SET {names} FROM (SELECT {_members([*columns.values(), 'bigint'])} "
                f"FROM jsonb_array_elements(%s::jsonb) AS e) AS v({', '.join(columns)}, id) WHERE t.id = v.id",
                [msgspec.json.encode(rows).decode()],
            )
        else:
            cursor.executemany(f"UPDATE {table} SET {' = %s, '.join(columns)} = %s WHERE id = %s", rows)


def ranges(columns: str, wants: Sequence[tuple[int, int, int]]) -> Query:
    """Messages of many conversations at once: `columns` of `m`, for each (conversation, after, upto)."""
    table = "conversations_message"
    match connection.vendor:
        case "postgresql":
            return (
                f"SELECT {columns} FROM (SELECT {_members(['bigint'] * 3)} FROM jsonb_array_elements(%s::jsonb) "
                f"AS e) AS w(c, a, b) JOIN {table} m ON m.conversation_id = w.c AND m.seq > w.a AND m.seq <= w.b",
                [msgspec.json.encode(wants).decode()],
            )
        case "sqlite":  # CROSS: the wants are the outer loop, each one a search in the index
            return (
                f"SELECT {columns} FROM json_each(%s) AS w CROSS JOIN {table} m WHERE m.conversation_id = "
                "w.value ->> 0 AND m.seq > w.value ->> 1 AND m.seq <= w.value ->> 2",
                [msgspec.json.encode(wants).decode()],
            )
        case _:
            either = " OR ".join(["(m.conversation_id = %s AND m.seq > %s AND m.seq <= %s)"] * len(wants))
            return f"SELECT {columns} FROM {table} m WHERE {either}", [value for want in wants for value in want]


def true() -> str:
    """The value of a column that says yes."""
    return "TRUE" if connection.vendor == "postgresql" else "1"


def locking(of: str = "c") -> str:
    """What ends a SELECT whose rows of `of` must not change until our commit.

    SQLite needs nothing: its transactions are immediate, there is one writer at a time. Keys never change, so rows
    that only refer to these (cursors, messages) need not wait.
    """
    match connection.vendor:
        case "postgresql":
            return f" ORDER BY {of}.id FOR NO KEY UPDATE OF {of}"
        case "sqlite":
            return ""
        case _:
            return f" ORDER BY {of}.id FOR UPDATE"


def moment(value: datetime | None) -> Any:
    """A point in time as the database takes it."""
    return None if value is None else connection.ops.adapt_datetimefield_value(value)


def aware(value: datetime | None) -> datetime | None:
    """A point in time as the database gives it: two of the three leave the zone away, it is always UTC."""
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def select(query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def _members(types: Iterable[str]) -> str:
    return ", ".join(f"(e ->> {place})::{kind}" for place, kind in enumerate(types))
