"""The pages: what Besedka is, a demo shop, the widget's loader, the API's root."""

import hashlib
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_vary_headers
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from besedka.conversations import inboxes
from besedka.problems import Problem
from besedka.web import goods
from besedka.web.problems import read_only, refuse, wants_page

LOADER = Path(__file__).with_name("static") / "besedka" / "widget.js"
LANGUAGES = ("ru", "en")


class NotBuilt(Problem):
    """The widget and the desk have not been built on this server: run `make run`, or `sh frontend/build.sh`."""

    code = "not_built"
    status = 503


@read_only
def home(request: HttpRequest) -> HttpResponse:
    """`/`: a page for people, a list of addresses for programs."""
    if not wants_page(request):
        addresses = {name: request.build_absolute_uri(path) for name, path in _ADDRESSES.items()}
        response: HttpResponse = JsonResponse(addresses)
    else:
        response = show(request, "web/home.html", origin=request.build_absolute_uri("/").rstrip("/"))
    patch_vary_headers(response, ["Accept"])
    return response


@read_only
def demo(request: HttpRequest) -> HttpResponse:
    """`/demo/`: a shop that has the chat on its page."""
    return show(request, "web/demo.html", goods=goods.GOODS)


@read_only
def widget(request: HttpRequest) -> HttpResponseBase:
    """`/widget.js`: the loader, for pages of any site."""
    try:
        loader = LOADER.read_bytes()
    except FileNotFoundError:
        return refuse(NotBuilt())
    etag = f'"{hashlib.sha256(loader).hexdigest()[:16]}"'  # of the content: several servers name it alike
    whole = HttpResponse(loader, content_type="text/javascript; charset=utf-8", headers={"ETag": etag})
    whole.headers["Cache-Control"] = "public, max-age=300"
    response = get_conditional_response(request, etag=etag, response=whole) or whole
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


class ApiRoot(APIView):
    """What can be asked here. Visitors' calls carry the header `chat-token`."""

    permission_classes = [AllowAny]

    @extend_schema(responses={200: dict[str, str]}, operation_id="api_root", summary="What can be asked")
    def get(self, request: Request) -> Response:
        """The addresses below this one, and the description of all of them."""
        return Response({name: request.build_absolute_uri(path) for name, path in _API.items()})


class BuilderRoot(APIView):
    """The bot builder: bots, scenarios, steps and executions. Sign in with Basic, a session or a token."""

    permission_classes = [AllowAny]

    @extend_schema(responses={200: dict[str, str]}, operation_id="builder_root", summary="What bots are made of")
    def get(self, request: Request) -> Response:
        """The addresses of the bot builder, and the description of all of them."""
        return Response({name: request.build_absolute_uri(path) for name, path in _BUILDER.items()})


_BUILDER = {
    "bots": "/api/bots/",
    "scenarios": "/api/scenarios/",
    "steps": "/api/steps/",
    "executions": "/api/executions/",
    "token": "/api/token/",
    "schema": "/api/schema/",
    "documentation": "/swagger/",
}
_API = {
    "gpt": "/api/v1/gpt",
    "message": "/api/v1/message",
    "conversation": "/api/v1/conversation",
    "messages": "/api/v1/conversation/messages",
    "stream": "/api/v1/conversation/stream",
    "handoff": "/api/v1/conversation/handoff",
    "widget": "/api/v1/widget",
    "sources": "/api/v1/sources",
    "ads": "/api/v1/ads",
    "schema": "/api/schema/",
}
_ADDRESSES = {
    "api": "/api/v1/",
    "bots": "/api/root/",
    "schema": "/api/schema/",
    "documentation": "/swagger/",
    "demo": "/demo/",
    "ads": "/ads/",
    "desk": "/desk/",
    "admin": "/admin/",
    "health": "/health/",
}


def language_of(request: HttpRequest) -> str:
    """The language in which this person reads: as asked for now, as chosen before, as the browser says."""
    asked = request.GET.get("lang", "")
    language = asked if asked in LANGUAGES else request.COOKIES.get("lang", translation.get_language() or "ru")
    return language if language in LANGUAGES else "en"


def show(request: HttpRequest, template: str, *, status: int = 200, **context: object) -> HttpResponse:
    """A page in the language that was asked for, which the browser remembers."""
    asked, language = request.GET.get("lang", ""), language_of(request)
    page = f"{template.removesuffix('.html')}.{language}.html"
    shown = {"inbox_key": inboxes.default_key(), "lang": language, "language": language, **context}
    response = render(request, page, shown, status=status)
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    response.headers["Content-Language"] = language
    if asked in LANGUAGES:
        response.set_cookie("lang", asked, max_age=31_536_000, samesite="Lax", httponly=True)
    return response
