"""Markdown (CommonMark with tables): it is made a page, and read as one."""

import re

from markdown_it import MarkdownIt

from besedka.knowledge import chunks
from besedka.knowledge.formats import html
from besedka.knowledge.rows import Progress, Table, decode

_FRONT_MATTER = re.compile(r"\A---[^\S\n]*\n(?:[^\n]*\n){0,100}?---[^\S\n]*(?:\n|\Z)")


def read(content: bytes, progress: Progress) -> Table:
    """The passages of a Markdown file. Raises `NothingToImport`, `TooManyRows`."""
    text, errors = chunks.legible(decode(content))
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(_FRONT_MATTER.sub("", text))
    return html.passages_of(page, errors)
