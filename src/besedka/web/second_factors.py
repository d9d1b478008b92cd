"""`/auth/second-factor/`: people with an account switch their second factor on and off."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from besedka import sealed
from besedka.accounts import guarding, second_factor
from besedka.accounts.models import User
from besedka.accounts.rates import TooManyTries
from besedka.accounts.second_factor import SecondFactorWrong
from besedka.problems import Problem
from besedka.web.problems import form
from besedka.web.signing_in import answer_form

_OFFERED = "offered_second_factor"  # in the session: the sealed secret whose picture was shown


@form
@sensitive_variables("secret", "codes")
@sensitive_post_parameters("code", "password")
@login_required
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """What there is, a picture for the app, the list of codes. Every change needs a code, the first a password."""
    user = request.user
    assert isinstance(user, User)
    codes: list[str] = []
    problem: Problem | None = None
    done = ""
    if request.method == "POST":
        try:
            done, codes = _act(request, user)
        except (guarding.WrongPair, SecondFactorWrong, TooManyTries) as refused:
            problem = refused
    left = second_factor.left(user.pk)
    secret = _offered(request) if left is None else ""
    shown = {
        "is_on": left is not None,
        "left": left,
        "codes": codes,
        "done": done,
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "picture": second_factor.picture(user.username, secret) if secret else "",
    }
    return answer_form(request, "web/second_factor.html", problem, **shown)


def _act(request: HttpRequest, user: User) -> tuple[str, list[str]]:
    """What was done, and a new list of codes if there is one: a session left open is not enough for any of it.

    Raises `WrongPair`, `SecondFactorWrong`, `TooManyTries`.
    """
    act, code = request.POST.get("act", ""), request.POST.get("code", "")
    if act == "on":
        guarding.prove_password(request, user.username, request.POST.get("password", ""))
        codes = second_factor.switch_on(user.pk, _offered(request), code)
        request.session.pop(_OFFERED, None)
        return "on", codes
    guarding.prove_code(request, user, code)
    if act == "renew":
        return "renewed", second_factor.renew_list(user.pk)
    if act == "off":
        second_factor.switch_off(User.objects.filter(pk=user.pk))
        return "off", []
    return "", []


def _offered(request: HttpRequest) -> str:
    """The secret that this session is offered, the same until it is taken: the picture may be looked at again."""
    try:
        secret = sealed.unseal(request.session.get(_OFFERED, ""))
    except sealed.SealBroken:
        secret = ""
    if not secret:
        secret = second_factor.new_secret()
        request.session[_OFFERED] = sealed.seal(secret)
    return secret
