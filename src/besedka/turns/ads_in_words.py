"""Ads as a bot tells of them: a line each with its address, how many there are, and what was given up for them.

What strangers wrote is shown as plain words: no address of theirs, no mark, nothing that turns or hides text.
"""

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings

from besedka.ads import offers
from besedka.ads.models import Ad
from besedka.ads.offers import COUNTED, Found
from besedka.ads.wishes import Wish
from besedka.answers.texts import Language

LONGEST_TITLE, LONGEST_PLACE = 80, 40  # characters
LIST = "/ads/"

_MARKS = re.compile(r"[\[\]()<>{}*_`~|\\#@]+|\w*://")
_DOT = re.compile(r"(?<=\w)\.(?=[^\W\d_])")
_BLANKS = re.compile(r"\s+")

_WHO = {
    "ru": {("Dog", False): "собаки", ("Dog", True): "щенки", ("Cat", False): "кошки", ("Cat", True): "котята",
           ("", False): "животные", ("", True): "щенки и котята"},
    "en": {("Dog", False): "dogs", ("Dog", True): "puppies", ("Cat", False): "cats", ("Cat", True): "kittens",
           ("", False): "animals", ("", True): "puppies and kittens"},
}  # fmt: skip
_GENDER = {"ru": {"M": "мальчики", "F": "девочки"}, "en": {"M": "male", "F": "female"}}
_FOUND = {"ru": "По запросу «{what}» есть {many}:", "en": "There {are} {many} for “{what}”:"}
_FURTHER = {"ru": "Вот ещё, «{what}»:", "en": "Here are more, “{what}”:"}
_NOTHING = {
    "ru": "По запросу «{what}» сейчас ничего не нашлось.",
    "en": "Nothing was found for “{what}” just now.",
}
_NEARER = {"ru": "{without} есть {many}:", "en": "{without} there {are} {many}:"}
_WITHOUT = {
    "ru": {"price": "цены", "town": "города", "age": "возраста", "gender": "пола", "words": "примет",
           "breed": "породы"},
    "en": {"price": "the price", "town": "the town", "age": "the age", "gender": "the sex", "words": "the looks",
           "breed": "the breed"},
}  # fmt: skip
_ALL = {"ru": "Все объявления: {address}", "en": "All ads: {address}"}
_REST = {"ru": "Ещё {many}: {address}", "en": "{many} more: {address}"}
_NO_MORE = {"ru": "Это все объявления, «{what}»: {address}", "en": "These are all ads, “{what}”: {address}"}
_FREE = {"ru": "даром", "en": "free"}


def answer(wanted: Wish, found: Found, language: Language, *, goes_on: bool = False) -> str:
    """What the bot says to a wish: the ads; or honestly that there are none, and the nearest that there are."""
    what = in_words(wanted, language)
    if not found.ads:
        return f"{_NOTHING[language].format(what=what)}\n{_ALL[language].format(address=site() + LIST)}"
    many = _many(found.total, language)
    are = "is" if found.total == 1 else "are"
    if found.without:
        nearer = _NEARER[language].format(without=_given_up(found, language), many=many, are=are)
        head = f"{_NOTHING[language].format(what=what)} {nearer}"
    elif goes_on:
        head = _FURTHER[language].format(what=what)
    else:
        head = _FOUND[language].format(what=what, many=many, are=are)
    lines = [head, *(f"{number}. {_line(ad, language)}" for number, ad in enumerate(found.ads, 1))]
    rest = found.total - len(found.ads)
    if found.cursor and rest > 0:
        asked = offers.parameters(found.wish) | ({"cursor": found.cursor} if goes_on else {})
        left = "" if goes_on else _many(rest if found.total < COUNTED else COUNTED, language, bare=True)
        template = _REST[language] if left else _ALL[language]
        lines.append(template.format(many=left, address=f"{site()}{LIST}?{urlencode(asked)}"))
    return "\n".join(lines)


def nothing_more(found: Found, language: Language) -> str:
    """Somebody asks for more of what was shown whole."""
    address = f"{site()}{LIST}?{urlencode(offers.parameters(found.wish))}"
    return _NO_MORE[language].format(what=in_words(found.wish, language), address=address)


def in_words(wish: Wish, language: Language) -> str:
    """The wish as a line: «щенки, корги, Москва, до 20 000 ₽»."""
    parts = [_WHO[language][wish.kind, wish.young]]
    if wish.breed:
        parts.append(plain(wish.called or " ".join(wish.breed), LONGEST_TITLE))
    if wish.words:
        parts.append(", ".join(wish.words))
    if wish.gender:
        parts.append(_GENDER[language][wish.gender])
    if not wish.young:
        parts.append(_between(wish.age_min, wish.age_max, language, lambda years: _years(years, language)))
    if wish.place or wish.town:
        parts.append(plain(wish.place or wish.town, LONGEST_PLACE))
    parts.append(_between(wish.price_min, wish.price_max, language, lambda price: _price(price, language)))
    return ", ".join(filter(None, parts))


def address_of(ad: Ad) -> str:
    """Where people read this ad."""
    return f"{site()}{LIST}{ad.pk}/"


def site() -> str:
    """Where visitors reach us: a setting, and never what a request says of itself."""
    return str(settings.SITE_URL)


def plain(text: str, longest: int) -> str:
    """What a stranger wrote, as words that can neither lead anywhere nor look like anything else."""
    seen = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    line = _BLANKS.sub(" ", _DOT.sub(". ", _MARKS.sub(" ", seen))).strip()
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _line(ad: Ad, language: Language) -> str:
    about = (plain(ad.location, LONGEST_PLACE), _years(ad.age, language), _price(ad.price, language))
    return f"{plain(ad.title, LONGEST_TITLE) or ad.pk} — {', '.join(filter(None, about))}: {address_of(ad)}"


def _given_up(found: Found, language: Language) -> str:
    names = [_WITHOUT[language][name] for name in found.without]
    last = " и " if language == "ru" else " and "
    joined = last.join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"Без учёта {joined}" if language == "ru" else f"Leaving aside {joined}"


def _many(number: int, language: Language, *, bare: bool = False) -> str:
    """So many ads; of very many only that there are more."""
    if number >= COUNTED:
        shown = f"{_spaced(COUNTED)}+" if bare else f"больше {_spaced(COUNTED)}"
        shown = shown if language == "ru" else f"{_spaced(COUNTED)}+"
        return shown if bare else f"{shown} {'объявлений' if language == 'ru' else 'ads'}"
    if bare:
        return _spaced(number)
    if language == "en":
        return f"{number} {'ad' if number == 1 else 'ads'}"
    return f"{_spaced(number)} {_form(number, 'объявление', 'объявления', 'объявлений')}"


def _between(low: int | None, high: int | None, language: Language, shown: Callable[[int], str]) -> str:
    if low is not None and low == high:
        return shown(low)
    if low is not None and high is not None:
        return f"{shown(low)} – {shown(high)}"
    if high is not None:
        return f"{'до' if language == 'ru' else 'up to'} {shown(high)}" if high else shown(high)
    return f"{'от' if language == 'ru' else 'from'} {shown(low)}" if low is not None else ""


def _price(price: int, language: Language) -> str:
    return f"{_spaced(price)} ₽" if price else _FREE[language]


def _years(age: int, language: Language) -> str:
    if age == 0:
        return "меньше года" if language == "ru" else "under a year"
    if language == "en":
        return "1 year" if age == 1 else f"{age} years"
    return f"{age} {_form(age, 'год', 'года', 'лет')}"


def _form(number: int, one: str, few: str, many: str) -> str:
    if number % 100 in range(11, 15):
        return many
    return one if number % 10 == 1 else few if number % 10 in (2, 3, 4) else many


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NO-BREAK SPACE}")
