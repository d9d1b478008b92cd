"""What Django's side answers is counted: by the pattern of the address, never by the address."""

import re
import threading
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from besedka.figures import counted
from besedka.web.problems import METHODS

ADMIN = "/admin"  # two hundred addresses that nobody wants told apart
_ANCHORS = re.compile(r"\^|\\Z|/\?\$|\$|\\")
_lock = threading.Lock()  # Django has several threads


def counted_answers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """The outermost middleware: it sees the status that goes out."""

    def answer(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = get_response(request)
        method = request.method if request.method in METHODS else counted.OTHER
        with _lock:
            counted.answered(_route(request), method, response.status_code, time.perf_counter() - began)
        return response

    return answer


def _route(request: HttpRequest) -> str:
    """`/api/bots/(?P<pk>[0-9]{1,18})` for `/api/bots/7/`; what has no pattern, as files, is all one."""
    match = request.resolver_match
    if match is None:
        return counted.OTHER
    route = "/" + _ANCHORS.sub("", match.route).rstrip("/")
    return ADMIN if route.startswith(ADMIN) else route
