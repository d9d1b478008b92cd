"""A table in a file to rows: questions, answers, topics. Every row that cannot be used is named by its line."""

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from besedka.problems import Problem

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 100_000
MAX_ANSWER, MAX_QUESTION, MAX_TOPIC = 20_000, 2_000, 500  # characters
DELIMITERS = ",;\t"

_UNPAIRED = re.compile("[\ud800-\udfff]")


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


class Row(NamedTuple):
    """One row that can be used."""

    topic: str
    question: str
    answer: str


class Refused(NamedTuple):
    """One row that cannot be used: the line of the file where it begins, from 1, and why."""

    line: int
    reason: str


class Table(NamedTuple):
    """What a file holds."""

    rows: list[Row]
    errors: list[Refused]


def read_csv(content: bytes | str) -> Table:
    """Return the rows of a CSV file and the lines that were refused.

    The first line names the columns in any order and case: `question`, `answer` and, if there is one, `topic`.
    They are parted by comma, semicolon or tab; the text is UTF-8 or cp1251. Other columns and empty lines are
    passed over. Raises `FileTooLarge`, `TooManyRows`, `ColumnsUnknown`, `NothingToImport`.
    """
    if len(content) > MAX_BYTES:
        raise FileTooLarge(f"A file may have {MAX_BYTES} bytes, this one has {len(content)}.", limit=MAX_BYTES)
    text = content.removeprefix("\ufeff") if isinstance(content, str) else decode(content)
    delimiter, columns = _header(text)
    table = Table([], [])
    for line, cells in _records(text, delimiter):
        _take(table, line, cells, columns)
        if len(table.rows) + len(table.errors) > MAX_ROWS:
            raise TooManyRows(f"A file may have {MAX_ROWS} rows.", limit=MAX_ROWS)
    if not table.rows:
        raise NothingToImport(errors=[list(error) for error in table.errors[:20]])
    return table


def decode(content: bytes) -> str:
    """Return the text, from UTF-8 or cp1251. Bytes that are neither become unpaired surrogates."""
    if content.startswith(b"\xef\xbb\xbf"):
        return content[3:].decode("utf-8", "surrogateescape")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # One broken byte must not turn a whole UTF-8 file into mojibake: the more common kind of byte decides.
        as_utf8 = content.decode("utf-8", "surrogateescape")
        broken = len(_UNPAIRED.findall(as_utf8))
        whole = sum(character > "\x7f" for character in as_utf8) - broken
        return as_utf8 if whole > broken else content.decode("cp1251", "surrogateescape")


def _header(text: str) -> tuple[str, dict[str, int]]:
    """The delimiter with which the first line names our columns, and where each column is."""
    first = text.lstrip("\r\n").splitlines()[:1]
    for delimiter in DELIMITERS:
        names = [name.strip().lower() for name in next(csv.reader(first, delimiter=delimiter), [])]
        columns: dict[str, int] = {name: names.index(name) for name in Row._fields if name in names}
        if "question" in columns and "answer" in columns:
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


def _take(table: Table, line: int, cells: list[str] | str, columns: dict[str, int]) -> None:
    if isinstance(cells, str):
        table.errors.append(Refused(line, cells))
        return
    at = {name: cells[place].strip() if place < len(cells) else "" for name, place in columns.items()}
    row = Row(at.get("topic", ""), at["question"], at["answer"])
    reason = _fault(row)
    if reason is None:
        table.rows.append(row)
    else:
        table.errors.append(Refused(line, reason))


def _fault(row: Row) -> str | None:
    for name, text, limit in zip(Row._fields, row, (MAX_TOPIC, MAX_QUESTION, MAX_ANSWER), strict=True):
        if not text and name != "topic":
            return f"{name} is empty"
        if len(text) > limit:
            return f"{name} has {len(text)} characters, at most {limit} are kept"
        if "\0" in text:
            return f"{name} has a NUL character"
        if _UNPAIRED.search(text):
            return f"{name} has characters that are not text"
    return None
