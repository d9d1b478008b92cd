"""The pages of ads: a list to search and filter, one ad, and the pictures."""

import threading
from typing import NamedTuple
from urllib.parse import urlencode

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase

from besedka.ads import access, images, listing, wire
from besedka.ads.models import Ad
from besedka.problems import Invalid, Unavailable
from besedka.web import pages
from besedka.web.problems import read_only, refuse

A_YEAR_S = 31_536_000
PICTURES = 4  # that are opened at once: where they lie on S3 it may hang, and half of Django's threads go on
PATIENCE_S = 0.25  # of a thread that waits to be one of these
_opening = threading.BoundedSemaphore(PICTURES)


class Shown(NamedTuple):
    """An ad as people read it."""

    ad: Ad
    price: str
    years_ru: str
    years_en: str
    image: str
    thumbnail: str


@read_only
def listed(request: HttpRequest) -> HttpResponse:
    """`/ads/`: ads, the newest first; what cannot be read of the filters is told on the page."""
    asked = {name: str(request.GET[name]) for name in request.GET if name in listing.PARAMETERS}
    given = {name: value for name, value in asked.items() if value.strip()}
    fault, page = "", listing.Page([], None)
    try:
        page = listing.page(listing.read(given))
    except Invalid as problem:
        fault = str(problem.details.get("field", ""))
    typed = {name: value for name, value in given.items() if name not in ("cursor", "page_size")}
    response = pages.show(
        request,
        "ads/list.html",
        ads=[shown(ad) for ad in page.ads],
        fault=fault,
        typed=typed,
        is_narrowed=bool(typed.keys() & set(listing.FILTERS)),
        has_more=bool(typed.keys() - {"search", "kind", "gender"}),
        same=urlencode(given),
        following=urlencode({**given, "cursor": page.cursor}) if page.cursor else "",
        start=urlencode({name: value for name, value in given.items() if name != "cursor"}),
        begun="cursor" in given,
    )
    response.status_code = 400 if fault else 200
    return response


@read_only
def one(request: HttpRequest, ad_id: str) -> HttpResponse:
    """`/ads/{id}/`: an ad with its picture; who may change it finds here where."""
    ad = Ad.objects.filter(pk=int(ad_id)).first()
    if ad is None:
        raise Http404
    may_change = access.may_change(request.user, ad.created_by_id)
    said = request.GET.get("said", "") if may_change else ""
    return pages.show(request, "ads/one.html", shown=shown(ad), ad=ad, may_change=may_change, said=said)


@read_only
def picture(request: HttpRequest, file: str) -> HttpResponseBase:
    """`/media/ads/{name}`: a picture. Its name is random and never used again, so that it may be kept for ever."""
    if not _opening.acquire(timeout=PATIENCE_S):
        return refuse(Unavailable("Too many pictures are fetched at once."))
    try:
        opened = images.opened(file)
    except FileNotFoundError:
        raise Http404 from None
    except Unavailable as problem:
        return refuse(problem)
    finally:
        _opening.release()
    response = FileResponse(opened, content_type="image/webp", filename=file)
    response.headers["Cache-Control"] = f"public, max-age={A_YEAR_S}, immutable"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def shown(ad: Ad) -> Shown:
    """The ad with its price and age in words, and where its pictures are."""
    price = f"{ad.price:,}".replace(",", "\N{NO-BREAK SPACE}") + "\N{NO-BREAK SPACE}₽"
    image = wire.address(ad) if ad.picture else ""
    thumbnail = wire.address(ad, small=True) if ad.picture else ""
    return Shown(ad, price, _years_ru(ad.age), _years_en(ad.age), image, thumbnail)


def _years_ru(age: int) -> str:
    if age == 0:
        return "меньше года"
    if age % 100 in range(11, 15):
        return f"{age} лет"
    return f"{age} {'год' if age % 10 == 1 else 'года' if age % 10 in (2, 3, 4) else 'лет'}"


def _years_en(age: int) -> str:
    return "under a year" if age == 0 else "1 year" if age == 1 else f"{age} years"
