"""How far a reader has come. A cursor only moves forward."""

from collections.abc import Sequence

import msgspec
from django.db import connection, transaction

from besedka.conversations import signals


class Move(msgspec.Struct, frozen=True):
    """A reader of a conversation has everything up to `seq`."""

    conversation_id: int
    reader: str
    seq: int


@transaction.atomic(savepoint=False)
def move_many(moves: Sequence[Move]) -> list[None]:
    """Each reader stands at `seq` at least. A cursor behind the present one changes nothing."""
    furthest: dict[tuple[int, str], int] = {}
    for move in moves:
        place = (move.conversation_id, move.reader)
        furthest[place] = max(move.seq, furthest.get(place, 0))
    records = [(conversation_id, reader, seq) for (conversation_id, reader), seq in sorted(furthest.items())]
    _upsert(records)
    read = [conversation_id for conversation_id, reader, _ in records if reader == "contact"]
    if read:
        transaction.on_commit(lambda: signals.send_many({"read": read}))
    return [None] * len(moves)


def _upsert(records: Sequence[tuple[int, str, int]]) -> None:
    table, columns = "conversations_cursor", "conversation_id, reader, seq"
    with connection.cursor() as cursor:
        match connection.vendor:
            case "postgresql":
                cursor.execute(
                    f"INSERT INTO {table} ({columns}) SELECT (e ->> 0)::bigint, e ->> 1, (e ->> 2)::int "
                    "FROM jsonb_array_elements(%s::jsonb) AS e "
                    f"ON CONFLICT (conversation_id, reader) DO UPDATE "
                    f"SET seq = GREATEST({table}.seq, excluded.seq)",
                    [msgspec.json.encode(records).decode()],
                )
            case "sqlite":
                cursor.executemany(
                    f"INSERT INTO {table} ({columns}) VALUES (%s, %s, %s) ON CONFLICT (conversation_id, reader) "
                    f"DO UPDATE SET seq = MAX(seq, excluded.seq)",
                    records,
                )
            case _:
                cursor.executemany(
                    f"INSERT INTO {table} ({columns}) VALUES (%s, %s, %s) "
                    f"ON DUPLICATE KEY UPDATE seq = GREATEST(seq, VALUES(seq))",
                    records,
                )
