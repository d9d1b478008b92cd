"""Whether we live, and whether we can work."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from besedka.problems import Unavailable
from besedka.web.problems import refuse


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """`/health/`: this process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """`/health/ready/`: the database answers too."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return refuse(Unavailable("The database does not answer."))
    return JsonResponse({"status": "ok", "database": "ok"})
