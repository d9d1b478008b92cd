"""Documents to passages: a document is sections under headings, a section is cut into chunks that fit."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from besedka.knowledge import rows
from besedka.knowledge.rows import MAX_TOPIC, Refused, Row, Table

MAX_CHUNK = 1_200  # characters: what can be quoted in a chat without being a wall
MAX_HEADING = 200  # characters of a heading, or of a first sentence, that stands for one
PATH = " › "

_SENTENCE_END = re.compile(r"[.!?…。！？](?:[\"'»”’)\]]*)(?=\s)")
_BULLET = re.compile(r"\s*(?:[-–—*•●▪◦·‣]|\(?\d{1,3}[.)]|[a-zа-я]\))\s", re.IGNORECASE)
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Section(NamedTuple):
    """What stands under one heading: the headings above it, outermost first, and where in the file it begins."""

    path: tuple[str, ...]
    text: str  # paragraphs are parted by an empty line; a line break is one that has to stay
    line: int


class Sections:
    """Sections in the making: headings and paragraphs go in, in the order of the document."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._paragraphs: list[str] = []
        self._line = 1
        self._done: list[Section] = []

    def head(self, level: int, heading: str, line: int) -> None:
        """From here on the text stands under this heading; headings of this level and below end."""
        self._close()
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        if heading := " ".join(heading.split()):
            self._path.append((level, heading))
        self._line = line

    def add(self, paragraph: str, line: int) -> None:
        """One more paragraph, list or table under the last heading."""
        if paragraph := paragraph.strip():
            if not self._paragraphs:
                self._line = line
            self._paragraphs.append(paragraph)

    def end(self) -> list[Section]:
        """All of them."""
        self._close()
        return self._done

    def _close(self) -> None:
        if self._paragraphs:
            path = tuple(heading for _, heading in self._path)
            self._done.append(Section(path, "\n\n".join(self._paragraphs), self._line))
            self._paragraphs = []


def table_of(sections: Iterable[Section], errors: Iterable[Refused] = ()) -> Table:
    """The passages of a document: topic is the path of headings, question the heading or the first sentence.

    A chunk is known again by its headings and by its number under them, so editing one section changes only it.
    Raises `NothingToImport`, `TooManyRows`.
    """
    table = Table([], list(errors))
    for path, text, line in sections:
        topic = _shortened(PATH.join(path), MAX_TOPIC)
        for chunk in cut(text):
            question = _shortened(path[-1] if path else first_sentence(chunk), MAX_HEADING)
            rows.take(table, line, Row(topic, question, chunk), known_by="\n".join(path))
    return rows.usable(table)


def cut(text: str, limit: int = MAX_CHUNK) -> Iterator[str]:
    """The text in pieces of at most `limit` characters; nothing but white space is lost between them.

    It is cut between paragraphs if that leaves no piece half empty, else between lines, sentences, words; a word
    is cut only when it alone is longer than a piece may be.
    """
    start = _past_space(text, 0)
    while start < len(text):
        end = len(text) if len(text) - start <= limit else start + _border(text[start : start + limit + 1], limit)
        if piece := text[start:end].rstrip():
            yield piece
        start = _past_space(text, end)


def first_sentence(text: str) -> str:
    """The text up to the first end of a sentence or line."""
    line = text.split("\n", 1)[0]
    end = _SENTENCE_END.search(line)
    return line[: end.end()] if end else line


def without_wraps(text: str) -> str:
    """A text as lines on paper, as paragraphs: a line break in the middle of a sentence becomes a space.

    A line that begins like an item of a list, and one that follows a short line, stay lines.
    """
    return "\n\n".join(_unwrapped(part) for part in re.split(r"\n[^\S\n]*\n\s*", text) if part.strip())


def legible(text: str) -> tuple[str, list[Refused]]:
    """The text without the lines that have NUL characters or halves of characters, and those lines."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    errors = [
        Refused(n, "the line has characters that are not text")
        for n, line in enumerate(lines, 1)
        if _NO_TEXT.search(line)
    ]
    for number, _ in errors:
        lines[number - 1] = ""
    return "\n".join(lines), errors


def cleaned(text: str) -> str:
    """The text without what no text has: control characters and halves of characters."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def rows_as_lines(cells: list[list[str]]) -> str:
    """A table as lines that can be read one by one: each cell with the name of its column before it.

    The first row names the columns; of a table with one row or one column the cells are all there is.
    """
    if len(cells) < 2 or max(map(len, cells)) < 2:
        return "\n".join("; ".join(filter(None, row)) for row in cells)
    names, *body = cells
    lines = []
    for row in body:
        named = zip([*names, *[""] * len(row)], row, strict=False)
        lines.append("; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell))
    return "\n".join(filter(None, lines))


def _border(window: str, limit: int) -> int:
    """Where to cut a window that is one character longer than a piece, so that a border right behind it counts."""
    for border in ("\n\n", "\n"):
        at = window.rfind(border)
        if at >= limit // 2:
            return at
    ends = [found.end() for found in _SENTENCE_END.finditer(window) if found.end() <= limit]
    if ends and ends[-1] >= limit // 4:
        return ends[-1]
    for at in range(limit, 0, -1):
        if window[at].isspace():
            return at
    return limit


def _past_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _shortened(text: str, limit: int) -> str:
    """The text in one line, cut at a word if it is too long."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return head[: head.rfind(" ") if " " in head[limit // 2 :] else len(head)].rstrip() + "…"


def _unwrapped(paragraph: str) -> str:
    lines = [line.strip() for line in paragraph.split("\n") if line.strip()]
    widest = max(map(len, lines))
    text = lines[0]
    for before, line in pairwise(lines):
        if _BULLET.match(line) or len(before) < widest * 0.6:
            text += "\n" + line
        elif re.search(r"\w-$", before) and line[0].islower():
            text = text[:-1] + line  # hyphenated at the end of the line
        else:
            text += " " + line
    return text
