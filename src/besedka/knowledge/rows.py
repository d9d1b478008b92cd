"""A table in a file to rows: questions, answers, topics. Every row that cannot be used is named by its line."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from besedka.problems import Problem

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 100_000
MAX_ANSWER, MAX_QUESTION, MAX_TOPIC = 20_000, 2_000, 500  # characters
MAX_COLUMNS = 1_000
MAX_URL = 2_000  # characters
DELIMITERS = ",;\t"

Progress = Callable[[int, int], None]  # told how many of how many are done

_UNPAIRED = re.compile("[\ud800-\udfff]")
_NOT_IN_LINKS = re.compile(r"[\s\x00-\x1f\x7f<>\"\\^`{|}\ud800-\udfff]")


class FileTooLarge(Problem):
    """The file is larger than a source of knowledge may be."""

    code = "knowledge_file_too_large"
    status = 413


class TooManyRows(Problem):
    """The file has more rows than a source of knowledge may have."""

    code = "knowledge_too_many_rows"
    status = 413


class ColumnsUnknown(Problem):
    """The first line of the file has to name the columns `question` and `answer`."""

    code = "knowledge_columns_unknown"


class NothingToImport(Problem):
    """The file has no row that can be used."""

    code = "knowledge_empty"


class LinkUnfit(Problem):
    """A link has to begin with http:// or https:// and to name a host, without spaces or a password."""

    code = "knowledge_link_unfit"


class Row(NamedTuple):
    """One row that can be used."""

    topic: str
    question: str
    answer: str


class Piece(NamedTuple):
    """One passage to be: its row, what it is known again by when the file comes again, and its own link."""

    row: Row
    known_by: str
    url: str = ""


class Refused(NamedTuple):
    """One row that cannot be used: the line, row or page of the file where it begins, from 1, and why."""

    line: int
    reason: str


class Table(NamedTuple):
    """What a file holds."""

    pieces: list[Piece]
    errors: list[Refused]

    @property
    def rows(self) -> list[Row]:
        """The rows alone."""
        return [piece.row for piece in self.pieces]


def read_csv(content: bytes | str) -> Table:
    """Return the rows of a CSV file and the lines that were refused.

    The first line names the columns in any order and case: `question`, `answer` and, if there are such, `topic`
    and `url`. They are parted by comma, semicolon or tab; the text is UTF-8, UTF-16 or cp1251. Other columns and
    empty lines are passed over. Raises `FileTooLarge`, `TooManyRows`, `ColumnsUnknown`, `NothingToImport`.
    """
    check_size(len(content))
    text = content.removeprefix("\ufeff") if isinstance(content, str) else decode(content)
    delimiter, columns = _header(text)
    table = Table([], [])
    take_records(table, _records(text, delimiter), columns)
    return usable(table)


def check_size(size: int, *, around: int = 0) -> None:
    """Raises `FileTooLarge` for a file above the limit, or for a request with one and `around` bytes besides."""
    limit = MAX_BYTES + around
    if size > limit:
        raise FileTooLarge(f"A file may have {limit} bytes, this one has {size}.", limit=limit)


def check_link(url: str) -> None:
    """Raises `LinkUnfit` for what a visitor must not be shown as a link; no link at all is fine."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        fit = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        fit = fit and (parts.port is None or parts.port > 0)
    except ValueError:
        fit = False
    if not fit or len(url) > MAX_URL or _NOT_IN_LINKS.search(url):
        raise LinkUnfit


def decode(content: bytes) -> str:
    """Return the text, from UTF-8, UTF-16 or cp1251. Bytes that are neither become unpaired surrogates."""
    if content.startswith(b"\xef\xbb\xbf"):
        return content[3:].decode("utf-8", "surrogateescape")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):  # nothing but a byte order mark begins so
        return content[: len(content) // 2 * 2].decode("utf-16", "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # One broken byte must not turn a whole UTF-8 file into mojibake: the more common kind of byte decides.
        as_utf8 = content.decode("utf-8", "surrogateescape")
        broken = len(_UNPAIRED.findall(as_utf8))
        whole = sum(character > "\x7f" for character in as_utf8) - broken
        return as_utf8 if whole > broken else content.decode("cp1251", "surrogateescape")


def columns_of(names: Sequence[str]) -> dict[str, int] | None:
    """Where each of our columns is; None if `question` and `answer` are not among these names."""
    if len(names) > MAX_COLUMNS:
        raise ColumnsUnknown(f"The first line has {len(names)} columns, at most {MAX_COLUMNS} are read.")
    names = [name.strip().lower() for name in names]
    columns = {name: names.index(name) for name in (*Row._fields, "url") if name in names}
    return columns if "question" in columns and "answer" in columns else None


def take_records(
    table: Table, records: Iterable[tuple[int, Sequence[str] | str]], columns: dict[str, int]
) -> None:
    """Each record of a table becomes a piece or a refusal; a text instead of cells says what is wrong."""
    for line, cells in records:
        if isinstance(cells, str):
            refuse(table, line, cells)
            continue
        at = {name: cells[place].strip() if place < len(cells) else "" for name, place in columns.items()}
        take(table, line, Row(at.get("topic", ""), at["question"], at["answer"]), url=at.get("url", ""))


def take(table: Table, line: int, row: Row, *, known_by: str | None = None, url: str = "") -> None:
    """The row becomes a piece, known again by its question if by nothing else, or its line a refusal."""
    reason = _fault(row, url)
    if reason is not None:
        refuse(table, line, reason)
        return
    table.pieces.append(Piece(row, row.question if known_by is None else known_by, url))
    _count(table)


def refuse(table: Table, line: int, reason: str) -> None:
    """This line cannot be used."""
    table.errors.append(Refused(line, reason))
    _count(table)


def usable(table: Table) -> Table:
    """The table, if there is anything in it. Raises `NothingToImport`, so that an empty file wipes nothing."""
    if not table.pieces:
        raise NothingToImport(errors=[list(error) for error in table.errors[:20]])
    return table


def _count(table: Table) -> None:
    if len(table.pieces) + len(table.errors) > MAX_ROWS:
        raise TooManyRows(f"A file may have {MAX_ROWS} rows.", limit=MAX_ROWS)


def _header(text: str) -> tuple[str, dict[str, int]]:
    """The delimiter with which the first line names our columns, and where each column is."""
    first = text.lstrip("\r\n").splitlines()[:1]
    for delimiter in DELIMITERS:
        try:
            columns = columns_of(next(csv.reader(first, delimiter=delimiter), []))
        except csv.Error:
            break  # a field as long as no name is
        if columns is not None:
            return delimiter, columns
    raise ColumnsUnknown


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Each record after the header with the line it begins at; of one that is no CSV, what is wrong with it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header_seen = False
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"not CSV: {error}"
            continue
        if any(cell.strip() for cell in cells):
            if header_seen:
                yield line, cells
            header_seen = True


def _fault(row: Row, url: str) -> str | None:
    for name, text, limit in zip(Row._fields, row, (MAX_TOPIC, MAX_QUESTION, MAX_ANSWER), strict=True):
        if not text and name != "topic":
            return f"{name} is empty"
        if len(text) > limit:
            return f"{name} has {len(text)} characters, at most {limit} are kept"
        if "\0" in text:
            return f"{name} has a NUL character"
        if _UNPAIRED.search(text):
            return f"{name} has characters that are not text"
    try:
        check_link(url)
    except LinkUnfit:
        return "url is no http or https link"
    return None
