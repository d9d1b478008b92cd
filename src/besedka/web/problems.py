"""How Django's side refuses: problem details for API clients (RFC 9457), pages for browsers."""

import functools
import json
import sys
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from rest_framework import exceptions
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response

from besedka.problems import (
    BodyTooLarge,
    Invalid,
    MethodNotAllowed,
    NotFound,
    Problem,
    Unavailable,
    begin_request,
    end_request,
    request_id,
)
from besedka.web import languages, refusals, security

READING = ("GET", "HEAD")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PROBLEM = "application/problem+json"
LONGEST_ACCEPT = 1_000  # characters of `Accept` that are looked at

_CODES = {
    400: "invalid",
    401: "not_authenticated",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    415: "unsupported_media_type",
    429: "rate_limited",
}


class PermissionDenied(Problem):
    """You may not do this."""

    code = "permission_denied"
    status = 403


class CsrfFailed(Problem):
    """This form was opened too long ago, or on another site's page; open it anew."""

    code = "csrf_failed"
    status = 403


class InternalError(Problem):
    """Something went wrong here; it is in our log."""

    code = "internal_error"
    status = 500


def plain_refusals(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Around the other middlewares: every answer has its request's id, every refusal the form its reader reads."""

    def answer(request: HttpRequest) -> HttpResponse:
        begun = None if request_id() else begin_request()  # the door has begun it, where we stand behind it
        try:
            known = request.method in METHODS
            response = get_response(request) if known else refuse(MethodNotAllowed(allowed=METHODS))
            if response.status_code >= 400:
                response = _readable(request, response)
            response.headers["X-Request-ID"] = request_id()
            return response
        finally:
            if begun is not None:
                end_request(begun)

    return answer


def render_drf(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: our problems and its own exceptions as problem details; None for a bug."""
    error = getattr(error, "problem", error)  # one of ours on its way through an authentication
    if isinstance(error, RequestDataTooBig):
        error = BodyTooLarge(limit_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    if isinstance(error, Problem):
        body, headers = error.as_json(request_id()), error.headers()
    elif isinstance(error, exceptions.APIException):
        body, headers = _from_drf(error), _headers_of(error)
    else:
        return None
    # A browser is shown the same object inside a page of the API, which must not be called JSON. Whatever else an
    # address answers in (YAML, a template of its own), it refuses in JSON.
    request = context.get("request")
    in_page = isinstance(getattr(request, "accepted_renderer", None), BrowsableAPIRenderer)
    if request is not None and not in_page:
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    return Response(body, status=body["status"], headers=headers, content_type=None if in_page else PROBLEM)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's answer to a request that it cannot read."""
    if isinstance(exception, RequestDataTooBig):
        return refuse(BodyTooLarge(limit_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
    return refuse(Invalid())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's answer to somebody who may not."""
    return refuse(PermissionDenied())


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's answer to a form without the token that our pages give it."""
    return refuse(CsrfFailed())


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's answer where there is nothing."""
    return refuse(NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's answer after a bug, which stands in the log only, and while the database or a store is away."""
    if isinstance(problem := sys.exception(), Unavailable):
        return refuse(problem)
    away = isinstance(sys.exception(), OperationalError | InterfaceError)
    return refuse(Unavailable("The database does not answer.") if away else InternalError())


def read_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view that only shows: GET and HEAD; whatever else comes is told so, whether it has a CSRF token or not."""

    @csrf_exempt
    @functools.wraps(view)
    def answer(request: HttpRequest, **found: str) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join((*READING, "OPTIONS"))})
        if request.method not in READING:
            return refuse(MethodNotAllowed(allowed=(*READING, "OPTIONS")))
        return view(request, **found)

    return answer


def form(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that shows a form and takes it back, with the token that proves whose form it was."""
    guarded = csrf_protect(view)

    @csrf_exempt
    @functools.wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method not in (*READING, "POST"):
            return refuse(MethodNotAllowed(allowed=(*READING, "POST")))
        return guarded(request)

    return answer


def refuse(problem: Problem) -> HttpResponse:
    """Problem details from a plain view; on its way out it becomes a page, where a person asks."""
    return HttpResponse(
        json.dumps(problem.as_json(request_id()), ensure_ascii=False),
        status=problem.status,
        content_type=PROBLEM,
        headers=problem.headers(),
    )


def wants_page(request: HttpRequest) -> bool:
    """Whether a person with a browser asks: HTML is named, and JSON is not liked better."""
    likes: dict[str, float] = {}
    for kind in request.headers.get("Accept", "")[:LONGEST_ACCEPT].lower().split(","):
        name, *parameters = (part.strip() for part in kind.split(";"))
        likes[name] = max(likes.get(name, 0.0), _quality(parameters))
    page = max(likes.get("text/html", 0.0), likes.get("application/xhtml+xml", 0.0))
    return page > 0 and page >= max(likes.get("application/json", 0.0), likes.get(PROBLEM, 0.0))


def _quality(parameters: list[str]) -> float:
    """What stands behind `q=` (RFC 9110 §12.4.2); what cannot be read counts as nothing said."""
    for parameter in parameters:
        if parameter.startswith("q="):
            digits = parameter[2:7]
            return float(digits) if digits.replace(".", "", 1).isdecimal() and digits.isascii() else 1.0
    return 1.0


def _readable(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The refusal as problem details or as a page; what a view has put into words itself stays as it is."""
    if response.streaming:
        return response
    if not response.content:
        response = _in_words(response)
    if response.headers.get("Content-Type") == PROBLEM and wants_page(request):
        response = _page(request, response)
    patch_vary_headers(response, ["Accept"])
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _in_words(response: HttpResponse) -> HttpResponse:
    """An empty refusal of Django's own says what it is."""
    kinds: dict[int, type[Problem]] = {403: PermissionDenied, 404: NotFound, 405: MethodNotAllowed}
    kind = kinds.get(response.status_code, InternalError if response.status_code >= 500 else Invalid)
    allowed = [method for method in response.headers.get("Allow", "").split(", ") if method]
    told = refuse(kind(allowed=allowed) if kind is MethodNotAllowed else kind())
    return _with_headers_of(response, told)


def _page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """These problem details on a page, in the reader's language. Asks no database: it may be what is away."""
    problem = json.loads(response.content)
    language = languages.of_page(request)
    status = response.status_code
    title, sentence = refusals.words(problem.get("code", ""), status, language)
    context = {"language": language, "status": status, "title": title, "sentence": sentence}
    page = render(request, f"web/problem.{language}.html", {**context, "request_id": request_id()}, status=status)
    page.headers["Content-Language"] = language
    page.headers["Content-Security-Policy"] = security.POLICY  # also where pages of others have none
    patch_vary_headers(page, ["Accept-Language", "Cookie"])
    return _with_headers_of(response, page)


def _with_headers_of(response: HttpResponse, other: HttpResponse) -> HttpResponse:
    for name, value in response.headers.items():
        other.headers.setdefault(name, value)
    other.headers["Content-Length"] = str(len(other.content))
    other.cookies.update(response.cookies)
    return other


def _from_drf(error: exceptions.APIException) -> dict[str, Any]:
    title = str(getattr(error, "default_detail", "")) or type(error).__name__
    body: dict[str, Any] = {
        "type": f"urn:besedka:problem:{_CODES.get(error.status_code, 'invalid')}",
        "title": title,
        "status": error.status_code,
        "code": _CODES.get(error.status_code, "invalid"),
        "request_id": request_id(),
    }
    if isinstance(error, exceptions.ValidationError):
        return {**body, "detail": title, "errors": list(_faults(error.detail, ""))}
    return {**body, "detail": str(error.detail)}


def _faults(detail: Any, path: str) -> Any:
    """Each fault of a validation error with the path of its field."""
    if isinstance(detail, dict):
        for field, inner in detail.items():
            yield from _faults(inner, f"{path}.{field}" if path else str(field))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _faults(inner, path)
    else:
        yield {"field": path, "reason": str(detail)}


def _headers_of(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return headers
