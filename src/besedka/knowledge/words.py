"""Text to words, words to stems and character n-grams: what both sides of a search have to do alike."""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from threading import Lock

from snowballstemmer.english_stemmer import EnglishStemmer
from snowballstemmer.russian_stemmer import RussianStemmer

MAX_CHARS = 20_000  # of a text that are looked at
MAX_QUESTION_WORDS = (
    200  # of a question that are looked at: a longer one is a letter, its beginning says what about
)
MAX_WORD = 40  # characters; what is longer is no word, its beginning is enough to find it again
SHORTEST_GRAM, LONGEST_GRAM = 2, 4
PREFIX = 4  # letters by which forms of a word, and of its kin, are held for alike

_WORD = re.compile(r"\w+")
_CYRILLIC = re.compile("[а-я]")
_russian, _english = RussianStemmer(), EnglishStemmer()
_stemming = Lock()  # a Snowball stemmer keeps the word it works on in itself

# Words of courtesy: around a question they are no part of it.
_COURTESY = """
    алло вечер дня день добрый доброе доброго здравствуйте здравствуй извините пожалуйста подскажите подскажи
    привет приветствую простите скажите скажи спасибо утро afternoon day evening excuse good hello hey hi morning
    please sorry thank thanks
"""
# Words that hold a sentence together: that an index knows them says nothing of what it is about.
_FUNCTION = """
    а без более бы был была были было быть в вам вами вас ведь весь во вот все всего всех вы где да даже для до его
    ее ей ему если есть еще же за здесь и из или им ими их к как какая какие какой каком какую ко когда кого кто ли
    либо лишь меня мне мной моего моей мои мой моя мы на над надо нам нами нас не него нее ней нет ни них но ну
    нужно о об однако он она они оно от очень по под после потом потому почему при про раз с сам свое своей свои
    свой свою себе себя сейчас со так также такая такие такое такой там твой те тебе тебя тем то тогда того тоже
    той только том тот тут ты у уж уже хоть хотя чего чей чем через что чтоб чтобы чье эта эти это этого этой этом
    этот эту я блин дела интересно можно могу может можете ночи помогите понятно слушайте спасибочки сколько узнать
    хай хотел хотела хотелось хочу хорошо ясно a about all am an and any are as at be been but by can could did do
    does doing for from get go got had has have he her here him his how i if in into is it its just like ll may me
    might more must my need no not of on one or our out re s she should so some t than that the their them then
    there these they this those to too up us ve very want was we were what when where which who why will with would
    you your yours goodbye know let m night ok okay tell
"""
COURTESY = frozenset(_COURTESY.split())
FUNCTION_WORDS = frozenset(_FUNCTION.split()) | COURTESY


def normalise(text: str) -> str:
    """Return the text in the form in which equal things are equal: NFKC, lower case, е for ё."""
    return unicodedata.normalize("NFKC", text[:MAX_CHARS]).lower().replace("ё", "е")


def split(text: str, at_most: int | None = None) -> list[str]:
    """Return the words of the text in their order, normalised, each at most `MAX_WORD` characters."""
    found = _WORD.findall(normalise(text))
    return [word[:MAX_WORD] for word in found[:at_most]]


def without_courtesy(asked: list[str]) -> list[str]:
    """Return the words without those of courtesy before and after them; all of them when nothing else is left."""
    start, end = 0, len(asked)
    while start < end and asked[start] in COURTESY:
        start += 1
    while end > start and asked[end - 1] in COURTESY:
        end -= 1
    return asked[start:end] or asked


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return the Snowball stem of a normalised word: Russian for Cyrillic, else English."""
    stemmer = _russian if _CYRILLIC.search(word) else _english
    with _stemming:
        return str(stemmer.stemWord(word))


def grams(word: str, shortest: int = SHORTEST_GRAM) -> list[str]:
    """Return the character n-grams of a normalised word, its borders included."""
    bordered = f" {word} "
    return [
        bordered[start : start + size]
        for size in range(shortest, LONGEST_GRAM + 1)
        for start in range(len(bordered) - size + 1)
    ]


def gram_count(word: str, shortest: int = SHORTEST_GRAM) -> int:
    """Return how many n-grams `grams` gives for a word."""
    return sum(max(0, len(word) + 3 - size) for size in range(shortest, LONGEST_GRAM + 1))


def content(asked: list[str]) -> list[str]:
    """Return the different stems of these words in their order, without those that hold a sentence together."""
    return list(dict.fromkeys(stem(word) for word in asked if word not in FUNCTION_WORDS))


def prefix(word: str) -> str:
    """Return the beginning of a normalised word: cruder than its stem, it also joins a verb with its noun."""
    return word[:PREFIX]


def pairs(stems: list[str]) -> list[str]:
    """Return the pairs of stems that stand side by side or have one other between them, in their order."""
    near = pairwise(stems)
    apart = zip(stems, stems[2:], strict=False)
    return [f"{one} {other}" for one, other in (*near, *apart)]
