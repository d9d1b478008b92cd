"""Whether we live, and whether we can work."""

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache

from besedka.problems import Unavailable
from besedka.web.problems import read_only, refuse


@read_only
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """`/health/`: this process answers."""
    return JsonResponse({"status": "ok"})


@read_only
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """`/health/ready/`: the database answers too. How the other parts do is told, and makes nobody unready."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:  # not only DatabaseError: a broken connection is an InterfaceError
        return refuse(Unavailable("The database does not answer."))
    parts = {name: import_string(state)() for name, state in settings.HEALTH.items()}
    return JsonResponse({"status": "ok", "database": "ok", **parts})
