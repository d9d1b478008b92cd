"""Files to passages. What a row must look like is in `rows`; here it is compared with what we have, and stored."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from django.db import connection, transaction

from besedka.knowledge import rows
from besedka.knowledge.models import Passage, Source
from besedka.knowledge.rows import MAX_BYTES, FileTooLarge, Refused, Row
from besedka.problems import Problem

BATCH = 500  # rows of one statement; Django takes fewer where a database takes fewer variables


class TitleUnfit(Problem):
    """A source needs a title of 1 to 200 characters."""

    code = "knowledge_title_unfit"


class Imported(NamedTuple):
    """What an import did, in passages, and the rows that it had to leave out."""

    source_id: int
    added: int
    changed: int
    removed: int
    unchanged: int
    errors: list[Refused]


def import_csv(content: bytes | str | Path, *, title: str, now: datetime) -> Imported:
    """The source of this title holds what the file holds, and nothing else.

    `content` is the file's bytes, its text, or the path to it. Rows are known again by their question, so
    importing a mended file changes only what was mended, and a passage keeps its id; of rows that share a question
    the first stays the first. What is not in the file any more goes. Importing the same again changes nothing. All
    or nothing: readers see the old source or the new one. Raises the problems of `rows.read_csv`, and
    `TitleUnfit`.
    """
    title = title.strip()
    if not 1 <= len(title) <= 200 or not title.isprintable():
        raise TitleUnfit
    if isinstance(content, Path):
        content = _read(content)
    table = rows.read_csv(content)
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    with transaction.atomic():
        source = _locked(title, now)
        counts, touched = _store(source, _passages(source.pk, table.rows))
        digest = sha256(raw).hexdigest()
        if touched or digest != source.digest:
            Source.objects.filter(pk=source.pk).update(
                version=source.version + touched, digest=digest, kind=Source.Kind.CSV, updated_at=now
            )
    return Imported(source.pk, *counts, table.errors)


def _read(path: Path) -> bytes:
    """The file, but never more of it than we take: its size may be a lie, or grow while we read."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise FileTooLarge(f"A file may have {MAX_BYTES} bytes, this one has more.", limit=MAX_BYTES)
    return content


def _locked(title: str, now: datetime) -> Source:
    """The source of this title, made if it was not there; a second import of it waits here for the first."""
    made = Source(title=title, kind=Source.Kind.CSV, created_at=now, updated_at=now)
    Source.objects.bulk_create([made], ignore_conflicts=True)
    return Source.objects.select_for_update().get(title=title)


def _passages(source_id: int, table: Iterable[Row]) -> list[Passage]:
    """The rows as passages. A row is who it is by its question, and by how many rows asked the same before it."""
    asked: Counter[str] = Counter()
    passages = []
    for position, row in enumerate(table):
        key = _digest(row.question, str(asked[row.question]))
        asked[row.question] += 1
        passages.append(
            Passage(source_id=source_id, key=key, digest=_digest(*row), position=position, **row._asdict())
        )
    return passages


def _store(source: Source, passages: list[Passage]) -> tuple[tuple[int, int, int, int], bool]:
    """How many were added, changed, removed and left as they were; and whether anything was written at all."""
    stored = {
        key: (pk, digest, position)
        for pk, key, digest, position in source.passages.values_list("pk", "key", "digest", "position")
    }
    had = {passage.key: stored.pop(passage.key, None) for passage in passages}
    gone = [pk for pk, _, _ in stored.values()]
    added = sum(before is None for before in had.values())
    changed = 0
    written = []
    for passage in passages:
        before = had[passage.key]
        if before is None or before[1:] != (passage.digest, passage.position):
            written.append(passage)
            changed += before is not None and before[1] != passage.digest
    for start in range(0, len(gone), BATCH):
        Passage.objects.filter(pk__in=gone[start : start + BATCH]).delete()
    _write(written)
    return (added, changed, len(gone), len(passages) - added - changed), bool(written or gone)


def _write(passages: list[Passage]) -> None:
    """Insert the new ones, overwrite the others; the unique key tells them apart, in one statement for both."""
    targets = ["source", "key"] if connection.features.supports_update_conflicts_with_target else None
    Passage.objects.bulk_create(
        passages,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=targets,
        update_fields=["topic", "question", "answer", "digest", "position"],
    )


def _digest(*parts: str) -> str:
    """SHA-256 over the parts, each with its length before it, so that no two lists of parts read alike."""
    hashed = sha256()
    for part in parts:
        raw = part.encode()
        hashed.update(b"%d:" % len(raw))
        hashed.update(raw)
    return hashed.hexdigest()
