"""Which format a file has: its name says, and its first bytes must not contradict."""

import re
from pathlib import PurePath
from typing import NamedTuple

from besedka.problems import Problem

_SEEN = 4096  # bytes of a file that are looked at
_ZIP = b"PK\x03\x04"
_NOT_IN_TEXT = bytes(set(range(0x20)) - set(b"\t\n\v\f\r\x1b\0"))  # a NUL costs its line, not the file
_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(rb"<(?:[a-z][a-z0-9]*[\s/>]|!doctype|!--)", re.IGNORECASE)


class FormatUnknown(Problem):
    """This is none of the formats that knowledge is imported from, or not the one that its name says."""

    code = "knowledge_format_unknown"
    status = 415


class Format(NamedTuple):
    """How files of one format are called, and what reads them."""

    kind: str  # as `Source.Kind` has it
    module: str  # of `besedka.knowledge.formats`
    name: str
    suffixes: tuple[str, ...]
    apart: bool = True  # read in a process of its own: it can be made to take long, or much


FORMATS = (
    Format("csv", "comma", "CSV", (".csv", ".tsv"), apart=False),
    Format("xlsx", "workbook", "XLSX", (".xlsx",)),
    Format("markdown", "markdown", "Markdown", (".md", ".markdown")),
    Format("text", "plain", "plain text", (".txt",), apart=False),
    Format("html", "html", "HTML", (".html", ".htm")),
    Format("pdf", "pdf", "PDF", (".pdf",)),
    Format("jsonl", "tuning", "JSONL", (".jsonl",), apart=False),
)
SUFFIXES = {suffix: known for known in FORMATS for suffix in known.suffixes}


def by_name(name: str) -> Format | None:
    """The format that the name of a file promises."""
    return SUFFIXES.get(PurePath(name).suffix.lower())


def recognise(name: str, content: bytes) -> Format:
    """The format of a file. Raises `FormatUnknown` if we cannot read it, or if it is not what its name says."""
    shown = PurePath(name.replace("\\", "/")).name[:200]
    promised = by_name(name)
    if promised is None:
        raise FormatUnknown(f"{shown!r} is none of the formats we read: {', '.join(sorted(SUFFIXES))}.")
    if content and not _keeps(promised, content):
        raise FormatUnknown(f"{shown!r} is called {promised.name}, and is something else.")
    return promised


def _keeps(promised: Format, content: bytes) -> bool:
    """Whether the content is what the name promises, as far as its beginning tells."""
    head = content[:_SEEN]
    if promised.kind == "pdf":
        return b"%PDF-" in head[:1024]  # as readers have always taken it; many begin with something else
    if promised.kind == "xlsx":
        return head.startswith(_ZIP) and b"xl/" in content
    if not _is_text(head):
        return False
    if promised.kind == "html":
        return head.startswith((b"\xff\xfe", b"\xfe\xff")) or _TAG.search(content[: 16 * _SEEN]) is not None
    if promised.kind == "jsonl":
        return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    return _PAGE.match(head.removeprefix(b"\xef\xbb\xbf")) is None


def _is_text(head: bytes) -> bool:
    """Whether these may be the first bytes of a text: hardly any that no text has, and no sign of a picture."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16
        return True
    if head.startswith(
        (_ZIP, b"%PDF-", b"\x89PNG", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"GIF8", b"\xff\xd8\xff", b"Rar!")
    ):
        return False
    odd = len(head) - len(head.translate(None, _NOT_IN_TEXT))
    return odd * 20 <= len(head) and head.count(0) * 4 <= len(head)
