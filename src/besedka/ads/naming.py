"""Names of breeds and towns in a message: those that everybody knows, and those that only ads have."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from besedka.ads import lexicon, stems
from besedka.ads.stems import tokens


@dataclass(frozen=True)
class Known:
    """What ads say: stems of their breeds' words, and by a town's stems the places that they name it with."""

    breeds: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()  # of breeds, as they stand there
    towns: Mapping[tuple[str, ...], str] = field(default_factory=dict)


def known(breeds: Iterable[str], places: Iterable[tuple[str, int]]) -> Known:
    """What these folded breeds, and folded places with how many ads each has, tell of the words of ads."""
    words = frozenset(word for breed in breeds for word in breed.split())
    spelt: Counter[tuple[tuple[str, ...], str]] = Counter()
    for place, count in places:
        line = place.split()
        skipped = 1 if line and line[0] in ("г", "город", "гор") else 0
        for size in (1, 2, 3):
            named = line[skipped : skipped + size]
            if len(named) == size and not named[-1].isdigit():
                for stemmed in _forms(named):
                    spelt[stemmed, " ".join(line[: skipped + size])] += count
    towns: dict[tuple[str, ...], str] = {}
    for (stemmed, spelling), _ in spelt.most_common():
        towns.setdefault(stemmed, spelling)
    return Known(frozenset(map(stems.stem, words)), words, towns)


NOTHING_KNOWN = Known()


def town_of(name: str, known: Known) -> tuple[str, str]:
    """A town by a name in any form, as ads begin their place and as people write it; an unknown one as it is."""
    said = tokens(name)
    town = town_in(["в", *said], set(), known)
    return town if town[0] or not said else (name, name)


def beginnings(breed: str, known: Known) -> tuple[str, ...]:
    """The beginnings of words by which a breed, in any form, is found."""
    said = tokens(breed)
    found = breed_in(said, set(), known, True)
    if found is not None:
        return found.sought
    return tuple(stems.stem(word) for word in said if word[0].isalpha())


@dataclass(frozen=True)
class Named:
    """A breed that is named: of which kind, the beginnings of words to look for, and the words that were said."""

    kind: str
    sought: tuple[str, ...]
    called: str


def breed_in(said: list[str], used: set[int], known: Known, named: bool) -> Named | None:
    """The breed that is named, the longest name first; one that only ads know needs an animal beside it."""
    for breed, name in _NAMES_OF_BREEDS:
        for at in range(len(said)):
            places = _standing(said, used, at, name, most_more=5)
            if places and not any(said[place] in lexicon.NO_BREEDS for place in places):
                used |= places
                sought = breed.sought
                if name[0].isascii() and any(word.startswith(name[0]) for word in known.words):
                    sought = name  # ads have it in Latin letters
                more = _more_of_breed(said, used, known)
                return Named(breed.kind, (*_stems_at(said, more), *sought), _words_at(said, places | more))
    more = _more_of_breed(said, used, known) if named else set()
    return Named("", _stems_at(said, more), _words_at(said, more)) if more else None


def _stems_at(said: list[str], places: set[int]) -> tuple[str, ...]:
    return tuple(stems.stem(said[place]) for place in sorted(places))


def _words_at(said: list[str], places: set[int]) -> str:
    return " ".join(said[place] for place in sorted(places))


def _more_of_breed(said: list[str], used: set[int], known: Known) -> set[int]:
    """The places of words that ads have in their breeds and that mean nothing else here."""
    places = {
        at
        for at, word in enumerate(said)
        if at not in used and len(word) > 3 and word[0].isalpha() and not lexicon.has_a_meaning(word)
        if stems.stem(word) in known.breeds
    }
    used |= places
    return places


def town_in(said: list[str], used: set[int], known: Known) -> tuple[str, str]:
    """The town that is named, as ads begin their place, else by its own name; and as people write it."""
    for at in range(len(said)):
        for size in (3, 2, 1):
            places = _places(said, used, at, size)
            if places is None:
                continue
            words = [said[place] for place in places]
            stemmed = tuple(map(stems.stem, words))
            town = _TOWNS.get(stemmed)
            if town is None and size == 1 and len(words[0]) > 4:
                town = _TOWNS.get((stemmed[0].removesuffix("ск"),)) if stemmed[0].endswith("ск") else None
            is_after = at > 0 and said[at - 1] in lexicon.BEFORE_TOWNS
            if town is None and stemmed in known.towns and is_after and not lexicon.has_a_meaning(words[0]):
                used |= set(places)
                return known.towns[stemmed], known.towns[stemmed].title()
            if town is not None and (len(words[0]) > 3 or is_after or size > 1 or stemmed in _SHORT):
                used |= set(places)
                _take_rest_of_name(said, used, places[-1])
                names = [tuple(map(stems.stem, tokens_of_name(town)))]
                names += [other for other, one in _TOWNS.items() if one == town]
                return next((known.towns[name] for name in names if name in known.towns), town), town
    return "", ""


def tokens_of_name(name: str) -> list[str]:
    """The words of a name, folded."""
    return [token for token in tokens(name) if token[0].isalpha()]


def _take_rest_of_name(said: list[str], used: set[int], last: int) -> None:
    """«Ростов-на-Дону» is known by its first word."""
    tail = [token for token in said[last + 1 : last + 5] if token not in "-–—"]
    if tail[:2] in (["на", "дону"], ["on", "don"]):
        end = last + 1 + said[last + 1 :].index(tail[1])
        used |= set(range(last + 1, end + 1))


def _places(said: list[str], used: set[int], at: int, size: int) -> list[int] | None:
    """Where so many words stand from here on, dashes passed over; None where they do not."""
    places: list[int] = []
    for place in range(at, min(len(said), at + 2 * size)):
        if said[place] in "-–—" and places:
            continue
        if place in used or not said[place][0].isalpha():
            return None
        places.append(place)
        if len(places) == size:
            return places
    return None


def _standing(said: list[str], used: set[int], at: int, name: tuple[str, ...], *, most_more: int) -> set[int]:
    """The places of these beginnings of words, if they stand here one after another."""
    places = _places(said, used, at, len(name))
    if places is None:
        return set()
    for place, begin in zip(places, name, strict=True):
        if not said[place].startswith(begin) or len(said[place]) - len(begin) > most_more:
            return set()
    return set(places)


_NAMES_OF_BREEDS = sorted(
    ((breed, name) for breed in lexicon.BREEDS for name in breed.known), key=lambda pair: -len(pair[1])
)


def _forms(words: list[str]) -> set[tuple[str, ...]]:
    """The stems of a name, and of its locative: a stemmer takes «ов» off «Тамбов», and leaves it in «Тамбове»."""
    locative = [*words[:-1], f"{words[-1]}е" if words[-1][-1] in _CONSONANTS else words[-1]]
    return {tuple(map(stems.stem, words)), tuple(map(stems.stem, locative))}


_CONSONANTS = frozenset("бвгджзклмнпрстфхцчшщ")
_TOWNS: dict[tuple[str, ...], str] = {}
for _one in lexicon.TOWNS:
    for _stemmed in _forms(tokens_of_name(_one.name)):
        _TOWNS[_stemmed] = _one.name
    for _known in _one.known:
        _TOWNS[tuple(map(stems.stem, _known))] = _one.name
        _TOWNS[_known] = _one.name
_SHORT = frozenset(name for name in _TOWNS if len(name) == 1 and name[0] in ("мск", "спб", "екб", "spb"))
