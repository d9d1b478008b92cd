"""What browsers are told to refuse on our own pages."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",  # voice in a chat
        "font-src 'self'",
        "connect-src 'self'",  # WebSockets of this origin too
        "object-src 'none'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
OTHERS = re.compile(r"/(admin|swagger|api)(/|$)")  # pages that others wrote, with scripts and styles of their own


def content_security(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: our pages run our scripts only, and stand in nobody's frame."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not OTHERS.match(request.path):
            response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        return response

    return answer
