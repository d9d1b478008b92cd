"""`/auth/login/` and `/auth/logout/`: people with an account come and go, also operators who are no staff.

Browsers send forms with a CSRF token; programs send JSON and get a session too. A page of another site can send
neither: a form lacks the token, and JSON needs a preflight that we do not answer, an own origin beside.
"""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from besedka.accounts import guarding, second_factor, tokens
from besedka.accounts.api import TOKEN_LENGTH, Credentials
from besedka.accounts.models import User
from besedka.accounts.rates import TooManyTries
from besedka.accounts.second_factor import SecondFactorWrong
from besedka.desk import duty
from besedka.problems import Problem
from besedka.web import pages
from besedka.web.problems import form, read_only

FORM = "/auth/login/"
CODE_FORM = "/auth/login/code/"
CODE_S = 300  # seconds between the password and the code
_HALFWAY = "halfway"  # in the session: whose password was right, when, and where they want to go
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class CrossSite(Problem):
    """Pages of other sites sign nobody in or out here."""

    code = "cross_site"
    status = 403


class SignedIn(serializers.Serializer[Any]):
    """Who has a session now; its cookie came along."""

    username = serializers.CharField(read_only=True)
    first_name = serializers.CharField(read_only=True)


class Goodbye(serializers.Serializer[Any]):
    """What ends beside the session."""

    refresh = serializers.CharField(write_only=True, required=False, max_length=TOKEN_LENGTH)


class ForPeopleAndPrograms(APIView):
    """An address that takes forms from browsers and JSON from programs."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def perform_authentication(self, request: Request) -> None:
        """The session stays as it is: DRF would put nobody in the place of who is signed in."""


class SignIn(ForPeopleAndPrograms):
    """`/auth/login/`: name and password for a session."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponseBase:
        """The form."""
        return sign_in_page(request._request)

    @extend_schema(
        request=Credentials, responses={200: SignedIn}, operation_id="sign_in", summary="Sign in: a session"
    )
    def post(self, request: Request) -> HttpResponseBase:
        """401 `not_authenticated`, `second_factor_needed` or `second_factor_wrong`; 429 after too many tries."""
        http = request._request
        if is_form(http):
            return sign_in_page(http)
        ensure_same_site(http)
        given = Credentials(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        user = guarding.sign_in(http, said["username"], said["password"], code=said.get("otp"))
        login(http, user, backend=_BACKEND)
        return Response(SignedIn(user).data, headers={"Cache-Control": "no-store"})


class SignOut(ForPeopleAndPrograms):
    """`/auth/logout/`: the session is over."""

    @extend_schema(
        request=Goodbye, responses={204: None}, operation_id="sign_out", summary="Sign out: the session ends"
    )
    def post(self, request: Request) -> HttpResponseBase:
        """With `refresh` that pair of tokens ends too. A form leads back to the form for signing in."""
        http = request._request
        if is_form(http):
            return _sign_out_by_form(http)
        ensure_same_site(http)
        given = Goodbye(data=request.data)
        given.is_valid(raise_exception=True)
        if refresh := given.validated_data.get("refresh"):
            tokens.end(refresh)
        logout(http)
        return Response(status=204)


@sensitive_post_parameters("password")
@csrf_protect
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """The form; whoever fills it in rightly goes on to the code, to `next`, or to where they work."""
    if request.method != "POST":
        return _form(request)
    name, password = request.POST.get("username", ""), request.POST.get("password", "")
    try:
        user = guarding.prove_password(request, name, password)
    except (guarding.WrongPair, TooManyTries) as problem:
        return _form(request, problem)
    if second_factor.is_on(user.pk):
        at = timezone.now().timestamp()
        request.session[_HALFWAY] = [user.pk, user.get_session_auth_hash(), at, _asked(request)]
        return HttpResponseRedirect(CODE_FORM)
    guarding.forget_tries(request, user)
    login(request, user, backend=_BACKEND)
    return HttpResponseRedirect(_onward(request, _asked(request)))


@form
@sensitive_post_parameters("code")
def code_page(request: HttpRequest) -> HttpResponse:
    """The second form, for who has a second factor; without a right password just before it leads to the first."""
    user, onward = _halfway(request)
    if user is None:
        return HttpResponseRedirect(FORM)
    problem: Problem | None = None
    if request.method == "POST":
        try:
            guarding.prove_code(request, user, request.POST.get("code", ""))
        except (SecondFactorWrong, TooManyTries) as refused:
            problem = refused
        else:
            del request.session[_HALFWAY]
            login(request, user, backend=_BACKEND)
            return HttpResponseRedirect(_onward(request, onward))
    return answer_form(request, "web/code.html", problem)


@read_only
def to_the_form(request: HttpRequest) -> HttpResponse:
    """The admin's own form is not shown: it knows no second factor."""
    query = urlencode({"next": request.GET.get("next", "/admin/")})
    return HttpResponseRedirect(f"{FORM}?{query}")


def admin_sign_in(request: HttpRequest) -> HttpResponseBase:
    """`/admin/login/`: leads to our form, and takes what it sends."""
    if request.method == "POST":
        return sign_in_page(request)
    return to_the_form(request)


def is_form(request: HttpRequest) -> bool:
    """Whether a browser sends a form."""
    return request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data")


def ensure_same_site(request: HttpRequest) -> None:
    """No page of another site sends this. Raises `CrossSite`.

    Programs say nothing about where they are; browsers do, and no page can keep them from it.
    """
    said = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    ours = (
        origin is None
        or origin in settings.CSRF_TRUSTED_ORIGINS
        or origin.partition("://")[2] == request.get_host()
    )
    if said not in ("same-origin", "none") or not ours:
        raise CrossSite


def answer_form(request: HttpRequest, template: str, problem: Problem | None, **context: object) -> HttpResponse:
    """A form, again if need be, with what was wrong; no cache keeps it."""
    status = 200 if problem is None else 403 if problem.status == 401 else problem.status  # 401 asks for a header
    wait_s = 0 if problem is None else int(problem.details.get("retry_after", 0))
    shown = pages.show(
        request, template, status=status, failed=problem is not None, wait_min=-(-wait_s // 60), **context
    )
    if wait_s:
        shown.headers["Retry-After"] = str(wait_s)
    add_never_cache_headers(shown)
    return shown


@csrf_protect
def _sign_out_by_form(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponseRedirect(FORM)


def _form(request: HttpRequest, problem: Problem | None = None) -> HttpResponse:
    name = request.POST.get("username", "")[:150]
    return answer_form(
        request, "web/login.html", problem, onward=_asked(request), name=name, registration=settings.REGISTRATION
    )


def _asked(request: HttpRequest) -> str:
    """The page that they wanted."""
    standard = "/admin/" if request.path.startswith("/admin/") else ""
    return (request.POST.get("next") or request.GET.get("next") or standard)[:2_000]


def _halfway(request: HttpRequest) -> tuple[User | None, str]:
    """Whose password was right a moment ago, and where they want to go."""
    kept = request.session.get(_HALFWAY)
    if kept is None:
        return None, ""
    user_id, fingerprint, at, onward = kept
    user = User.objects.filter(pk=user_id, is_active=True).first()
    late = not 0 <= timezone.now().timestamp() - at <= CODE_S
    if user is None or late or user.get_session_auth_hash() != fingerprint:
        del request.session[_HALFWAY]
        return None, ""
    return user, onward


def _onward(request: HttpRequest, wanted: str) -> str:
    """Where they wanted to go, if it is on our site; else the desk, the admin, or the home page."""
    secure = request.is_secure()
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=secure):
        return wanted
    user: Any = request.user
    if duty.is_at_desk(user.pk):
        return "/desk/"
    return "/admin/" if user.is_staff else "/"
