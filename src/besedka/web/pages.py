"""The pages: what Besedka is, a demo shop, the widget's loader."""

import hashlib
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers

from besedka.conversations import inboxes
from besedka.problems import Problem
from besedka.web import goods, languages
from besedka.web.problems import read_only, refuse, wants_page

LOADER = Path(__file__).with_name("static") / "besedka" / "widget.js"


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


_ADDRESSES = {
    "apis": "/api/",
    "api": "/api/v1/",
    "bots": "/api/root/",
    "schema": "/api/schema/",
    "documentation": "/swagger/",
    "demo": "/demo/",
    "ads": "/ads/",
    "desk": "/desk/",
    "register": "/auth/register/",
    "sign_in": "/auth/login/",
    "token": "/token/",
    "message": "/message/",
    "admin": "/admin/",
    "health": "/health/",
}


def show(request: HttpRequest, template: str, *, status: int = 200, **context: object) -> HttpResponse:
    """A page in the language that was asked for, which the browser remembers."""
    language = languages.of_page(request)
    page = f"{template.removesuffix('.html')}.{language}.html"
    shown = {"lang": language, "language": language, **context}
    if "inbox_key" not in shown:
        shown["inbox_key"] = inboxes.default_key()
    response = render(request, page, shown, status=status)
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    response.headers["Content-Language"] = language
    if asked := languages.chosen(request):
        response.set_cookie("lang", asked, max_age=31_536_000, samesite="Lax", httponly=True)
    return response
