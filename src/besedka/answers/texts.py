"""What is the same in every answerer: words of a text, and the language it is in."""

import re
import unicodedata
from typing import Literal

Language = Literal["ru", "en"]

_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
_LATIN = re.compile("[a-z]", re.IGNORECASE)
_REPEATED = re.compile(r"(.)\1+")
_PLAIN = re.compile(r"[ -~\nа-яёА-ЯЁ«»—–]*")  # nothing that composes, folds or hides: most of what people type
_UNSEEN = frozenset({"Cf", "Mn", "Me"})  # zero-width characters and soft hyphens; accents


def normalise(text: str) -> str:
    """Return the text in one form for equal things: NFKC, lower case, е for ё, nothing invisible, no accents.

    One accent a letter goes in, for й may be written with one: putting thousands in order would take long.
    """
    if _PLAIN.fullmatch(text):
        return text.lower().replace("ё", "е")
    composed = unicodedata.normalize("NFKC", visible(text, accents=1))
    return visible(composed.lower()).replace("ё", "е")


def split(normalised: str) -> list[str]:
    """Return the words made of letters; numbers and signs part words and are left out."""
    return _WORD.findall(normalised)


def once(word: str) -> str:
    """Return the word with every run of a letter made one: `приветттт` is `привет`, `helloo` is `helo`."""
    return _REPEATED.sub(r"\1", word)


def visible(text: str, *, accents: int = 0) -> str:
    """Return the text without zero-width characters and soft hyphens, with so many accents a letter at most."""
    unseen = {sign for sign in set(text) if unicodedata.category(sign) in _UNSEEN}
    if not unseen:
        return text
    kept: list[str] = []
    run = 0
    for sign in text:
        run = run + 1 if sign in unseen else 0
        if run == 0 or (run <= accents and unicodedata.category(sign) != "Cf"):
            kept.append(sign)
    return "".join(kept)


def language_of(text: str, otherwise: str = "ru") -> Language:
    """Return `ru` when the text has a Cyrillic letter, `en` when it has a Latin one, else the language given."""
    if _CYRILLIC.search(text):
        return "ru"
    if _LATIN.search(text):
        return "en"
    return "en" if otherwise == "en" else "ru"
