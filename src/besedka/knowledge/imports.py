"""Files to passages. What a row must look like is in `rows`; here it is compared with what we have, and stored."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from django.db import connection, transaction

from besedka.knowledge import recognition, rows
from besedka.knowledge.formats import apart
from besedka.knowledge.models import Passage, Source
from besedka.knowledge.rows import MAX_BYTES, FileTooLarge, Piece, Progress, Refused, Table
from besedka.problems import Problem

BATCH = 500  # rows of one statement; Django takes fewer where a database takes fewer variables


class TitleUnfit(Problem):
    """A source needs a title of 1 to 200 characters."""

    code = "knowledge_title_unfit"


class TitleTaken(Problem):
    """Answers that people wrote down stand under this title; give the file another."""

    code = "knowledge_title_taken"
    status = 409


class Imported(NamedTuple):
    """What an import did, in passages, and the rows that it had to leave out."""

    source_id: int
    added: int
    changed: int
    removed: int
    unchanged: int
    errors: list[Refused]
    is_new: bool = False  # whether there was no source of this title before


class Reading(NamedTuple):
    """What a file holds, and what is to be known of the source that holds it then."""

    table: Table
    about: dict[str, str]


def import_file(
    content: bytes | Path,
    *,
    name: str,
    title: str,
    now: datetime,
    url: str | None = None,
    folder: str = "",
    progress: Progress | None = None,
) -> Imported:
    """The source of this title holds what the file holds, and nothing else.

    `content` is the file's bytes or the path to it, `name` what it is called, `url` what visitors are shown as the
    source's link (None: the one it has). Rows are known again by their question, chunks of documents by their
    headings and their number under them: importing a mended file changes only what was mended, and a passage
    keeps its id; of rows that share a question the first stays the first. What is not in the file any more goes.
    Importing the same again changes nothing. All or nothing: readers see the old source or the new one. No
    transaction is open while a file is read. `progress` is told how far the reading is, then the writing. Raises
    `TitleUnfit`, `TitleTaken`, `LinkUnfit`, `FormatUnknown`, and the problems of the format.
    """
    title = fit(title, url)
    raw = _read(content) if isinstance(content, Path) else content
    reading = read(raw, name=name, url=url, folder=folder, progress=progress or _unheard)
    return store(title, reading, now=now, progress=progress or _unheard)


def fit(title: str, url: str | None) -> str:
    """The title as a source has it. Raises `TitleUnfit`, `LinkUnfit`."""
    title = title.strip()
    if not 1 <= len(title) <= 200 or not title.isprintable():
        raise TitleUnfit
    rows.check_link(url or "")
    return title


def recognise(name: str, content: bytes) -> recognition.Format:
    """The format of a file that we would read. Raises `FileTooLarge`, `FormatUnknown`."""
    rows.check_size(len(content))
    return recognition.recognise(name, content)


def read(content: bytes, *, name: str, url: str | None, folder: str = "", progress: Progress) -> Reading:
    """What the file holds; nothing is stored. Raises `FileTooLarge`, `FormatUnknown`, and what its format does."""
    known = recognise(name, content)
    if known.apart:
        table = apart.read(known.module, content, progress)
    else:
        table = apart.reader(known.module).read(content, progress)
    about = {"kind": known.kind, "digest": sha256(content).hexdigest(), "folder": folder}
    return Reading(table, about if url is None else {**about, "url": url})


def import_csv(content: bytes | str | Path, *, title: str, now: datetime) -> Imported:
    """As `import_file`, of a CSV file or text. Raises what `rows.read_csv` does, `TitleUnfit`, `TitleTaken`."""
    title = fit(title, None)
    if isinstance(content, Path):
        content = _read(content)
    table = rows.read_csv(content)
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    about = {"kind": Source.Kind.CSV.value, "digest": sha256(raw).hexdigest()}
    return store(title, Reading(table, about), now=now, progress=_unheard)


def _unheard(done: int, of: int) -> None:
    """Progress that nobody wants to know of."""


@transaction.atomic
def store(title: str, reading: Reading, *, now: datetime, progress: Progress) -> Imported:
    """The source of this title holds what was read, and nothing else. Raises `TitleTaken`."""
    table, about = reading
    source = _locked(title, now)
    if source.kind == Source.Kind.PEOPLE:
        raise TitleTaken(title=title)
    is_new = source.version == 0
    counts, touched = _store(source, _passages(source.pk, table.pieces), progress)
    if touched or any(getattr(source, field) != value for field, value in about.items()):
        Source.objects.filter(pk=source.pk).update(version=source.version + touched, updated_at=now, **about)
    return Imported(source.pk, *counts, table.errors, is_new)


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


def _passages(source_id: int, pieces: Iterable[Piece]) -> list[Passage]:
    """The pieces as passages. One is who it is by what it is known by, and by how many before it were so."""
    before: Counter[str] = Counter()
    passages = []
    for position, (row, known_by, url) in enumerate(pieces):
        key = _digest(known_by, str(before[known_by]))
        before[known_by] += 1
        digest = _digest(*row, url) if url else _digest(*row)
        passages.append(
            Passage(source_id=source_id, key=key, digest=digest, position=position, url=url, **row._asdict())
        )
    return passages


def _store(source: Source, passages: list[Passage], progress: Progress) -> tuple[tuple[int, int, int, int], bool]:
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
    for start in range(0, len(written), BATCH):
        _write(written[start : start + BATCH])
        progress(min(start + BATCH, len(written)), len(written))
    return (added, changed, len(gone), len(passages) - added - changed), bool(written or gone)


def _write(passages: list[Passage]) -> None:
    """Insert the new ones, overwrite the others; the unique key tells them apart, in one statement for both."""
    targets = ["source", "key"] if connection.features.supports_update_conflicts_with_target else None
    Passage.objects.bulk_create(
        passages,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=targets,
        update_fields=["topic", "question", "answer", "digest", "url", "position"],
    )


def _digest(*parts: str) -> str:
    """SHA-256 over the parts, each with its length before it, so that no two lists of parts read alike."""
    hashed = sha256()
    for part in parts:
        raw = part.encode()
        hashed.update(b"%d:" % len(raw))
        hashed.update(raw)
    return hashed.hexdigest()
