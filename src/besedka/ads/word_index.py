"""The index of the words of ads, which each database has in a way of its own; MariaDB goes without.

On SQLite triggers keep it, so that no way to write an ad goes past it. A later migration that makes the table of
ads anew loses them: `tests/ads/test_searching.py` would tell, and `build` brings them back.
"""

from typing import Any

POSTGRESQL = """
    CREATE INDEX ads_by_words ON ads_ad USING gin (array_to_tsvector(string_to_array(btrim(words), ' ')))
"""
SQLITE = (
    """
    CREATE VIRTUAL TABLE ads_words USING fts5(
        words, content='ads_ad', content_rowid='id', tokenize='unicode61 remove_diacritics 0',
        detail='none', columnsize=0, prefix='2 3 4 5 6 7 8'
    )
    """,
    """
    CREATE TRIGGER ads_words_of_new AFTER INSERT ON ads_ad BEGIN
        INSERT INTO ads_words (rowid, words) VALUES (new.id, new.words);
    END
    """,
    """
    CREATE TRIGGER ads_words_of_gone AFTER DELETE ON ads_ad BEGIN
        INSERT INTO ads_words (ads_words, rowid, words) VALUES ('delete', old.id, old.words);
    END
    """,
    """
    CREATE TRIGGER ads_words_of_changed AFTER UPDATE OF words ON ads_ad WHEN old.words <> new.words BEGIN
        INSERT INTO ads_words (ads_words, rowid, words) VALUES ('delete', old.id, old.words);
        INSERT INTO ads_words (rowid, words) VALUES (new.id, new.words);
    END
    """,
)


def build(apps: Any, schema_editor: Any) -> None:
    """The index is there; for a migration."""
    _run(schema_editor, {"sqlite": SQLITE, "postgresql": [POSTGRESQL]})


def drop(apps: Any, schema_editor: Any) -> None:
    """The index is not there any more; for a migration. On PostgreSQL it goes with its table."""
    triggers = [f"DROP TRIGGER IF EXISTS ads_words_of_{which}" for which in ("new", "gone", "changed")]
    _run(schema_editor, {"sqlite": [*triggers, "DROP TABLE IF EXISTS ads_words"]})


def _run(schema_editor: Any, statements: dict[str, Any]) -> None:
    for statement in statements.get(schema_editor.connection.vendor, ()):
        schema_editor.execute(statement, params=None)
