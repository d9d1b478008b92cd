"""Making an account of one's own."""

import logging
import unicodedata
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext

from besedka.accounts import names, networks
from besedka.accounts.guarding import PASSWORD_LENGTH
from besedka.accounts.models import User
from besedka.accounts.rates import Rate
from besedka.problems import Invalid, Problem

logger = logging.getLogger(__name__)

FIELDS = ("username", "first_name", "password")
FIRST_NAME_LENGTH = 150  # characters
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # kinds of characters that order others about, or break a line
_JOINERS = "\u200c\u200d"  # except these: some scripts and emoji are not written without

_new_accounts = Rate("registrations", burst=10, per_s=1 / 60)  # an address


class RegistrationClosed(Problem):
    """Nobody can register here by themselves; ask an administrator for an account."""

    code = "registration_closed"
    status = 403


def register(username: str, first_name: str, password: str) -> User:
    """A new account with this name, which can sign in everywhere at once.

    Raises `RegistrationClosed`; `Invalid` with `errors`, a list of `field` and `reason`. A name that somebody has,
    or that looks like somebody's, is refused: that it is taken is no secret here, as it cannot be where people
    choose names. Of several who want one name at once one gets it: the database decides.
    """
    ensure_open()
    user = User(username=names.written(username), first_name=first_name.strip())
    faults = [
        *_faults("username", lambda: _valid_name(user.username)),
        *_faults("first_name", lambda: _valid_first_name(user.first_name)),
        *_faults("password", lambda: _valid_password(password, user)),
    ]
    if faults:
        raise invalid(faults)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise invalid([{"field": "username", "reason": _taken()}]) from None
    logger.info("account %d was registered", user.pk)
    return user


def ensure_open() -> None:
    """People may register here. Raises `RegistrationClosed`."""
    if not settings.REGISTRATION:
        raise RegistrationClosed


def count(request: HttpRequest) -> None:
    """Count one attempt of this address. Raises `RateLimited`."""
    if settings.RATE_LIMITS:
        _new_accounts.take(networks.network_of_request(request))


def invalid(faults: list[dict[str, str]]) -> Invalid:
    """The refusal that names the fields at fault."""
    return Invalid(f"`{faults[0]['field']}`: {faults[0]['reason']}", field=faults[0]["field"], errors=faults)


def _faults(field: str, check: Any) -> list[dict[str, str]]:
    try:
        check()
    except ValidationError as error:
        return [{"field": field, "reason": reason} for reason in error.messages]
    return []


def _valid_name(username: str) -> None:
    if not username:
        raise ValidationError(gettext("A name is missing."))
    User._meta.get_field("username").run_validators(username)
    alphabets = {unicodedata.name(c, "").split(" ")[0] for c in username if c.isalpha()}
    if len(alphabets & {"LATIN", "CYRILLIC", "GREEK"}) > 1:
        raise ValidationError(gettext("Letters of several alphabets are mixed in this name."))
    if names.is_reserved(username) or User.objects.filter(name_key=names.key(username)).exists():
        raise ValidationError(_taken())
    if User.objects.filter(username=username).exists():
        raise ValidationError(_taken())


def _valid_first_name(first_name: str) -> None:
    if not first_name:
        raise ValidationError(gettext("A name is missing."))
    if len(first_name) > FIRST_NAME_LENGTH:
        raise ValidationError(gettext("At most %(limit)d characters.") % {"limit": FIRST_NAME_LENGTH})
    if any(unicodedata.category(c) in _UNSEEN and c not in _JOINERS for c in first_name):
        raise ValidationError(gettext("There are characters in this that cannot be seen."))


def _valid_password(password: str, user: User) -> None:
    if "\0" in password:
        raise ValidationError(gettext("There are characters in this that cannot be seen."))
    if len(password) > PASSWORD_LENGTH:
        raise ValidationError(gettext("At most %(limit)d characters.") % {"limit": PASSWORD_LENGTH})
    validate_password(password, user)


def _taken() -> str:
    return gettext("Somebody has this name, or one that looks like it.")
