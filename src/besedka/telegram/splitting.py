"""Texts in pieces that Telegram takes. It counts in units of UTF-16, as nothing else here does."""

LONGEST = 4096  # units of a text
LONGEST_CAPTION = 1024  # units below a file
_INVISIBLE = str.maketrans(
    dict.fromkeys([0xAD, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF])
)


def units(text: str) -> int:
    """How long Telegram thinks it is."""
    return len(text) + sum(character > "\uffff" for character in text)


def is_visible(text: str) -> bool:
    """Whether there is anything in it that Telegram would show: it refuses what has nothing."""
    return bool(text.translate(_INVISIBLE).strip())


def split(text: str, longest: int = LONGEST) -> list[str]:
    """The text in as few pieces as go, cut between paragraphs, lines or words where there are such.

    Nothing is lost but the space at which it was cut; a text that is short enough stays as it is.
    """
    pieces = []
    while units(text) > longest:
        at = _characters(text, longest)
        cut, gap = _gap(text, at)
        pieces.append(text[:cut])
        text = text[cut + gap :]
    return [piece for piece in [*pieces, text] if is_visible(piece)] or [text]


def _characters(text: str, longest: int) -> int:
    """How many characters of it fit."""
    taken = 0
    for at, character in enumerate(text):
        taken += 2 if character > "\uffff" else 1
        if taken > longest:
            return at
    return len(text)


def _gap(text: str, at: int) -> tuple[int, int]:
    """Where to cut at `at` at the latest, and how many characters to leave out there."""
    for gap in ("\n\n", "\n", " "):
        cut = text.rfind(gap, at // 2, at + 1)
        if cut > 0:
            return cut, len(gap)
    return at, 0
