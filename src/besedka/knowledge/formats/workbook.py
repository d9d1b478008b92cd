"""XLSX: each sheet whose first row names the columns `question` and `answer`; formulas count as what they gave."""

import io
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from openpyxl import load_workbook

from besedka.knowledge import rows
from besedka.knowledge.formats.refusals import UnpacksTooLarge
from besedka.knowledge.rows import ColumnsUnknown, Progress, Table

MAX_UNPACKED = 100 * 1024 * 1024  # bytes of all parts together
MAX_PARTS = 2_000
MAX_EMPTY = 1_000  # empty rows in a row: what comes after them is only formatted

_ENTRY = b"PK\x01\x02"  # begins each entry of a zip's directory


def read(content: bytes, progress: Progress) -> Table:
    """The rows of a workbook. Raises `UnpacksTooLarge`, `ColumnsUnknown`, `NothingToImport`, `TooManyRows`."""
    _check_unpacked(content)
    warnings.simplefilter("ignore")  # openpyxl tells what it leaves out, and we read nothing of that
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    table, named = Table([], []), 0
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # what a file says about its size is not to be relied on
        records = _records(sheet)
        columns = rows.columns_of(next(records, (0, []))[1])
        if columns is not None:
            named += 1
            rows.take_records(table, _counted(records, progress), columns)
    if not named:
        raise ColumnsUnknown("The first row of a sheet has to name the columns `question` and `answer`.")
    return rows.usable(table)


def _check_unpacked(content: bytes) -> None:
    """Before anything is unpacked. What a part says about its size is the most that is ever unpacked of it."""
    if content.count(_ENTRY) > MAX_PARTS:
        raise UnpacksTooLarge(f"A workbook may have {MAX_PARTS} parts.", limit=MAX_PARTS)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        unpacked = sum(part.file_size for part in packed.infolist())
    if unpacked > MAX_UNPACKED:
        detail = f"A workbook may unpack to {MAX_UNPACKED} bytes, this one has {unpacked}."
        raise UnpacksTooLarge(detail, limit=MAX_UNPACKED)


def _records(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with its number."""
    last = 0
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        if any(cell is not None for cell in cells):
            last = number
            yield number, [_text(cell) for cell in cells]
        elif number - last > MAX_EMPTY:
            return


def _counted(records: Iterator[tuple[int, list[str]]], progress: Progress) -> Iterator[tuple[int, list[str]]]:
    for number, cells in records:
        if number % 1000 == 0:
            progress(number, 0)
        yield number, cells


def _text(cell: Any) -> str:
    """A cell as one would type it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != cell.min.time() else cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date) else str(cell)
