"""`/swagger/` and `/api/schema/`: for everybody on one's own machine, for who has signed in on the open net."""

from typing import Any

from django.conf import settings
from django.http import HttpResponseRedirect
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission

from besedka.web.problems import wants_page


class MayReadDocumentation(BasePermission):
    """It tells where everything is: that is for people who work with it."""

    def has_permission(self, request: Any, view: Any) -> bool:
        """Whether this one may."""
        return settings.OPEN_DOCS or not settings.PUBLIC or bool(request.user and request.user.is_authenticated)


class Schema(SpectacularAPIView):
    """The description of the API in OpenAPI 3."""

    permission_classes = [MayReadDocumentation]


class Swagger(SpectacularSwaggerView):
    """The description of the API, to try it."""

    permission_classes = [MayReadDocumentation]

    def handle_exception(self, exc: Exception) -> Any:
        """A person is asked to sign in; a program is refused."""
        if isinstance(exc, NotAuthenticated) and wants_page(self.request._request):
            return HttpResponseRedirect(f"{settings.LOGIN_URL}?next=/swagger/")
        return super().handle_exception(exc)
