"""Contract §4: the one endpoint of the old ads, `/api/v1/execute`, with four methods and the id in the body."""

import json
from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from besedka.ads import changes, wire
from besedka.ads.access import AboutAds, check_may_change
from besedka.ads.models import Ad
from besedka.problems import Invalid

AT_ONCE = 500  # ads that are read, and sent, at once
FIELDS = frozenset({*changes.WRITTEN, "image"})

_ID = {"type": "integer", "minimum": 1}
_CHANGED = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": _ID},
    "allOf": [{"$ref": "#/components/schemas/AdWritten"}],
}
_NAMED = {"type": "object", "required": ["id"], "properties": {"id": _ID}, "additionalProperties": False}
_REFUSED = {
    (400, "application/problem+json"): OpenApiResponse(
        {"$ref": "#/components/schemas/Problem"}, "The body says which field and why."
    )
}


class _Id(serializers.Serializer[Any]):
    id = wire.Whole(min_value=1, max_value=2**63 - 1)


class Execute(AboutAds):
    """`/api/v1/execute`: read all, publish, change, withdraw."""

    @extend_schema(
        operation_id="execute_list", summary="All ads", responses={200: wire.AdSerializer(many=True), **_REFUSED}
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """All ads, oldest first; sent while they are read, so that any number of them takes little memory."""
        return StreamingHttpResponse(_all(wire.origin(request)), content_type="application/json")

    @extend_schema(
        operation_id="execute_publish",
        summary="Publish an ad",
        request=wire.WrittenSerializer,
        responses={201: wire.AdSerializer, **_REFUSED},
    )
    def post(self, request: Request) -> Response:
        """There is a new ad, and you are its author."""
        written = wire.read(request)
        picture, author_id = written.validated_data.get("image"), int(request.user.pk or 0)
        ad = changes.publish(written.fields_of_ad(), author_id=author_id, now=timezone.now(), picture=picture)
        return Response(wire.shown(ad, wire.origin(request)), status=201)

    @extend_schema(
        operation_id="execute_change",
        summary="Change an ad",
        request={"application/json": _CHANGED},
        responses={200: wire.AdSerializer, **_REFUSED},
    )
    def patch(self, request: Request) -> Response:
        """`id` and at least one field: the ad says this now."""
        ad_id, named = _named(request)
        if not FIELDS & named:
            raise Invalid("Beside `id` at least one field of an ad is to be named.", fields=sorted(FIELDS))
        check_may_change(request, ad_id)
        written = wire.read(request, partial=True)
        picture = written.validated_data.get("image", changes.KEEP)
        ad = changes.change(ad_id, written.fields_of_ad(), now=timezone.now(), picture=picture)
        return Response(wire.shown(ad, wire.origin(request)))

    @extend_schema(
        operation_id="execute_withdraw",
        summary="Withdraw an ad",
        request={"application/json": _NAMED},
        responses={200: {"type": "object", "properties": {"id": _ID}}, **_REFUSED},
    )
    def delete(self, request: Request) -> Response:
        """`id` and nothing else: the ad is gone, and its picture."""
        ad_id, named = _named(request)
        if named != {"id"}:
            raise Invalid("`id` and nothing else is taken.", field=min(named - {"id"})[:50])
        check_may_change(request, ad_id)
        changes.withdraw(ad_id)
        return Response({"id": ad_id})


def _named(request: Request) -> tuple[int, set[str]]:
    """The id in the body, and the names of everything in it."""
    body = _Id(data=request.data)
    body.is_valid(raise_exception=True)
    return int(body.validated_data["id"]), set(request.data)


def _all(origin: str) -> Iterator[str]:
    """A list in JSON, piece by piece; each ad that is there from the beginning to the end stands in it once."""
    seen, before = 0, "["
    while ads := list(Ad.objects.filter(pk__gt=seen).order_by("pk")[:AT_ONCE]):
        yield before + ",".join(json.dumps(wire.shown(ad, origin), ensure_ascii=False) for ad in ads)
        seen, before = ads[-1].pk, ","
    yield "[]" if before == "[" else "]"
