"""How Django's side refuses: problem details for API clients (RFC 9457), pages for browsers."""

import functools
import json
import logging
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from rest_framework import exceptions
from rest_framework.response import Response

from besedka.problems import BodyTooLarge, Invalid, MethodNotAllowed, NotFound, Problem

logger = logging.getLogger(__name__)

READING = ("GET", "HEAD")

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


class InternalError(Problem):
    """Something went wrong here; it is in our log."""

    code = "internal_error"
    status = 500


def render_drf(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: our problems and its own exceptions as problem details; None for a bug."""
    error = getattr(error, "problem", error)  # one of ours on its way through an authentication
    if isinstance(error, RequestDataTooBig):
        error = BodyTooLarge(limit_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    if isinstance(error, Problem):
        body, headers = error.as_json(secrets.token_hex(8)), error.headers()
    elif isinstance(error, exceptions.APIException):
        body, headers = _from_drf(error), _headers_of(error)
    else:
        return None
    headers["X-Request-ID"] = body["request_id"]
    # A browser is shown the same object inside a page, which must not be called JSON.
    renderer = getattr(context.get("request"), "accepted_renderer", None)
    content_type = None if getattr(renderer, "media_type", "") == "text/html" else "application/problem+json"
    return Response(body, status=body["status"], headers=headers, content_type=content_type)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's answer to a request that it cannot read."""
    return _refuse(request, Invalid(), ru="Этот запрос не прочесть", en="This request cannot be read")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's answer to somebody who may not."""
    return _refuse(request, PermissionDenied(), ru="Сюда вам нельзя", en="You may not do this")


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's answer to a form that may have come from another site, or is older than the last sign-in."""
    ru = "Форма устарела: вернитесь назад и обновите страницу"
    return _refuse(request, PermissionDenied(), ru=ru, en="This form is out of date: go back and reload the page")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's answer where there is nothing."""
    return _refuse(request, NotFound(), ru="Здесь ничего нет", en="There is nothing here")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's answer after a bug; what it was stands in the log only."""
    return _refuse(request, InternalError(), ru="Что-то сломалось у нас", en="Something went wrong here")


def read_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view that only shows: GET and HEAD; whatever else comes is told so, whether it has a CSRF token or not."""

    @csrf_exempt
    @functools.wraps(view)
    def answer(request: HttpRequest, **found: str) -> HttpResponseBase:
        if request.method not in READING:
            return refuse(MethodNotAllowed(allowed=READING))
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
    """Problem details from a plain view."""
    request_id = secrets.token_hex(8)
    return HttpResponse(
        json.dumps(problem.as_json(request_id), ensure_ascii=False),
        status=problem.status,
        content_type="application/problem+json",
        headers={**problem.headers(), "X-Request-ID": request_id},
    )


def wants_page(request: HttpRequest) -> bool:
    """Whether a person with a browser asks."""
    return "text/html" in request.headers.get("Accept", "")


def _refuse(request: HttpRequest, problem: Problem, *, ru: str, en: str) -> HttpResponse:
    if not wants_page(request):
        response = refuse(problem)
    else:
        request_id = secrets.token_hex(8)
        logger.info("problem %s, request %s", problem.code, request_id)
        title = ru if translation.get_language() == "ru" else en
        context = {"status": problem.status, "title": title, "request_id": request_id}
        response = render(request, "web/problem.html", context, status=problem.status)
        response.headers["X-Request-ID"] = request_id
    patch_vary_headers(response, ["Accept"])
    return response


def _from_drf(error: exceptions.APIException) -> dict[str, Any]:
    title = str(getattr(error, "default_detail", "")) or type(error).__name__
    body: dict[str, Any] = {
        "type": f"urn:besedka:problem:{_CODES.get(error.status_code, 'invalid')}",
        "title": title,
        "status": error.status_code,
        "code": _CODES.get(error.status_code, "invalid"),
        "request_id": secrets.token_hex(8),
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
