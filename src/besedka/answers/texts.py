"""What is the same in every answerer: words of a text, and the language it is in."""

import re
import unicodedata
from typing import Literal

Language = Literal["ru", "en"]

_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
_LATIN = re.compile("[a-z]", re.IGNORECASE)


def normalise(text: str) -> str:
    """Return the text in one form for equal things: NFKC, lower case, е for ё."""
    return unicodedata.normalize("NFKC", text).lower().replace("ё", "е")


def split(normalised: str) -> list[str]:
    """Return the words made of letters; numbers and signs part words and are left out."""
    return _WORD.findall(normalised)


def language_of(text: str, otherwise: str = "ru") -> Language:
    """Return `ru` when the text has a Cyrillic letter, `en` when it has a Latin one, else the language given."""
    if _CYRILLIC.search(text):
        return "ru"
    if _LATIN.search(text):
        return "en"
    return "en" if otherwise == "en" else "ru"
