"""What each database finds messages by, around the table of wordings; for the migration that makes it."""

from typing import Any

# Our words are ASCII letters, digits, `_` and anything beyond ASCII: exactly what this tokenizer takes for a word.
# Without positions and sizes: nobody asks for phrases or ranks. Short beginnings have postings of their own.
# The first table is Django's, made anew: its `bigint` key would be a second index beside SQLite's own rowid.
SQLITE = (
    "DROP TABLE conversations_wording",
    "CREATE TABLE conversations_wording (message_id integer NOT NULL PRIMARY KEY, words text NOT NULL)",
    """
    CREATE VIRTUAL TABLE conversations_found USING fts5(
        words, content='conversations_wording', content_rowid='message_id', tokenize="ascii tokenchars '_'",
        detail='none', columnsize=0, prefix='2 3 4'
    )
    """,
    # Merging by itself FTS5 would hold all writers for a second now and then: `search_index` merges in bounds.
    "INSERT INTO conversations_found (conversations_found, rank) VALUES ('automerge', 0)",
    "INSERT INTO conversations_found (conversations_found, rank) VALUES ('crisismerge', 1000)",
    "INSERT INTO conversations_found (conversations_found, rank) VALUES ('usermerge', 8)",
    """
    CREATE TRIGGER conversations_found_new AFTER INSERT ON conversations_wording BEGIN
        INSERT INTO conversations_found (rowid, words) VALUES (new.message_id, new.words);
    END
    """,
    """
    CREATE TRIGGER conversations_found_gone AFTER DELETE ON conversations_wording BEGIN
        INSERT INTO conversations_found (conversations_found, rowid, words)
        VALUES ('delete', old.message_id, old.words);
    END
    """,
)

# `fastupdate` would keep what is new in a list that every search reads from end to end, and sort it in some day.
POSTGRESQL = (
    "ALTER TABLE conversations_wording ALTER COLUMN words TYPE tsvector USING words::tsvector",
    "CREATE INDEX conversations_found ON conversations_wording USING gin (words) WITH (fastupdate = off)",
)

# MariaDB's own full text forgets short and English words and sorts all it finds. A table of words does neither.
MYSQL = (
    """
    CREATE TABLE conversations_found (
        word varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        message_id bigint NOT NULL,
        PRIMARY KEY (word, message_id),
        KEY conversations_found_message (message_id, word),
        CONSTRAINT conversations_found_wording FOREIGN KEY (message_id)
            REFERENCES conversations_wording (message_id) ON DELETE CASCADE
    ) ENGINE=InnoDB
    """,
)


def build(apps: Any, schema_editor: Any) -> None:
    """Wordings can be searched."""
    _run(schema_editor, {"sqlite": SQLITE, "postgresql": POSTGRESQL, "mysql": MYSQL})


def drop(apps: Any, schema_editor: Any) -> None:
    """Wordings can be dropped: what hangs on them is gone."""
    triggers = tuple(f"DROP TRIGGER IF EXISTS conversations_found_{which}" for which in ("new", "gone"))
    table = "DROP TABLE IF EXISTS conversations_found"
    _run(schema_editor, {"sqlite": (*triggers, table), "mysql": (table,)})


def _run(schema_editor: Any, statements: dict[str, tuple[str, ...]]) -> None:
    for statement in statements.get(schema_editor.connection.vendor, ()):
        schema_editor.execute(statement, params=None)
