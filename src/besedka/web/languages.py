"""Which language a page speaks."""

from django.http import HttpRequest
from django.utils import translation

LANGUAGES = ("ru", "en")


def chosen(request: HttpRequest) -> str:
    """The language that `?lang=` asks for; "" where it asks for none of ours."""
    asked = request.GET.get("lang", "")
    return asked if asked in LANGUAGES else ""


def of_page(request: HttpRequest) -> str:
    """What was asked for now, was asked for before, or is the browser's own."""
    language = chosen(request) or request.COOKIES.get("lang", translation.get_language() or "ru")
    return language if language in LANGUAGES else "en"
