"""Which of a list, and how much of it: by named fields only, whole until a page is asked for."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.pagination import BasePagination, LimitOffsetPagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

MAX_PAGE = 500
LARGEST = 2**31 - 1
DEEPEST = 100_000  # rows that are passed over for a page: what is further down is found by narrowing the list
_PAGING = ("page", "page_size", "limit", "offset")
_NOT_OURS = ("format",)  # the browsable pages' own

Reading = Callable[[str], Any]


def number(written: str) -> int:
    """A whole number from 0 on."""
    if not (written.isascii() and written.isdigit() and len(written) <= 18):
        raise ValueError("This is a whole number.")
    return int(written)


def yes_or_no(written: str) -> bool:
    """`true` or `false`, in the spellings that programs use."""
    if written.lower() not in ("true", "false", "1", "0"):
        raise ValueError("This is true or false.")
    return written.lower() in ("true", "1")


def text(written: str) -> str:
    """Anything that a database can hold."""
    if "\0" in written:
        raise ValueError("This contains a NUL character.")
    return written


def one_of(*choices: str) -> Reading:
    """One of these."""

    def read(written: str) -> str:
        if written not in choices:
            raise ValueError(f"This is one of {', '.join(choices)}.")
        return written

    return read


class ByNamedFields(BaseFilterBackend):
    """A view's `narrowed_by` says which parameters there are; others are refused. An empty one does not count."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """What is left of the list. Raises `ValidationError`."""
        if view.action != "list":
            return queryset
        allowed: Mapping[str, tuple[str, Reading]] = view.narrowed_by
        wanted: dict[str, Any] = {}
        for name in request.query_params:
            written = str(request.query_params[name])
            if name in allowed:
                field, read = allowed[name]
                if written:
                    wanted[field] = _read(name, written, read)
            elif name not in _PAGING and name not in _NOT_OURS:
                raise ValidationError({name[:100]: ["The list cannot be narrowed by this."]})
        return queryset.filter(**wanted)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """The same, for the API's description."""
        return [
            {"name": name, "in": "query", "required": False, "schema": _SCHEMAS.get(read, {"type": "string"})}
            for name, (_, read) in view.narrowed_by.items()
        ]


class WhenAskedFor(BasePagination):
    """The whole list, or a page of it when `page`, `page_size`, `limit` or `offset` asks for one."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """The page; None when none was asked for. Raises `ValidationError`, and `NotFound` beyond the last one."""
        asked = {name for name in _PAGING if request.query_params.get(name)}
        for name in asked:
            if _read(name, request.query_params[name], number) > LARGEST:
                raise ValidationError({name: ["This is too large."]})
        if not asked:
            return None
        self._pages = _ByOffset() if asked & {"limit", "offset"} else _ByNumber()
        return self._pages.paginate_queryset(queryset, request, view)

    def get_paginated_response(self, data: Any) -> Response:
        """The page with its place in the whole."""
        return self._pages.get_paginated_response(data)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Both forms."""
        return {"oneOf": [schema, _ByNumber().get_paginated_response_schema(schema)]}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """The parameters that ask for a page."""
        sizes = {"type": "integer", "minimum": 1, "maximum": LARGEST}
        return [
            {
                "name": name,
                "in": "query",
                "required": False,
                "schema": sizes if name != "offset" else {**sizes, "minimum": 0},
                "description": described,
            }
            for name, described in _DESCRIBED.items()
        ]


class _ByNumber(PageNumberPagination):
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE

    def get_page_number(self, request: Request, paginator: Any) -> int | str:
        """As asked for. Raises `ValidationError` where that is too far down."""
        asked = super().get_page_number(request, paginator)
        if str(asked).isdecimal() and (int(asked) - 1) * paginator.per_page > DEEPEST:
            raise ValidationError({"page": [_TOO_FAR]})
        return asked


class _ByOffset(LimitOffsetPagination):
    default_limit = 100
    max_limit = MAX_PAGE

    def get_offset(self, request: Request) -> int:
        """As asked for. Raises `ValidationError` where that is too far down."""
        asked = super().get_offset(request)
        if asked > DEEPEST:
            raise ValidationError({"offset": [_TOO_FAR]})
        return asked


_TOO_FAR = f"More than {DEEPEST} entries cannot be passed over; narrow the list instead."

_DESCRIBED = {
    "page": "a page of the list, from 1 on",
    "page_size": f"of a page; more than {MAX_PAGE} count as so many",
    "limit": f"at most so many; more than {MAX_PAGE} count as so many",
    "offset": "how many to pass over",
}
_SCHEMAS: dict[Reading, dict[str, Any]] = {
    number: {"type": "integer", "minimum": 0},
    yes_or_no: {"type": "boolean"},
}


def _read(name: str, written: str, read: Reading) -> Any:
    try:
        return read(written)
    except ValueError as error:
        raise ValidationError({name: [str(error)]}) from None
