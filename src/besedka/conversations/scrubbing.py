"""What was deleted leaves the database's file, too: SQLite's is rewritten from end to end."""

from django.db import connection

from besedka.conversations import sql


def scrub() -> str:
    """Nothing that was deleted is left in the file of an SQLite database; what was done, in a sentence.

    Writers wait meanwhile, some seconds for each hundred megabytes, and the disk needs room for a second copy. The
    other databases clean up by themselves; there, nothing is done.
    """
    if connection.vendor != "sqlite":
        return "Nothing to do: this database overwrites by itself what was deleted (autovacuum, purge)."
    with connection.cursor() as cursor:
        # The search keeps words of deleted messages in its older pieces until they are merged.
        cursor.execute("INSERT INTO conversations_found (conversations_found) VALUES ('optimize')")
        cursor.execute("VACUUM")
    [(busy, _, _)] = sql.select("PRAGMA wal_checkpoint(TRUNCATE)", [])
    if busy:
        return "The database was rewritten. Somebody reads it just now: its journal goes at the next checkpoint."
    return "The database was rewritten and its journal emptied."
