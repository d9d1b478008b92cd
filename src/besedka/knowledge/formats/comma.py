"""CSV, as `rows` reads it."""

from besedka.knowledge import rows
from besedka.knowledge.rows import Progress, Table


def read(content: bytes, progress: Progress) -> Table:
    """The rows of the table. Raises `ColumnsUnknown`, `NothingToImport`, `TooManyRows`."""
    return rows.read_csv(content)
