"""Pages: headings, paragraphs, lists and tables; scripts, menus and footers are dropped."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from besedka.knowledge import chunks
from besedka.knowledge.chunks import Sections
from besedka.knowledge.rows import Progress, Refused, Table, decode

_NO_TEXT = """
script style nav footer noscript template svg math iframe object head title select button textarea canvas audio
video -comment
"""
_BOXES = """
address article aside blockquote body caption dd details dialog div dl dt fieldset figcaption figure form header
hgroup hr legend li main menu ol p search section summary table tbody td tfoot th thead tr ul
"""
_DROPPED, _BLOCKS = frozenset(_NO_TEXT.split()), frozenset(_BOXES.split())
_LISTS = frozenset(("ul", "ol", "menu"))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*(windows-125\d|koi8-[ru]|iso-8859-\d{1,2})\b""", re.I
)
_LINK = re.compile(r"(?:https?://|mailto:|tel:)\S+", re.IGNORECASE)


def read(content: bytes, progress: Progress) -> Table:
    """The passages of a page. Raises `NothingToImport`, `TooManyRows`."""
    declared = _CHARSET.search(content[:4096])
    text = content.decode(declared[1].decode(), "replace") if declared else decode(content)
    return passages_of(*chunks.legible(text))


def passages_of(text: str, errors: list[Refused]) -> Table:
    """The passages of a page that is text already."""
    page = LexborHTMLParser(text)
    walk = _Walk()
    title = page.css_first("head > title")
    if title is not None and page.css_first("h1") is None:
        walk.sections.head(0, title.text(), 1)
    if page.body is not None:
        _through(page.body, walk)
    walk.end_block()
    return chunks.table_of(walk.sections.end(), errors)


class _Walk:
    """What has been read of the block that we are in."""

    def __init__(self) -> None:
        self.sections = Sections()
        self._inline: list[str] = []
        self._lists: list[int] = []  # for each list that we are in the number of its next item; 0: bullets
        self._items: list[str] = []
        self._mark = ""  # what stands before the next line of a list

    def enter(self, node: LexborNode) -> bool:
        """Read the beginning of a node; whether its children are to be read, too."""
        tag = node.tag or ""
        if tag == "-text":
            self._inline.append(re.sub(r"\s+", " ", node.text_content or ""))
        elif tag == "br":
            self._inline.append("\n")
        elif tag == "img":
            self._inline.append(f" {node.attributes.get('alt') or ''} ")
        elif tag in _DROPPED or "hidden" in node.attributes:
            return False
        elif tag == "pre" or (tag == "table" and _holds_data(node)):
            self.end_block()
            self._add(node.text().strip("\n") if tag == "pre" else chunks.rows_as_lines(_cells(node)))
            return False
        elif tag in _BLOCKS or tag in _HEADINGS:
            self.end_block()
            self._begin_item(tag, node)
        return True

    def leave(self, node: LexborNode) -> None:
        """Read the end of a node."""
        tag = node.tag or ""
        if tag == "a":
            self._add_link(node)
        elif tag in _HEADINGS and not self._lists:
            self.sections.head(_HEADINGS[tag], self._taken(), 1)
        elif tag in _BLOCKS or tag in _HEADINGS:
            self.end_block()
            if tag in _LISTS and self._lists:
                self._lists.pop()
                self._end_list()

    def end_block(self) -> None:
        """What was read inline is a paragraph, or a line of a list."""
        if text := self._taken():
            self._add(text)

    def _add(self, text: str) -> None:
        if self._lists:
            self._items.append(self._mark + text)
            self._mark = " " * len(self._mark)
        else:
            self.sections.add(text, 1)

    def _begin_item(self, tag: str, node: LexborNode) -> None:
        if tag in _LISTS:
            start = node.attributes.get("start") or "1"
            self._lists.append(0 if tag != "ol" else int(start) if re.fullmatch(r"\d{1,6}", start) else 1)
        elif tag == "li" and self._lists:
            number = self._lists[-1]
            self._mark = "  " * min(len(self._lists) - 1, 8) + (f"{number}. " if number else "- ")
            self._lists[-1] += number > 0

    def _end_list(self) -> None:
        if not self._lists:
            self.sections.add("\n".join(self._items), 1)
            self._items = []
        self._mark = ""

    def _add_link(self, node: LexborNode) -> None:
        href = (node.attributes.get("href") or "").strip()
        shown = (node.text() or "").strip()
        if shown and _LINK.fullmatch(href) and shown not in (href, href.split(":", 1)[1].strip("/")):
            self._inline.append(f" ({href}) ")

    def _taken(self) -> str:
        """The inline text, which begins anew."""
        text = re.sub(r" *\n *", "\n", re.sub(r" {2,}", " ", "".join(self._inline))).strip()
        self._inline = []
        return re.sub(r" ([.,;:!?)])", r"\1", text)


def _through(top: LexborNode, walk: _Walk) -> None:
    """Enter and leave every node below, in the order of the text; without recursion, which has an end."""
    node = top.child
    while node is not None:
        inside = walk.enter(node)
        if inside and node.child is not None:
            node = node.child
            continue
        if inside:
            walk.leave(node)
        while node.next is None:
            parent = node.parent
            if parent is None or parent.mem_id == top.mem_id:
                return
            walk.leave(parent)
            node = parent
        node = node.next


def _holds_data(table: LexborNode) -> bool:
    """Whether this is a table and not a way to lay out a page."""
    return table.css_first("table table, h1, h2, h3, h4, h5, h6, ul, ol, nav, script") is None


def _cells(table: LexborNode) -> list[list[str]]:
    return [[" ".join(cell.text(separator=" ").split()) for cell in row.css("th, td")] for row in table.css("tr")]
