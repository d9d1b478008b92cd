"""Words of questions about ads, and their stems: `москве` and `москва` are one."""

import re
import unicodedata
from functools import lru_cache
from threading import Lock

from snowballstemmer.english_stemmer import EnglishStemmer
from snowballstemmer.russian_stemmer import RussianStemmer

_CYRILLIC = re.compile("[а-я]")
_TOKEN = re.compile(r"\d{1,3}(?:[ .,]\d{3})+(?!\d)|\d+(?:[.,]\d)?(?!\d)|\d+|[^\W\d_]+(?:'[a-z]+)?|[-–—₽?]")
_russian, _english = RussianStemmer(), EnglishStemmer()
_stemming = Lock()  # a Snowball stemmer keeps the word it works on in itself


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The Snowball stem of a folded word: Russian for Cyrillic, else English."""
    stemmer = _russian if _CYRILLIC.search(word) else _english
    with _stemming:
        return str(stemmer.stemWord(word))


def tokens(text: str) -> list[str]:
    """The words, numbers and dashes of a message, folded as ads are."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е").replace("’", "'")
    return _TOKEN.findall(plain)
