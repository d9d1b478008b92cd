"""Requests to Django that met another one in the database are done again, unseen by whoever asked."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from besedka import collisions

READING = ("GET", "HEAD", "OPTIONS")


class Again:
    """The innermost middleware: the view itself, as often as it takes and is safe (see `collisions.again`)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Go on inward."""
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """The view's response; None where it can be asked only once, and is asked by Django."""
        if not _can_be_read_again(request):
            return None

        def answer() -> HttpResponseBase:
            for file in getattr(request, "_files", {}).values():
                file.seek(0)
            return view(request, *args, **kwargs)

        return collisions.again(answer)


def _can_be_read_again(request: HttpRequest) -> bool:
    """Whether the view can read the body twice; from now on, where it is of a usual size and no file."""
    if request.method in READING or hasattr(request, "_body") or hasattr(request, "_post"):
        return True
    length = request.META.get("CONTENT_LENGTH") or "0"
    if request.content_type == "multipart/form-data" or getattr(request, "_read_started", False):
        return False
    if not length.isdecimal() or int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return False
    return request.body is not None  # reads it
