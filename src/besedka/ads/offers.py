"""From a wish to the ads that meet it; where none does, to those that come nearest, and what they leave aside."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count

from besedka.ads import listing, naming
from besedka.ads.models import Ad
from besedka.ads.naming import Known
from besedka.ads.wishes import Wish

SHOWN = 5  # ads of an answer
COUNTED = 1_000  # ads; of more it is only said that there are more
KNOWN_S = 30  # seconds until a new breed or place is known
MAX_KNOWN = 5_000  # different breeds, and places; of places those with the most ads

# What may be given up where nothing is found, one at a time, then all; who is sought stays.
GIVEN_UP = ("words", "price", "town", "age", "gender")

_known: tuple[float, Known] | None = None


@dataclass(frozen=True)
class Found:
    """Some ads for a wish. `total` is `COUNTED` where there are as many or more; `without`: what was given up."""

    wish: Wish  # that these ads meet
    ads: tuple[Ad, ...] = ()
    total: int = 0
    cursor: str = ""  # of those after them
    without: tuple[str, ...] = ()


def known() -> Known:
    """The breeds and places of ads, as they were at most `KNOWN_S` seconds ago."""
    global _known
    now = time.monotonic()
    if _known is None or now - _known[0] >= KNOWN_S:
        breeds = Ad.objects.values_list("breed_words", flat=True).distinct()[:MAX_KNOWN]
        places = (
            Ad.objects.values_list("location_words").annotate(ads=Count("pk")).order_by("-ads", "location_words")
        )
        _known = (now, naming.known(list(breeds), list(places[:MAX_KNOWN])))
    return _known[1]


def forget() -> None:
    """The breeds and places of ads are read anew for the next question."""
    global _known
    _known = None


def look_up(wish: Wish, *, cursor: str = "") -> Found:
    """The ads that meet this wish, the newest first or the cheapest; after `cursor`, where one is given.

    Where there are none at all: those that meet as much of it as any do.
    """
    page = listing.page(_asked(wish, cursor))
    if page.ads or cursor:
        total = listing.count(_asked(wish), at_most=COUNTED)
        return Found(wish, tuple(page.ads), total, page.cursor or "")
    for without in _ways_to_give_up(wish):
        nearer = give_up(wish, without)
        page = listing.page(_asked(nearer))
        if page.ads:
            total = listing.count(_asked(nearer), at_most=COUNTED)
            return Found(nearer, tuple(page.ads), total, page.cursor or "", without)
    return Found(wish)


def parameters(wish: Wish) -> dict[str, str]:
    """The wish as the list of ads is asked for it."""
    asked: dict[str, Any] = {
        "kind": wish.kind,
        "gender": wish.gender,
        "location": wish.town,
        "search": " ".join((*wish.breed, *wish.words)),
        **{name: getattr(wish, name) for name in listing.NUMBERS},
        "ordering": "price" if wish.cheap else "",
    }
    return {name: str(value)[: listing.MAX_TEXT] for name, value in asked.items() if value not in ("", None)}


def give_up(wish: Wish, what: Iterable[str]) -> Wish:
    """The wish without these; without the price the cheapest come first, as they are the nearest."""
    for name in what:
        if name == "price":
            wish = replace(wish, price_min=None, price_max=None, cheap=wish.price_max is not None or wish.cheap)
        elif name == "age":
            wish = replace(wish, age_min=None, age_max=None, young=False)
        elif name == "town":
            wish = replace(wish, town="", place="")
        elif name == "gender":
            wish = replace(wish, gender="")
        elif name == "breed":
            wish = replace(wish, breed=(), called="")
        else:
            wish = replace(wish, words=())
    return wish


def _ways_to_give_up(wish: Wish) -> Iterator[tuple[str, ...]]:
    has = tuple(name for name in GIVEN_UP if give_up(wish, (name,)) != wish)
    yield from ((name,) for name in has)
    if len(has) > 2 and "town" in has:
        yield tuple(name for name in has if name != "town")
    if len(has) > 1:
        yield has
    if wish.breed:
        yield (*has, "breed")


def _asked(wish: Wish, cursor: str = "") -> listing.Asked:
    return listing.read({**parameters(wish), "page_size": str(SHOWN), "cursor": cursor})
