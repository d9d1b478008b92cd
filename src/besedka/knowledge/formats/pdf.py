"""PDF: the text of its pages, under the headings of its outline if it has one. Pictures of text are not read."""

import io
import re
from collections.abc import Iterator
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.errors import FileNotDecryptedError

from besedka.knowledge import chunks
from besedka.knowledge.chunks import Sections
from besedka.knowledge.formats.refusals import FileEncrypted, TooManyPages
from besedka.knowledge.rows import Progress, Refused, Table

MAX_PAGES = 2_000
MAX_LEVELS = 20  # of an outline


def read(content: bytes, progress: Progress) -> Table:
    """The passages of a PDF, and the pages that have pictures only. Raises `FileEncrypted`, `TooManyPages`."""
    file = PdfReader(io.BytesIO(content))
    if file.is_encrypted and not file.decrypt(""):  # many can be read by all and only not be changed
        raise FileEncrypted
    try:
        return _read(file, progress)
    except FileNotDecryptedError:
        raise FileEncrypted from None


def _read(file: PdfReader, progress: Progress) -> Table:
    pages = len(file.pages)
    if pages > MAX_PAGES:
        raise TooManyPages(f"A file may have {MAX_PAGES} pages, this one has {pages}.", limit=MAX_PAGES)
    headings = _headings(file)
    sections, errors, carried = Sections(), list[Refused](), ""
    for number, page in enumerate(file.pages, 1):
        for level, heading in headings.get(number, ()):
            sections.add(carried, number)
            carried = ""
            sections.head(level, heading, number)
        text = chunks.without_wraps(chunks.cleaned(page.extract_text()))
        if not text and _has_picture(page):
            errors.append(Refused(number, "the page has no text, only pictures"))
        done, carried = _to_last_sentence(f"{carried} {text}" if carried else text)
        sections.add(done, number)
        progress(number, pages)
    sections.add(carried, pages)
    return chunks.table_of(sections.end(), errors)


def _to_last_sentence(text: str) -> tuple[str, str]:
    """What is complete on a page, and the sentence that goes on on the next."""
    if re.search(r"[.!?…:;»\"”)]\s*$", text):
        return text, ""
    ends = [found.end() for found in re.finditer(r"[.!?…][\"'»”’)\]]*\s|\n", text)]
    at = ends[-1] if ends else 0
    at = at if len(text) - at < chunks.MAX_CHUNK else len(text)
    return text[:at], text[at:]


def _headings(file: PdfReader) -> dict[int, list[tuple[int, str]]]:
    """For each page the entries of the outline that point at it: level and title. A broken outline is none."""
    found: dict[int, list[tuple[int, str]]] = {}
    try:
        for level, entry in _entries(file.outline, 1):
            number = file.get_destination_page_number(entry)
            if number is not None and entry.title:
                found.setdefault(number + 1, []).append((level, chunks.cleaned(str(entry.title))))
    except Exception:  # the outline is the least of a file, and pypdf raises whatever comes
        return {}
    return found


def _entries(outline: list[Any], level: int) -> Iterator[tuple[int, Any]]:
    for entry in outline:
        if not isinstance(entry, list):
            yield level, entry
        elif level < MAX_LEVELS:
            yield from _entries(entry, level + 1)


def _has_picture(page: PageObject) -> bool:
    try:
        return bool(page["/Resources"]["/XObject"])  # type: ignore[index]  # a dictionary, if the file is right
    except (KeyError, TypeError):
        return False
