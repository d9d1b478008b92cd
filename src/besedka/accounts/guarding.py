"""The one way in for a name and a password: forms, JSON, Basic, tokens and the admin all come through here.

Guessing is slow. Axes counts wrong tries in the database, under a name from an address, so that all processes
count together and nobody locks the owner out from elsewhere; and all names tried from one address count together.
Right or wrong, known or unknown: the answer is the same, and a password is hashed once for each.
"""

import logging
from datetime import datetime, timedelta

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils import timezone

from besedka.accounts import names, networks, second_factor
from besedka.accounts.models import User
from besedka.accounts.rates import TooManyTries
from besedka.problems import Problem

logger = logging.getLogger(__name__)

ADDRESS_TRIES = 50  # wrong ones from one address under all names, within axes' cool-off
PASSWORD_LENGTH = 1_000  # characters; whoever sends more is not hashed for
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="api"'}  # Basic here would make browsers ask by themselves


class WrongPair(Problem):
    """This name and password do not fit."""

    code = "not_authenticated"
    status = 401

    def headers(self) -> dict[str, str]:
        """RFC 9110 §11.6.1 asks for a challenge."""
        return CHALLENGE


def sign_in(request: HttpRequest, username: str, password: str, *, code: str | None = None) -> User:
    """Whose name and password these are, with the code of their second factor where they have one.

    Raises `WrongPair`, `SecondFactorNeeded`, `SecondFactorWrong`, `TooManyTries`.
    """
    user = prove_password(request, username, password)
    if second_factor.is_on(user.pk):
        if code is None:
            raise second_factor.SecondFactorNeeded
        prove_code(request, user, code)
    else:
        forget_tries(request, user)
    return user


def prove_password(request: HttpRequest, username: str, password: str) -> User:
    """Whose name and password these are; the first half for those who have a second factor.

    Raises `WrongPair`, the same for every reason, and `TooManyTries`, for a right password too.
    """
    name = _known_as(username)
    ensure_allowed(request, name)
    shown = _shown(request)
    if "\0" in username or "\0" in password or len(password) > PASSWORD_LENGTH:
        _count(shown, name)
        raise WrongPair
    user = authenticate(shown, username=name, password=password)
    if not isinstance(user, User):
        raise WrongPair
    return user


def prove_code(request: HttpRequest, user: User, code: str) -> None:
    """The second half: the code is the account's, and spent. Wrong ones count as wrong passwords do.

    Raises `SecondFactorWrong`, `TooManyTries`.
    """
    ensure_allowed(request, user.username)
    try:
        second_factor.prove(user.pk, code[:100])
    except second_factor.SecondFactorWrong:
        _count(_shown(request), user.username)
        raise
    forget_tries(request, user)


def ensure_allowed(request: HttpRequest, username: str, *, now: datetime | None = None) -> None:
    """This address may try this name. Raises `TooManyTries` with the seconds until it may."""
    if not settings.AXES_ENABLED:
        return
    now = now or timezone.now()
    pause: timedelta = settings.AXES_COOLOFF_TIME
    tries = (
        AccessAttempt.objects.filter(ip_address=networks.axes_address(request), attempt_time__gt=now - pause)
        .order_by("attempt_time")
        .values_list("username", "failures_since_start", "attempt_time")
    )
    all_tries = list(tries)
    own = [one for one in all_tries if one[0] == username]
    until = max(_over(own, settings.AXES_FAILURE_LIMIT, now), _over(all_tries, ADDRESS_TRIES, now))
    if until > now - pause:
        wait = int((until + pause - now).total_seconds()) + 1
        logger.info("sign-in from %s is shut for %d s", networks.network_of_request(request), wait)
        raise TooManyTries(retry_after=wait)


def forget_tries(request: HttpRequest, user: User) -> None:
    """Whoever got in has their tries from this address back."""
    if settings.AXES_ENABLED:
        AxesProxyHandler.reset_attempts(ip_address=networks.axes_address(request), username=user.username)


def _over(tries: list[tuple[str | None, int, datetime]], limit: int, now: datetime) -> datetime:
    """When the try was that has to be forgotten until fewer than `limit` are left; long ago if fewer are."""
    left, at = sum(count for _, count, _ in tries), datetime.min.replace(tzinfo=now.tzinfo)
    for _, count, tried_at in tries:  # the oldest first
        if left < limit:
            break
        left, at = left - count, tried_at
    return at


def _shown(request: HttpRequest) -> HttpRequest:
    """What axes is shown, and keeps, of a request: where it came from. No header, no query, nothing typed."""
    shown = HttpRequest()
    shown.META = {"REMOTE_ADDR": networks.axes_address(request)}
    return shown


def _count(shown: HttpRequest, username: str) -> None:
    user_login_failed.send(sender=__name__, credentials={"username": username}, request=shown)


def _known_as(username: str) -> str:
    """The name as it is looked for and counted: no longer than one can be, and such that databases take it."""
    return names.written(username.replace("\0", ""))[: names.LENGTH + 1]
