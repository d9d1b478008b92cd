"""What somebody who writes to a bot wants of the ads, read from their words, in Russian and in English.

Pure: the same words and the same knowledge of ads give the same wish. Careful rather than clever: where a message
holds words that nobody here knows, it is no search, but a question for whoever else can answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from besedka.ads import lexicon, naming
from besedka.ads.models import MAX_AGE, MAX_PRICE
from besedka.ads.naming import NOTHING_KNOWN, Known
from besedka.ads.quantities import Ends, bounds_of
from besedka.ads.stems import tokens

LONGEST = 300  # characters of a message that may be a search: a letter is none
FORGIVEN = 6  # words that nobody knows in a message that says plainly that an animal is sought
BARE = 3  # words of a message that may be nothing but who is sought
YOUNG_UPTO, GROWN_FROM, OLD_FROM = 1, 2, 8  # years
YOUNGISH_UPTO = 3


@dataclass(frozen=True)
class Wish:
    """Which ads are wanted; None, 0 words and no kind mean: whatever. Ages are whole years, prices roubles."""

    kind: str = ""
    gender: str = ""
    breed: tuple[str, ...] = ()  # beginnings of words
    called: str = ""  # the breed as it was said
    words: tuple[str, ...] = ()  # beginnings of others
    town: str = ""  # as ads begin their place
    place: str = ""  # the same as people write it
    price_min: int | None = None
    price_max: int | None = None
    age_min: int | None = None
    age_max: int | None = None
    young: bool = False  # a puppy, a kitten: an age that was not told in years
    cheap: bool = False  # the cheapest first

    @property
    def is_plain(self) -> bool:
        """Whether nothing is said but which animal."""
        return replace(self, kind="", young=False, age_max=None if self.young else self.age_max) == Wish()


@dataclass(frozen=True)
class _Read:
    """What the words of a message come to."""

    wish: Wish
    size: int  # words
    animal: bool = False  # somebody is named, by kind or by breed
    named: bool = False  # by kind
    told_young: bool = False
    seeks: bool = False
    wants: bool = False
    relative: frozenset[str] = frozenset()
    forgets: frozenset[str] = frozenset()
    strange: int = 0  # words that nobody knows
    barred: bool = False


def read(text: str, known: Known = NOTHING_KNOWN) -> Wish | None:
    """The wish that this message is; None where it is none, but something else."""
    found = _read(text, known)
    if found is None or not found.animal or found.barred:
        return None
    if found.strange > (FORGIVEN if found.seeks else 0):
        return None
    said = found.seeks or found.wants or found.size <= BARE or not found.wish.is_plain
    return found.wish if said else None


def follow(text: str, before: Wish, known: Known = NOTHING_KNOWN) -> "tuple[Wish, frozenset[str]] | None":
    """The wish that this message makes of the one before; None where it does not go on about it.

    Beside it what it asks for in comparison with what was shown: `cheaper`, `dearer`, `younger`, `older`, `more`.
    """
    found = _read(text, known)
    if found is None or found.barred or found.strange:
        return None
    now = found.wish
    if not (found.relative or found.forgets or now != Wish()):
        return None
    merged = replace(before, cheap=before.cheap or now.cheap)
    other = bool(now.kind and now.kind != before.kind)
    if other:  # of another kind the breed is another, and so is what was said of its looks
        merged = replace(merged, kind=now.kind, breed=(), called="", words=())
    if found.named and (other or found.told_young or before.young):
        young = YOUNG_UPTO if found.told_young else None
        merged = replace(merged, young=found.told_young, age_min=None, age_max=young)
    if now.breed:
        merged = replace(merged, breed=now.breed, called=now.called, kind=now.kind or merged.kind)
    if now.town:
        merged = replace(merged, town=now.town, place=now.place)
    for name in ("gender", "words"):
        if getattr(now, name):
            merged = replace(merged, **{name: getattr(now, name)})
    for unit in ("price", "age"):
        told = (getattr(now, f"{unit}_min"), getattr(now, f"{unit}_max"))
        if told != (None, None) and not (unit == "age" and found.told_young and found.animal):
            merged = replace(merged, **{f"{unit}_min": told[0], f"{unit}_max": told[1]})
    return _without(merged, found.forgets), found.relative


def _without(wish: Wish, forgotten: Iterable[str]) -> Wish:
    for what in forgotten:
        if what == "price":
            wish = replace(wish, price_min=None, price_max=None)
        elif what == "age":
            wish = replace(wish, age_min=None, age_max=None, young=False)
        elif what == "breed":
            wish = replace(wish, breed=(), called="")
        elif what == "town":
            wish = replace(wish, town="", place="")
        else:
            wish = replace(wish, gender="")
    return wish


def goes_on(text: str) -> bool:
    """Whether the message begins as one that goes on about something: «а …», `what about …`."""
    said = tokens(text[:LONGEST])
    return bool(said) and said[0] in lexicon.GOES_ON and said[:2] not in (["how", "much"], ["how", "many"])


def may_be(text: str) -> bool:
    """Whether an animal is named at all: without one only what went before can make a search of a message."""
    if len(text) > LONGEST:
        return False
    said = tokens(text)
    if any(map(lexicon.is_animal, said)) or naming.breed_in(said, set(), NOTHING_KNOWN, False) is not None:
        return True
    return not (lexicon.TOUCHED.isdisjoint(said) or lexicon.ADVERTS.isdisjoint(said))


def _read(text: str, known: Known) -> "_Read | None":
    if len(text) > LONGEST:
        return None
    said = [token for token in tokens(text) if token != "?"]
    words = [token for token in said if token[0].isalpha()]
    if not words and not said:
        return None
    bounds = bounds_of(said)
    used = set(bounds.used)
    forgets = _forgets(said, used)
    town = naming.town_in(said, used, known)
    named = any(lexicon.is_animal(token) for token in said)
    breed = naming.breed_in(said, used, known, named)
    rest = _Rest(said, used, named or breed is not None)
    kind = rest.kind or ("" if rest.kinds else breed.kind if breed else "")
    cheap, age = rest.cheap, bounds.age
    told_young = rest.young
    if age == (None, None):
        age = rest.age if rest.age != (None, None) else (None, YOUNG_UPTO) if told_young else (None, None)
    else:
        told_young = False
    wish = Wish(
        kind,
        rest.gender,
        breed.sought if breed else (),
        breed.called if breed else "",
        tuple(rest.described),
        *town,
        *(bounds.price if bounds.price != (None, None) or not rest.free else (None, 0)),
        *age,
        young=told_young,
        cheap=cheap,
    )
    return _Read(
        _bounded(wish),
        len(words),
        bool(rest.named or breed),
        rest.named,
        told_young,
        rest.seeks,
        rest.wants,
        frozenset(rest.relative),
        forgets,
        rest.strange,
        rest.barred,
    )


class _Rest:
    """The single words of a message, those aside that were read together."""

    def __init__(self, said: list[str], used: set[int], animal: bool) -> None:
        self.kinds: set[str] = set()
        self.named = self.young = self.seeks = self.wants = self.cheap = self.free = self.barred = False
        self.gender = ""
        self.age: Ends = (None, None)
        self.described: list[str] = []
        self.relative: set[str] = set()
        self.strange = 0
        adverts = not lexicon.ADVERTS.isdisjoint(said)
        before_name = True
        for at, word in enumerate(said):
            if at in used or not word[0].isalpha():
                if at not in used and word[0].isdigit():
                    self.strange += 1
                continue
            previous = said[at - 1] if at else ""
            following = said[at + 1] if at + 1 < len(said) else ""
            if word in lexicon.TOUCHED and adverts:
                self._name(_in_nominative(word))
                before_name = False
            elif _is_another_matter(word, previous, following):
                self.barred = True
            elif lexicon.is_animal(word):
                self.barred = self.barred or previous in ("для", "for")
                self._name(word)
                before_name = False
            elif self._is_gender(word):
                self.barred = self.barred or previous in ("для", "for")
            elif self._is_about_it(word):
                pass
            elif word in lexicon.SEEKING:
                self.seeks = True
            elif word in lexicon.WANTING or word in lexicon.ADVERTS:
                self.wants = True
            elif lexicon.begins(word, lexicon.ELSE) and word not in lexicon.NOT_ELSE:
                self.barred = True
            elif word not in lexicon.AROUND and not (word == "для" and following in lexicon.AROUND):
                self.strange += 1
                # «Куплю корм щенку»: what stands between is what is sought.
                self.barred = self.barred or before_name or not animal

    @property
    def kind(self) -> str:
        return next(iter(self.kinds)) if len(self.kinds) == 1 else ""

    def _name(self, word: str) -> None:
        self.named = True
        if word in lexicon.DOGS or word in lexicon.PUPPIES:
            self.kinds.add("Dog")
        elif word in lexicon.CATS or word in lexicon.KITTENS:
            self.kinds.add("Cat")
        self.young = self.young or word in lexicon.PUPPIES or word in lexicon.KITTENS
        self._is_gender(word)

    def _is_gender(self, word: str) -> bool:
        if word in lexicon.MALE:
            self.gender = "" if self.gender == "F" else "M"
        elif word in lexicon.FEMALE:
            self.gender = "" if self.gender == "M" else "F"
        return word in lexicon.MALE or word in lexicon.FEMALE

    def _is_about_it(self, word: str) -> bool:
        """Whether this says of which price, age or looks it should be."""
        relatives = {
            "cheaper": lexicon.CHEAPER,
            "dearer": lexicon.DEARER,
            "younger": lexicon.YOUNGER,
            "older": lexicon.OLDER,
            "more": lexicon.MORE,
        }
        compared = {name for name, words in relatives.items() if word in words}
        self.relative |= compared
        if word in lexicon.CHEAP:
            self.cheap = True
        elif word in lexicon.FREE:
            self.free = True
        elif lexicon.begins(word, lexicon.YOUNG):
            self.age = (None, YOUNGISH_UPTO)
        elif lexicon.begins(word, lexicon.GROWN):
            self.age = (GROWN_FROM, None)
        elif lexicon.begins(word, lexicon.OLD):
            self.age = (OLD_FROM, None)
        elif (begin := _beginning(word, lexicon.DESCRIBED)) is not None:
            self.described.append(lexicon.DESCRIBED[begin])
        else:
            return bool(compared) or lexicon.begins(word, lexicon.PRAISED)
        return True


def _is_another_matter(word: str, previous: str, following: str) -> bool:
    """«Мой щенок», «корм щенку», «как приучить»: it is about an animal, and none is sought."""
    if word in lexicon.TOUCHED or word in lexicon.MINE or word in lexicon.ASKING_HOW:
        return True
    if word == "how" and following not in ("much", "many"):
        return True
    return (previous == "у" and word in ("меня", "нас")) or (word in lexicon.NO and word not in ("нет", "no"))


def _in_nominative(word: str) -> str:
    """Any word of the same animal in which somebody is wanted."""
    for whole in (lexicon.PUPPIES, lexicon.KITTENS, lexicon.DOGS, lexicon.CATS):
        if any(word[:4] == other[:4] for other in whole) or (word[:2] == "пс" and whole is lexicon.DOGS):
            return min(other for other in whole if other[:3] == word[:3])
    return "питомец"


def _beginning(word: str, beginnings: Iterable[str]) -> str | None:
    return next((begin for begin in beginnings if word.startswith(begin)), None)


def _forgets(said: list[str], used: set[int]) -> frozenset[str]:
    """«В любом городе», «за любую цену», «везде»: what does not matter any more."""
    found = set()
    for at, word in enumerate(said):
        if word in lexicon.ANEW:
            used.add(at)
            found.add("town")
        following = said[at + 1] if at + 1 < len(said) else ""
        if word in lexicon.ANY:
            for begin, what in _MATTERS.items():
                if following.startswith(begin):
                    used |= {at, at + 1}
                    found.add(what)
    return frozenset(found)


_MATTERS = {
    "город": "town", "мест": "town", "town": "town", "cit": "town", "цен": "price", "price": "price",
    "деньг": "price", "возраст": "age", "age": "age", "пол": "gender", "sex": "gender", "gender": "gender",
    "пород": "breed", "breed": "breed",
}  # fmt: skip


def _bounded(wish: Wish) -> Wish:
    """Numbers that are no prices and no ages of anything would find nothing; they are as good as their limits."""
    changed: dict[str, Any] = {}
    limits = {"price": MAX_PRICE, "age": MAX_AGE}
    for unit, limit in limits.items():
        for end in ("min", "max"):
            told = getattr(wish, f"{unit}_{end}")
            if told is not None and told > limit:
                changed[f"{unit}_{end}"] = limit
    return replace(wish, **changed)
