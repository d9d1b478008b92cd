"""Contract §5, `/auth/register/`: an account of one's own, by JSON or in a form."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from besedka.accounts import registration
from besedka.accounts.guarding import PASSWORD_LENGTH
from besedka.accounts.rates import RateLimited
from besedka.accounts.registration import FIELDS, RegistrationClosed
from besedka.problems import Invalid
from besedka.web.signing_in import FORM, ForPeopleAndPrograms, answer_form, is_form


class NewAccount(serializers.Serializer[Any]):
    """An account as its owner wants it; whatever else is sent is passed over."""

    username = serializers.CharField(max_length=150)
    first_name = serializers.CharField(max_length=registration.FIRST_NAME_LENGTH)
    password = serializers.CharField(write_only=True, trim_whitespace=False, max_length=PASSWORD_LENGTH)


class Register(ForPeopleAndPrograms):
    """`/auth/register/`: an account, which can sign in everywhere at once."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponseBase:
        """The form."""
        return register_page(request._request)

    @extend_schema(
        request=NewAccount, responses={201: NewAccount}, operation_id="register", summary="Register: an account"
    )
    def post(self, request: Request) -> HttpResponseBase:
        """400 with `errors`, each with its `field`; 403 `registration_closed`; 429. A form leads to signing in."""
        http = request._request
        if is_form(http):
            return register_page(http)
        registration.ensure_open()
        registration.count(http)
        given = NewAccount(data=request.data)
        given.is_valid(raise_exception=True)
        user = registration.register(**given.validated_data)
        return Response(NewAccount(user).data, status=201, headers={"Cache-Control": "no-store"})


@sensitive_post_parameters("password")
@csrf_protect
def register_page(request: HttpRequest) -> HttpResponse:
    """The form; whoever fills it in rightly is asked to sign in."""
    said = {field: request.POST.get(field, "") for field in FIELDS}
    faults: dict[str, list[str]] = {}
    try:
        registration.ensure_open()
        if request.method == "POST":
            registration.count(request)
            registration.register(**said)
    except (Invalid, RegistrationClosed, RateLimited) as problem:
        for fault in problem.details.get("errors", ()):
            faults.setdefault(fault["field"], []).append(fault["reason"])
        closed = isinstance(problem, RegistrationClosed)
        shown = {"name": said["username"][:150], "first_name": said["first_name"][:150], "closed": closed}
        return answer_form(request, "web/register.html", problem, faults=faults, **shown)
    if request.method == "POST":
        messages.success(request, said["username"][:150])
        return HttpResponseRedirect(FORM)
    return answer_form(request, "web/register.html", None, faults=faults)
