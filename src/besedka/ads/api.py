"""Ads over HTTP: everybody reads, who is signed in publishes, an author changes and withdraws what is theirs."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.http import parse_etags
from django.utils.module_loading import import_string
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from besedka.ads import changes, listing, wire
from besedka.ads.access import AboutAds, check_may_change
from besedka.ads.models import Ad
from besedka.problems import Invalid, NotFound

_PARSERS = [*map(import_string, settings.REST_FRAMEWORK["DEFAULT_PARSER_CLASSES"]), MultiPartParser]
_BODY = {"application/json": wire.WrittenSerializer, "multipart/form-data": wire.UploadedSerializer}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}  # the door describes it
_WHEN = {
    400: "The request cannot be read, or its picture.",
    401: "Sign in first.",
    403: "It is another author's.",
    404: "There is no such ad.",
    412: "The ad has changed since `If-Match` was read.",
    413: "The request is larger than a picture may be.",
    415: "JSON and forms are taken.",
}
_IF_MATCH = OpenApiParameter("If-Match", str, "header", description="change it only if its `ETag` still is this")
_SAY = {
    "search": "words, each of which begins a word of the ad",
    "breed": "the breed, or the words that it begins with, in any case",
    "location": "the place, or the words that it begins with, in any case",
    "cursor": "from `next` of the page before",
    "page_size": f"1 to {listing.MAX_PAGE}; more is as much",
}
_TYPES = {**dict.fromkeys(listing.NUMBERS, int), "page_size": int}
_PARAMETERS = [
    OpenApiParameter(name, _TYPES.get(name, str), description=_SAY.get(name, ""), enum=listing.CHOICES.get(name))
    for name in sorted(listing.PARAMETERS)
]


def _refusals(*statuses: int) -> dict[Any, OpenApiResponse]:
    return {(status, "application/problem+json"): OpenApiResponse(_PROBLEM, _WHEN[status]) for status in statuses}


class Ads(AboutAds):
    """`/api/v1/ads/`: all ads, searched and filtered."""

    parser_classes = _PARSERS

    @extend_schema(
        operation_id="ads_list",
        summary="The ads",
        parameters=_PARAMETERS,
        responses={200: wire.PageSerializer, **_refusals(400)},
    )
    def get(self, request: Request) -> Response:
        """A page of ads, the newest first if nothing else is asked for, and the address of the next one."""
        given = request.query_params
        unknown = set(given) - listing.PARAMETERS - {"format"}
        if unknown:
            raise Invalid(f"`{min(unknown)[:50]}` is no filter of ads.", field=min(unknown)[:50])
        page = listing.page(listing.read({name: given[name] for name in given if name != "format"}))
        origin, following = wire.origin(request), None
        if page.cursor:
            following = given.copy()
            following["cursor"] = page.cursor
        address = f"{origin}{request.path}?{following.urlencode()}" if following else None
        return Response({"next": address, "results": [wire.shown(ad, origin) for ad in page.ads]})

    @extend_schema(
        operation_id="ads_publish",
        summary="Publish an ad",
        request=_BODY,
        responses={201: wire.AdSerializer, **_refusals(400, 401, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """There is a new ad, and you are its author."""
        written = wire.read(request)
        picture, author_id = written.validated_data.get("image"), int(request.user.pk or 0)
        ad = changes.publish(written.fields_of_ad(), author_id=author_id, now=timezone.now(), picture=picture)
        response = _response(request, ad, status=201)
        response["Location"] = f"{wire.origin(request)}/api/v1/ads/{ad.pk}/"
        return response


class OneAd(AboutAds):
    """`/api/v1/ads/{id}/`: one of them."""

    parser_classes = _PARSERS

    @extend_schema(operation_id="ads_read", summary="An ad", responses={200: wire.AdSerializer, **_refusals(404)})
    def get(self, request: Request, ad_id: int) -> Response:
        """The ad; its `ETag` names this state of it. With `If-None-Match` 304 while it is the same."""
        ad = Ad.objects.filter(pk=ad_id).first()
        if ad is None:
            raise NotFound
        known = [tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))]
        if ad.etag in known or "*" in known:
            return Response(status=304, headers={"ETag": ad.etag})
        return _response(request, ad)

    @extend_schema(
        operation_id="ads_replace",
        summary="Write an ad anew",
        parameters=[_IF_MATCH],
        request=_BODY,
        responses={200: wire.AdSerializer, **_refusals(400, 401, 403, 404, 412, 413, 415)},
    )
    def put(self, request: Request, ad_id: int) -> Response:
        """The ad says what you say; its picture stays unless you send another one, or null."""
        return self._change(request, ad_id, partial=False)

    @extend_schema(
        operation_id="ads_change",
        summary="Change an ad",
        parameters=[_IF_MATCH],
        request=_BODY,
        responses={200: wire.AdSerializer, **_refusals(400, 401, 403, 404, 412, 413, 415)},
    )
    def patch(self, request: Request, ad_id: int) -> Response:
        """The ad says in these fields what you say, in the others what it said; `image: null` takes it away."""
        return self._change(request, ad_id, partial=True)

    @extend_schema(
        operation_id="ads_withdraw",
        summary="Withdraw an ad",
        parameters=[_IF_MATCH],
        request=None,
        responses={204: None, **_refusals(401, 403, 404, 412)},
    )
    def delete(self, request: Request, ad_id: int) -> Response:
        """The ad is gone, and its picture."""
        check_may_change(request, int(ad_id))
        changes.withdraw(int(ad_id), etags=_expected(request))
        return Response(status=204)

    def _change(self, request: Request, ad_id: int, *, partial: bool) -> Response:
        check_may_change(request, int(ad_id))
        written = wire.read(request, partial=partial)
        picture = written.validated_data.get("image", changes.KEEP)
        etags, now = _expected(request), timezone.now()
        ad = changes.change(int(ad_id), written.fields_of_ad(), now=now, picture=picture, etags=etags)
        return _response(request, ad)


def _expected(request: Request) -> list[str] | None:
    """The states of which one is to be changed; None: whatever there is."""
    given = request.headers.get("If-Match")
    return None if given is None else parse_etags(given)


def _response(request: Request, ad: Ad, *, status: int = 200) -> Response:
    headers = {"ETag": ad.etag, "Cache-Control": "no-cache"}
    return Response(wire.shown(ad, wire.origin(request)), status=status, headers=headers)
