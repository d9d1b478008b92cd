"""Lists of ads: which, in what order, page by page. A page costs the same however deep it lies."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, Func, Q, QuerySet
from django.db.models.lookups import Exact, GreaterThanOrEqual, LessThanOrEqual

from besedka.ads import searching
from besedka.ads.models import MAX_AGE, MAX_PRICE, Ad
from besedka.problems import Invalid

MAX_TEXT = 200  # characters of a filter
MAX_PAGE, PAGE = 100, 20  # ads
FEW = 3_000  # ads that are cheaper looked up one by one than met on a walk through all of them
NEWEST = "-created_at"
# Ids grow with time, so that they are the order of creation, without two that are alike.
ORDERINGS = {
    "created_at": "pk",
    NEWEST: "-pk",
    "price": "price",
    "-price": "-price",
    "age": "age",
    "-age": "-age",
}
CHOICES = {"kind": Ad.Kind.values, "gender": Ad.Gender.values, "ordering": list(ORDERINGS)}
TEXTS = ("breed", "location", "search")
BEYOND = {"age": MAX_AGE + 1, "price": MAX_PRICE + 1}  # a larger number means the same, and fits no column
NUMBERS = ("age_min", "age_max", "price_min", "price_max")
FILTERS = ("search", "kind", "gender", "breed", "location", *NUMBERS)
PARAMETERS = frozenset({*FILTERS, "ordering", "page_size", "cursor"})

_NUMBER = re.compile(r"[0-9]{1,18}")
_CURSOR = re.compile(r"([0-9]{1,18})(?:_([0-9]{1,18}))?")


@dataclass(frozen=True)
class Asked:
    """What somebody wants to see; only what was given is in `texts` and `numbers`."""

    texts: Mapping[str, str]
    numbers: Mapping[str, int]
    ordering: str = NEWEST
    page_size: int = PAGE
    cursor: tuple[int, int] | None = None  # the value that is ordered by, and the id, of the last ad that was seen

    def first(self) -> "Asked":
        """The same from its beginning."""
        return replace(self, cursor=None)


@dataclass(frozen=True)
class Page:
    """Some ads; `cursor` asks for those after them, None after the last."""

    ads: list[Ad]
    cursor: str | None


def read(given: Mapping[str, str]) -> Asked:
    """What these parameters ask for; an empty one asks for nothing. Raises `Invalid` with the field."""
    for name, value in given.items():
        if "\0" in value or len(value) > MAX_TEXT:
            raise _fault(name, f"A parameter has at most {MAX_TEXT} characters, and no NUL.")
    told = {name: value.strip() for name, value in given.items() if value.strip()}
    for name, allowed in CHOICES.items():
        if told.get(name, allowed[0]) not in allowed:
            raise _fault(name, f"It is one of {', '.join(allowed)}.")
    return Asked(
        {name: told[name] for name in (*TEXTS, "kind", "gender") if name in told},
        {name: min(_number(name, told[name]), BEYOND[name[:-4]]) for name in NUMBERS if name in told},
        told.get("ordering", NEWEST),
        min(max(_number("page_size", told.get("page_size", str(PAGE))), 1), MAX_PAGE),
        _cursor(told.get("cursor", ""), told.get("ordering", NEWEST)),
    )


def page(asked: Asked) -> Page:
    """The ads that were asked for, whatever else there is.

    Where the words alone, or the filters alone, leave few ads, an index names them and they are put in order.
    Where each leaves many, a walk through all in their order soon has a page together.
    """
    by, ascending = ORDERINGS[asked.ordering].removeprefix("-"), not asked.ordering.startswith("-")
    words = searching.asked(asked.texts["search"]) if "search" in asked.texts else None
    ads = _after(_few(asked, words, by), asked.cursor, by, ascending)
    orders = [by] if by == "pk" else [by, "pk"]
    ids = ads.order_by(*(order if ascending else f"-{order}" for order in orders)).values_list("pk", flat=True)
    found = list(ids[: asked.page_size + 1])
    known = Ad.objects.in_bulk(found[: asked.page_size])  # a sort moves ids about, not whole ads
    shown = [known[ad_id] for ad_id in found[: asked.page_size] if ad_id in known]
    more = len(found) > asked.page_size and shown
    return Page(shown, _written(shown[-1], by) if more else None)


def count(asked: Asked, *, at_most: int) -> int:
    """How many ads are asked for, whatever page; `at_most` where there are as many or more."""
    words = searching.asked(asked.texts["search"]) if "search" in asked.texts else None
    ads = _few(asked, words, "") if words is not None else Ad.objects.filter(_filters(asked))
    return len(ads.values_list("pk", flat=True)[:at_most])


def _few(asked: Asked, words: list[str] | None, by: str) -> QuerySet[Ad]:
    """The ads that were asked for; out of few, if an index says that there are not more."""
    filters = _filters(asked, by)
    ads = Ad.objects.filter(filters if words is None else filters & searching.having(words))
    if words is not None and len(found := searching.found(words, at_most=FEW + 1)) <= FEW:
        return ads.filter(pk__in=found)
    if filters:
        narrowed = Ad.objects.filter(_filters(asked)).values_list("pk", flat=True)
        if len(ids := list(narrowed[: FEW + 1])) <= FEW:
            return ads.filter(pk__in=ids)
    return ads


def _filters(asked: Asked, by: str = "") -> Q:
    """All but the search; for a walk by a column so that no index is begun at another one."""
    filters = Q()
    for name in ("kind", "gender"):
        if name in asked.texts:
            filters &= Q(Exact(_Looked(F(name)) if by else F(name), asked.texts[name]))
    for name in ("breed", "location"):
        if name in asked.texts:
            words = F(f"{name}_words")
            filters &= searching.beginning(_Looked(words) if by else words, asked.texts[name])
    for name, number in asked.numbers.items():
        column, _, end = name.partition("_")
        value = F(column) if column == by else _Looked(F(column))
        filters &= Q(GreaterThanOrEqual(value, number) if end == "min" else LessThanOrEqual(value, number))
    return filters


class _Looked(Func):
    """A column that SQLite is to look at, not to search by: it takes any range for a narrow one."""

    template = "%(expressions)s"
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)


def _after(ads: QuerySet[Ad], cursor: tuple[int, int] | None, by: str, ascending: bool) -> QuerySet[Ad]:
    if cursor is None:
        return ads
    beyond, (value, ad_id) = "gt" if ascending else "lt", cursor
    if by == "pk":
        return ads.filter(**{f"pk__{beyond}": ad_id})
    later = Q(**{f"{by}__{beyond}": value}) | Q(**{by: value, f"pk__{beyond}": ad_id})
    return ads.filter(later, **{f"{by}__{beyond}e": value})  # the second one is what an index can begin at


def _cursor(text: str, ordering: str) -> tuple[int, int] | None:
    if not text:
        return None
    read = _CURSOR.fullmatch(text)
    by_id = ORDERINGS[ordering].removeprefix("-") == "pk"
    if read is None or by_id == bool(read[2]):
        raise _fault("cursor", "No page of this list has this cursor.")
    return (0, int(read[1])) if by_id else (int(read[1]), int(read[2]))


def _written(last: Ad, by: str) -> str:
    return str(last.pk) if by == "pk" else f"{getattr(last, by)}_{last.pk}"


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _fault(name, "It is a whole number, not below 0, of at most 18 digits.")
    return int(text)


def _fault(field: str, sentence: str) -> Invalid:
    return Invalid(f"`{field[:50]}`: {sentence}", field=field[:50])
