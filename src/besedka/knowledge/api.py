"""Sources of knowledge over HTTP, for staff: list, import a file, delete."""

from typing import Any

from django.db.models import Count
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from besedka.accounts.models import User
from besedka.knowledge import rows, submissions
from besedka.knowledge.models import Import, Source
from besedka.problems import NotFound

AROUND_THE_FILE = 64 * 1024  # bytes of a request that are not its file: titles, boundaries
WAIT_S = 5.0  # that whoever hands in a file waits for the import; proxies and people wait longer

_PROBLEM = {"$ref": "#/components/schemas/Problem"}  # the door describes it


class MayKeepSources(BasePermission):
    """Staff, each with the permission that the admin asks for the same thing."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this person may."""
        act = {"POST": "add", "DELETE": "delete"}.get(request.method or "", "view")
        return bool(request.user and request.user.is_staff and request.user.has_perm(f"knowledge.{act}_source"))


class MaySeeImports(BasePermission):
    """Staff who may see sources or add some."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this person may."""
        acts = ("knowledge.view_source", "knowledge.add_source")
        return bool(request.user and request.user.is_staff and any(map(request.user.has_perm, acts)))


@extend_schema_serializer(component_name="KnowledgeSource")
class SourceSerializer(serializers.ModelSerializer[Source]):
    """A source in a list."""

    passages = serializers.IntegerField(source="passage_count", read_only=True)

    class Meta:
        model = Source
        fields = ("id", "title", "kind", "url", "passages", "version", "updated_at")


@extend_schema_serializer(component_name="KnowledgeSourcePage")
class SourcePageSerializer(serializers.Serializer[Any]):
    """A page of the list."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = SourceSerializer(many=True)


@extend_schema_field(OpenApiTypes.BINARY)
class _UploadedFile(serializers.FileField):
    """A file as it comes, not the address it could be had from."""


@extend_schema_serializer(component_name="KnowledgeUpload")
class UploadSerializer(serializers.Serializer[Any]):
    """A file to import."""

    file = _UploadedFile(max_length=255, help_text="CSV, XLSX, Markdown, text, HTML, PDF or JSONL")
    title = serializers.CharField(max_length=200, help_text="Under a known title the source is replaced.")
    url = serializers.CharField(
        max_length=rows.MAX_URL, required=False, allow_blank=True, help_text="Left out: the link it has is kept."
    )


@extend_schema_serializer(component_name="KnowledgeRefusal")
class RefusedSerializer(serializers.Serializer[Any]):
    """A line, row or page that was left out."""

    line = serializers.IntegerField()
    reason = serializers.CharField()


@extend_schema_serializer(component_name="KnowledgeImport")
class ImportedSerializer(serializers.Serializer[Any]):
    """What an import did, in passages; `refused` lines were left out, the first 1,000 of them are in `errors`."""

    id = serializers.IntegerField(help_text="of the source")
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    removed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = serializers.IntegerField()
    errors = RefusedSerializer(many=True)  # type: ignore[assignment]  # DRF takes fields out of the class


@extend_schema_serializer(component_name="KnowledgeImportProgress")
class ProgressSerializer(serializers.ModelSerializer[Import]):
    """How far a running import is: so many rows, pages or passages of so many, of the stage that it is in."""

    of = serializers.IntegerField(help_text="0 where nobody knows yet")

    class Meta:
        model = Import
        fields = ("stage", "done", "of")


@extend_schema_serializer(component_name="KnowledgeImportState")
class ImportSerializer(serializers.ModelSerializer[Import]):
    """An import: how far it is while it runs, what it did when it is done, why not where it failed."""

    progress = ProgressSerializer(source="*")
    result = serializers.SerializerMethodField()
    problem = serializers.SerializerMethodField()

    class Meta:
        model = Import
        fields = ("id", "title", "name", "state", "progress", "result", "problem", "created_at", "ended_at")

    @extend_schema_field(ImportedSerializer(allow_null=True))
    def get_result(self, asked: Import) -> Any:
        """What it did, when it is done."""
        return ImportedSerializer(asked.result).data if asked.state == Import.State.DONE else None

    @extend_schema_field({"allOf": [_PROBLEM], "nullable": True})
    def get_problem(self, asked: Import) -> Any:
        """Why it failed."""
        return submissions.problem_of(asked).as_json() if asked.state == Import.State.FAILED else None


_LIST = PolymorphicProxySerializer(
    "KnowledgeSourceList",
    [SourceSerializer(many=True), SourcePageSerializer],
    resource_type_field_name=None,
    many=False,
)
_WHEN = {
    400: "The request or the file cannot be read.",
    401: "Sign in first.",
    403: "You may not do this.",
    404: "There is nothing here for you.",
    413: "The file is larger than a source of knowledge may be, or takes too much to read.",
    415: "This is none of the formats that knowledge is imported from.",
    409: "Answers that people wrote down stand under this title.",
    429: "So many files wait that no other is taken.",
    500: "Three attempts were cut off.",
}


def _refusals(*statuses: int) -> dict[Any, OpenApiResponse]:
    return {(status, "application/problem+json"): OpenApiResponse(_PROBLEM, _WHEN[status]) for status in statuses}


class Pages(LimitOffsetPagination):
    """The whole list, or a page of it when `limit` asks for one."""

    default_limit = None
    max_limit = 500


class Sources(APIView):
    """`/api/v1/sources/`: what bots can answer from."""

    permission_classes = [MayKeepSources]
    parser_classes = [MultiPartParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what is too large before anything of it is read."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        rows.check_size(int(length) if length.isdecimal() else 0, around=AROUND_THE_FILE)
        super().initial(request, *args, **kwargs)

    @extend_schema(
        operation_id="sources_list",
        summary="The sources",
        parameters=[
            OpenApiParameter("limit", int, description="at most so many, as a page; at most 500"),
            OpenApiParameter("offset", int, description="of a page: how many to pass over"),
        ],
        responses={200: _LIST, **_refusals(401, 403)},
    )
    def get(self, request: Request) -> Response:
        """All sources by title; with `limit` an object with `count`, `next`, `previous` and `results`."""
        sources = Source.objects.annotate(passage_count=Count("passages")).order_by("title")
        pages = Pages()
        page = pages.paginate_queryset(sources, request, view=self)
        if page is None:
            return Response(SourceSerializer(sources, many=True).data)
        return pages.get_paginated_response(SourceSerializer(page, many=True).data)

    @extend_schema(
        operation_id="sources_import",
        summary="Import a file",
        request={"multipart/form-data": UploadSerializer},
        responses={
            200: ImportedSerializer,
            201: ImportedSerializer,
            202: ImportSerializer,
            **_refusals(400, 401, 403, 409, 413, 415, 429, 500),
        },
    )
    def post(self, request: Request) -> Response:
        """The source of this title holds what the file holds: 201 if it is new, 200 if it was replaced.

        202 where that takes more than five seconds: `Location` tells how far it is, and the import goes on.
        """
        upload = UploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        given = upload.validated_data
        rows.check_size(given["file"].size)
        import_id = submissions.submit(
            given["file"].read(),
            name=given["file"].name,
            title=given["title"],
            url=given.get("url"),
            asked_by=request.user.pk,
            now=timezone.now(),
        )
        return _answer(submissions.until_ended(import_id, within_s=WAIT_S))


def _answer(asked: Import) -> Response:
    """What the import did, or where to ask how it is."""
    if asked.state == Import.State.FAILED:
        raise submissions.problem_of(asked)
    if asked.state == Import.State.DONE:
        return Response(ImportedSerializer(asked.result).data, status=201 if asked.result["is_new"] else 200)
    where = {"Location": f"/api/v1/imports/{asked.pk}"}
    return Response(ImportSerializer(asked).data, status=202, headers=where)


class OneImport(APIView):
    """`/api/v1/imports/{id}/`: how an import is."""

    permission_classes = [MaySeeImports]

    @extend_schema(
        operation_id="imports_retrieve",
        summary="How an import is",
        responses={200: ImportSerializer, **_refusals(401, 403, 404)},
    )
    def get(self, request: Request, import_id: int) -> Response:
        """An import of the last 30 days: one's own, or anybody's for who may see sources."""
        assert isinstance(request.user, User)
        return Response(ImportSerializer(submissions.look(import_id, request.user)).data)


class OneSource(APIView):
    """`/api/v1/sources/{id}/`: one of them."""

    permission_classes = [MayKeepSources]

    @extend_schema(
        operation_id="sources_delete", summary="Delete a source", responses={204: None, **_refusals(401, 403, 404)}
    )
    def delete(self, request: Request, source_id: int) -> Response:
        """The source is gone, with its passages; no bot answers from it any more."""
        deleted, _ = Source.objects.filter(pk=source_id).delete()
        if not deleted:
            raise NotFound
        return Response(status=204)
