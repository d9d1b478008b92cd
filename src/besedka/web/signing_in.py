"""`/auth/login/` and `/auth/logout/`: people with an account come and go, also operators who are no staff."""

from typing import Any

from django.contrib.auth import forms, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from besedka.desk import duty
from besedka.web import pages


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The form; whoever fills it in rightly goes on to `next`, or to where they work."""
    form = forms.AuthenticationForm(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.get_user())
        return HttpResponseRedirect(_onward(request))
    onward = request.POST.get("next") or request.GET.get("next", "")
    name = str(request.POST.get("username", ""))[:150]
    failed = request.method == "POST"
    shown = pages.show(
        request, "web/login.html", status=403 if failed else 200, onward=onward, name=name, failed=failed
    )
    add_never_cache_headers(shown)
    return shown


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """The session is over; back to the form."""
    logout(request)
    return HttpResponseRedirect("/auth/login/")


def _onward(request: HttpRequest) -> str:
    """Where they wanted to go, if it is on our site; else the desk, the admin, or the home page."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    secure = request.is_secure()
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=secure):
        return wanted
    user: Any = request.user
    if duty.is_at_desk(user.pk):
        return "/desk/"
    return "/admin/" if user.is_staff else "/"
