"""Plain text: paragraphs parted by empty lines; a line underlined with = or - is a heading."""

import re

from besedka.knowledge import chunks
from besedka.knowledge.chunks import Sections
from besedka.knowledge.rows import Progress, Table, decode

_UNDERLINE = re.compile(r"(={3,}|-{3,})\s*")


def read(content: bytes, progress: Progress) -> Table:
    """The passages of a text. Raises `NothingToImport`, `TooManyRows`."""
    sections = Sections()
    text, errors = chunks.legible(decode(content))
    begun, paragraph = 1, list[str]()
    lines = text.split("\n")
    for number, line in enumerate([*lines, ""], 1):
        under = _UNDERLINE.fullmatch(line)
        if under and paragraph:
            heading = paragraph.pop()
            sections.add(chunks.without_wraps("\n".join(paragraph)), begun)
            sections.head(1 if under[1][0] == "=" else 2, heading, number - 1)
            paragraph = []
        elif line.strip():
            begun = begun if paragraph else number
            paragraph.append(line)
        else:
            sections.add(chunks.without_wraps("\n".join(paragraph)), begun)
            paragraph = []
    progress(len(lines), len(lines))
    return chunks.table_of(sections.end(), errors)
