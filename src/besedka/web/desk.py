"""`/desk/`: the page at which operators answer. What it shows comes over the desk's WebSocket."""

import hashlib
from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from besedka.desk import duty
from besedka.web import pages
from besedka.web.problems import PermissionDenied, read_only, refuse, wants_page

BUILT = Path(__file__).with_name("static") / "besedka"
PARTS = ("desk.js", "desk.css")


@read_only
@login_required
def desk(request: HttpRequest) -> HttpResponse:
    """The operators' page; 403 for an account that may not sit at the desk, 503 where it has not been built."""
    if request.user.pk is None or not duty.is_at_desk(request.user.pk):
        response = _turned_away(request)
    elif (version := built_version()) is None:
        response = refuse(pages.NotBuilt())
    else:
        response = pages.show(request, "web/desk.html", version=version)
    add_never_cache_headers(response)  # whoever signs in next on this machine is somebody else
    return response


def built_version() -> str | None:
    """Of the built page, from its content, so that a browser keeps no old half of it; None: it was not built."""
    try:
        content = b"".join((BUILT / part).read_bytes() for part in PARTS)
    except FileNotFoundError:
        return None
    return hashlib.sha256(content).hexdigest()[:12]


def _turned_away(request: HttpRequest) -> HttpResponse:
    if wants_page(request):
        response = pages.show(request, "web/desk_closed.html", status=403)
    else:
        response = refuse(PermissionDenied())
    patch_vary_headers(response, ["Accept"])
    return response
