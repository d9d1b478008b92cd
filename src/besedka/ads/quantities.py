"""Prices and ages in a message: «до 20 000», «от 5 до 10 тысяч», «20к», «старше года», `under 2 years`."""

import re
from dataclasses import dataclass

from besedka.ads import lexicon

SMALLEST_PRICE = 300  # a smaller number without a unit counts thousands: «до 20»
NEAR = 20  # per cent around «около 10 тысяч»
MOST = 10**12  # whatever is more is as good

Ends = tuple[int | None, int | None]

_BESIDE_NUMBERS = lexicon.UPTO | lexicon.FROM | lexicon.ABOUT | lexicon.BESIDE_NUMBERS
_NUMBER = re.compile(r"\d")
_GROUPED = re.compile(r"\d{1,3}(?:[ .,]\d{3})+")


@dataclass(frozen=True)
class Bounds:
    """From where to where, both ends included, and the places of the words that say so."""

    price: Ends = (None, None)
    age: Ends = (None, None)
    used: frozenset[int] = frozenset()


@dataclass(frozen=True)
class _Number:
    value: float
    unit: str  # thousands, millions, money, years, months, or none
    start: int
    end: int  # behind its unit
    money: bool = False


def bounds_of(said: list[str]) -> Bounds:
    """What these words say of price and age; the first that they say of each."""
    price: Ends = (None, None)
    age: Ends = (None, None)
    used: set[int] = set()
    at = 0
    while at < len(said):
        number = _number(said, at)
        if number is None:
            at += 1
            continue
        second = _second(said, number)
        end = second.end if second else number.end
        before, how = _before(said, number.start)
        unit = _unit(number, second, how)
        if unit == "" or (unit == "age" and age != (None, None)) or (unit == "price" and price != (None, None)):
            at = end
            continue
        used |= set(range(before, end))
        if unit == "age":
            age = _ends(_years(number, second), _years(second) if second else None, how, said[before:at])
            if not second and how == "" and number.unit == "months":
                age = (None, age[1])
        else:
            low, high = _roubles(number, second), _roubles(second) if second else None
            price = _ends(low, high, how or ("" if second else "upto"), said[before:at])
        at = end
    return Bounds(price, age, frozenset(used))


def _number(said: list[str], at: int) -> _Number | None:
    """The number that stands here, with its unit; «года» after «старше», «тысячи» after «до» are one of it."""
    start, value, end = at, 0.0, at
    if _NUMBER.match(said[at]):
        text = said[at]
        whole = re.sub(r"\D", "", text) if _GROUPED.fullmatch(text) else text.replace(",", ".")
        value, end = min(float(whole[:20]), MOST), at + 1
    else:
        while end < len(said) and said[end] in lexicon.NUMBERS:
            value += lexicon.NUMBERS[said[end]]
            end += 1
    if end == at:
        follows = at > 0 and said[at - 1] in (lexicon.UPTO | lexicon.FROM | {"года"})
        if said[at] == "полгода":
            return _Number(6, "months", at, at + 1)
        if said[at] == "полтора" and at + 1 < len(said):
            value, end = 1.5, at + 1
        elif follows and (
            said[at] in ("года", "году", "тысячи", "тысяч", "миллиона") or said[at - 1 : at + 1] == ["a", "year"]
        ):
            value = 1
        else:
            return None
    at = end
    if at < len(said) and said[at] in "-–—" and at + 1 < len(said) and not _NUMBER.match(said[at + 1]):
        ended = at + 1
        if said[ended] in ("х", "ти", "й", "ю") and ended + 1 < len(said):  # «2-х летний»
            ended += 1
        if said[ended] in lexicon.YEARS | lexicon.MONTHS | lexicon.THOUSANDS:
            at = ended
    unit, money = "", False
    word = said[at] if at < len(said) else ""
    if word == "г" and at + 1 < len(said) and said[at + 1][0].isalpha() and said[at + 1] not in lexicon.AROUND:
        word = ""  # «щенок за 5000 г Москва»
    for name, words in (("thousands", lexicon.THOUSANDS), ("millions", lexicon.MILLIONS), ("years", lexicon.YEARS),
                        ("months", lexicon.MONTHS)):  # fmt: skip
        if word in words:
            unit, at = name, at + 1
            break
    if unit in ("", "thousands", "millions"):
        while at < len(said) and said[at] in lexicon.MONEY:
            money, at = True, at + 1
    if start == end and not unit:
        return None
    return _Number(value, unit, start, at, money)


def _second(said: list[str], first: _Number) -> _Number | None:
    """The other end of a range: «5–10 тысяч», «от 5 до 10», `between 5 and 10`."""
    at = first.end
    if at + 1 >= len(said) or said[at] not in lexicon.AND:
        return None
    second = _number(said, at + 1)
    return second if second is not None and second.start == at + 1 and second.value >= 0 else None


def _before(said: list[str], start: int) -> tuple[int, str]:
    """Where what is said of a number begins, and what that is: `upto`, `from`, `about`, or nothing."""
    at, how = start, ""
    while at > 0 and at > start - 4:
        word = said[at - 1]
        if word in _BESIDE_NUMBERS:
            at -= 1
            if word in lexicon.UPTO or word in ("за", "for"):
                how = how or ("upto" if word != "за" or not how else how)
            elif word in lexicon.ABOUT:
                how = how or "about"
            elif word in lexicon.FROM:
                how = how or "from"
            elif word in ("не", "no", "not") and how in ("upto", "from"):
                how = "from" if how == "upto" else "upto"
            continue
        break
    if "up" in said[at:start] and "to" in said[at:start]:
        how = "upto"
    return at, how


def _unit(number: _Number, second: _Number | None, how: str) -> str:
    """Whether it is a price or an age; empty where nobody can tell."""
    units = {number.unit, second.unit if second else number.unit}
    if units & {"years", "months"}:
        return "age"
    if units & {"thousands", "millions"} or number.money or (second is not None and second.money):
        return "price"
    largest = max(number.value, second.value if second else 0)
    return "price" if largest >= SMALLEST_PRICE or how or second else ""


def _roubles(number: _Number, second: _Number | None = None) -> int:
    """A price in roubles; «от 5 до 10 тысяч»: the first one counts thousands, too."""
    unit = number.unit or (second.unit if second and second.value >= number.value else "")
    value = number.value
    if unit == "thousands" or (not unit and not number.money and 0 < value < SMALLEST_PRICE):
        value *= 1_000
    elif unit == "millions":
        value *= 1_000_000
    return int(min(value, MOST))


def _years(number: _Number, second: _Number | None = None) -> int:
    """An age in whole years; of months what is begun."""
    unit = number.unit or (second.unit if second else "years")
    return int(number.value // 12 if unit == "months" else number.value)


def _ends(low: int, high: int | None, how: str, said: list[str]) -> Ends:
    if high is not None:
        return (min(low, high), max(low, high))
    if how == "upto":
        under = "младше" in said or "моложе" in said or "younger" in said
        return (None, max(low - 1, 0) if under and "не" not in said else low)
    if how == "from":
        return (low, None)
    if how == "about":
        return (low * (100 - NEAR) // 100, low * (100 + NEAR) // 100)
    return (low, low)
