"""What was said before somebody took over: who, to whom, when, what.

No visitor can imitate a heading: headings are bold, and each line of what was said has a bar before it.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from besedka.telegram import splitting

Entity = tuple[str, int, int]
BAR = "│ "
ROOM = 400  # units of a letter that are left for the heading, and for what a cut line begins with


class Letter(msgspec.Struct, frozen=True):
    """One message to an operator. Entities are (kind, offset, length) in units of UTF-16."""

    text: str
    entities: list[Entity]


def letters(said: Iterable[dict[str, Any]]) -> list[Letter]:
    """The exchange in as few letters as go; each part of it has `heading` and `text`."""
    found: list[Letter] = []
    for one in said:
        for block in _blocks(str(one.get("heading", "")), str(one.get("text", ""))):
            if found and splitting.units(found[-1].text) + 2 + splitting.units(block.text) <= splitting.LONGEST:
                found[-1] = _joined(found[-1], block)
            else:
                found.append(block)
    return found


def _blocks(heading: str, text: str) -> list[Letter]:
    """One message under its heading; a long one in several, each under it."""
    bars = BAR + f"\n{BAR}".join(text.splitlines())
    return [
        Letter(
            f"{heading}\n{piece if piece.startswith(BAR) else BAR + piece}",
            [("bold", 0, splitting.units(heading))],
        )
        for piece in splitting.split(bars, splitting.LONGEST - ROOM)
    ]


def _joined(first: Letter, second: Letter) -> Letter:
    at = splitting.units(first.text) + 2
    moved = [(kind, offset + at, length) for kind, offset, length in second.entities]
    return Letter(f"{first.text}\n\n{second.text}", [*first.entities, *moved])
