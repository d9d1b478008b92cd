"""Words of messages: what the index has for a text, what a search asks for, and where in a text that was met."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from threading import Lock

import msgspec
from snowballstemmer.english_stemmer import EnglishStemmer
from snowballstemmer.russian_stemmer import RussianStemmer

MAX_WORD = 40  # characters of a word that count
MAX_ASKED = 1_000  # characters of a search that count
MAX_NEEDS = 12  # words of a search that count
SHORTEST_PART = 3  # characters of a number that find it
PARTS = 32  # characters of a number, from its beginning, at which a part of it may begin
MAX_PARTS = 1_000  # parts of numbers in one message: a list of numbers must not outgrow everything else
PIECE = 200  # characters of a text that are shown of it
BEFORE = 60  # of these before the first hit, at most

# A letter may wear marks (`и` and a breve is `й`): they are put together below, so they must not part the word.
_WORD = re.compile("[^\\W_](?:[^\\W_]|[\u0300-\u036f])*")
_PLAIN = re.compile(r"[^\W_]+")
_MARKS = re.compile("[\u0300-\u036f]")
_DIGIT = re.compile(r"\d")
# Groups of digits that people write as one number: +7 (912) 345-67-89. A `+` begins the next one.
_NUMBER = re.compile(r"(?<!\d)\d++(?:[ \u00a0().\-–—]{1,3}\d++)+")
_LONGEST_NUMBER = 32  # digits; what has more is a list
_SHORTEST_NUMBER = 5  # digits; fewer in groups are rather two numbers than one
_CYRILLIC = re.compile("[а-я]")
_russian, _english = RussianStemmer(), EnglishStemmer()
_stemming = Lock()  # a Snowball stemmer keeps the word it works on in itself


class Term(msgspec.Struct, frozen=True):
    """A word of the index, or all that begin so."""

    word: str
    begins: bool = False


Need = tuple[tuple[Term, ...], ...]  # what must be met: one of these, of which all terms


def index_words(text: str) -> set[str]:
    """What the index has for a text: its words, their stems, and the ends of its numbers, so any part begins one.

    Only letters and digits of whatever script, at most `MAX_WORD` characters; never with a `_`.
    """
    words = dict.fromkeys(word for _, _, piece in _pieces(text) for word in piece)
    numbers = [word for word in words if _DIGIT.search(word)]
    numbers += [joined for _, joined in _numbers(text)]
    parts = [
        number[start:MAX_WORD]
        for number in numbers
        for start in range(min(len(number) - SHORTEST_PART + 1, PARTS))
    ]
    return {*words, *map(stem, words), *parts[:MAX_PARTS]}


def needs(text: str) -> list[Need]:
    """What a search asks for: every word, in whatever form, the last one also unfinished; numbers by any part.

    Whatever else stands in the text means nothing. Of a very long one the beginning counts.
    """
    text = text[:MAX_ASKED]
    found = [(start, word) for start, _, piece in _pieces(text) for word in piece]
    last = found[-1][1] if found else ""
    needed: list[Need] = []
    reached = 0
    for places, joined in _numbers(text, shortest=SHORTEST_PART):
        inside = [word for start, word in found if places[0] <= start <= places[-1]]
        needed += [_need(word, word == last) for start, word in found if reached <= start < places[0]]
        whole = (Term(joined[:MAX_WORD], begins=True),)
        needed.append((whole, tuple(_number_term(word) for word in inside)))
        reached = places[-1] + 1
    needed += [_need(word, word == last) for start, word in found if start >= reached]
    return list(dict.fromkeys(needed))[:MAX_NEEDS]


def piece(text: str, needed: Sequence[Need]) -> tuple[str, list[tuple[int, int]]]:
    """At most `PIECE` characters of the text around the first hit, and from where to where in them hits stand."""
    hits = _united([hit for need in needed for hit in _met(text, need)])
    if len(text) <= PIECE:
        return text, hits
    start = max(0, min((hits[0][0] if hits else 0) - BEFORE, len(text) - PIECE))
    if start:
        blank = text.find(" ", start, start + BEFORE // 2)  # begin with a whole word where one is near
        start = blank + 1 if blank >= 0 else start
    before = "…" if start else ""
    end = start + PIECE - len(before)
    end, after = (len(text), "") if end >= len(text) else (end - 1, "…")
    shift = len(before) - start
    inside = [(max(a, start) + shift, min(b, end) + shift) for a, b in hits if b > start and a < end]
    return f"{before}{text[start:end]}{after}", inside


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The Snowball stem of a folded word: Russian for Cyrillic, else English; with a digit the word itself."""
    if _DIGIT.search(word):
        return word
    stemmer = _russian if _CYRILLIC.search(word) else _english
    with _stemming:
        return str(stemmer.stemWord(word)) or word


@lru_cache(maxsize=20_000)
def _fold(word: str) -> tuple[str, ...]:
    """The word in the form in which equal ones are equal: NFKC, no case, no stresses, е for ё. May be several."""
    composed = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold())
    plain = _MARKS.sub("", composed).replace("ё", "е")
    return tuple(part[:MAX_WORD] for part in _PLAIN.findall(plain))


def _pieces(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    for found in _WORD.finditer(text):
        yield found.start(), found.end(), _fold(found[0][: 2 * MAX_WORD])  # so that no long one is kept in mind


def _numbers(text: str, shortest: int = _SHORTEST_NUMBER) -> Iterator[tuple[list[int], str]]:
    """Numbers written in groups: where their digits stand, and the digits."""
    for found in _NUMBER.finditer(text):
        places = [place for place in range(found.start(), found.end()) if text[place].isdecimal()]
        if shortest <= len(places) <= _LONGEST_NUMBER:
            yield places, "".join(str(unicodedata.decimal(text[place])) for place in places)


def _need(word: str, is_last: bool) -> Need:
    if _DIGIT.search(word):
        return ((_number_term(word, is_last),),)
    whole = (Term(stem(word)),)
    return ((Term(word, begins=True),), whole) if is_last and len(word) > 1 else (whole,)


def _number_term(word: str, is_last: bool = False) -> Term:
    return Term(word, begins=len(word) >= SHORTEST_PART or (is_last and len(word) > 1))


def _met(text: str, need: Need) -> list[tuple[int, int]]:
    """Where the need is met: as one word in any of its forms, else as several words."""
    alone = _hits(text, [terms[0] for terms in need if len(terms) == 1])
    return alone or _hits(text, [term for terms in need if len(terms) > 1 for term in terms])


def _hits(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """From where to where in the text a term is met; of numbers the part alone, of other words the whole."""
    if not terms:
        return []
    met = _meeting(terms)
    spans = []
    for start, end, words in _pieces(text):
        for word in words:
            if _DIGIT.search(word):
                exact = len(words) == 1 and len(word) == end - start
                found = [(start + at, start + at + length) for at, length in _parts_met(word, terms)]
                spans += found if exact else [(start, end)] * len(found)
            elif met(word) or met(stem(word)):
                spans.append((start, end))
    for places, joined in _numbers(text):
        spans += [(places[at], places[at + length - 1] + 1) for at, length in _parts_met(joined, terms)]
    return spans


def _meeting(terms: Iterable[Term]) -> Callable[[str], bool]:
    exact = {term.word for term in terms if not term.begins}
    beginnings = tuple(term.word for term in terms if term.begins)
    return lambda word: word in exact or word.startswith(beginnings)


def _parts_met(number: str, terms: Iterable[Term]) -> Iterator[tuple[int, int]]:
    """Where in a number a term is met first, and how many characters of it that is."""
    for term in terms:
        if not term.begins:
            if term.word == number:
                yield 0, len(number)
            continue
        at = number.find(term.word) if len(term.word) >= SHORTEST_PART else number.startswith(term.word) - 1
        if at >= 0:
            yield at, len(term.word)


def _united(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    united: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return united
