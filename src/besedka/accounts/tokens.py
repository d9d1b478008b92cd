"""JSON Web Tokens: pairs of a short and a long one, which belong to one sign-in and end with it."""

import hmac
from datetime import datetime
from typing import Any, Self

from django.db import transaction
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import BlacklistMixin, RefreshToken, Token
from rest_framework_simplejwt.utils import datetime_from_epoch

from besedka.accounts.models import User
from besedka.problems import Problem

FAMILY = "family"  # the claim that all tokens of one sign-in share
RIGHTS = "rights"  # the claim that changes with what sessions of the account end with, as its password
MAX_ID = 2**63 - 1  # that the databases can hold


class TokenRefused(Problem):
    """This token is wrong, was used, has run out, or has been ended: sign in anew."""

    code = "not_authenticated"
    status = 401

    def headers(self) -> dict[str, str]:
        """RFC 6750 §3."""
        return {"WWW-Authenticate": 'Bearer realm="api", error="invalid_token"'}


class Refresh(RefreshToken):
    """A long token: once, for a new pair. The database knows its id, and not the token itself."""

    def __init__(self, token: Any = None, verify: bool = True) -> None:
        super().__init__(token, verify)
        if token is None:
            self[FAMILY] = self[api_settings.JTI_CLAIM]

    @classmethod
    def for_user(cls, user: Any) -> Self:
        """A new one, the first of its family."""
        token: Self = super(BlacklistMixin, cls).for_user(user)
        token[RIGHTS] = _fingerprint(user)
        token.outstand()
        return token

    def check_blacklist(self) -> None:
        """Raises `TokenError` for one that was used, or whose family has ended."""
        if api_settings.JTI_CLAIM not in self.payload or has_ended(self):
            raise TokenError("Token is invalid")
        super().check_blacklist()

    def outstand(self) -> Any:
        """The token's row, which is made where there is none."""
        return _row(self, str(self.payload[api_settings.JTI_CLAIM]))

    def blacklist(self) -> Any:
        """It works no more; whether it was this call that ended it stands second."""
        return BlacklistedToken.objects.get_or_create(token=self.outstand()[0])


def issue(user: User) -> dict[str, str]:
    """A pair of tokens for somebody who has just shown who they are."""
    return _pair(Refresh.for_user(user))


@transaction.atomic
def renew(written: str) -> dict[str, str]:
    """A new pair for a long token, which works no more. Raises `TokenRefused`.

    Of several who show it at once one gets a pair: whose row it was that ended the token decides.
    """
    refresh = _read(written)
    holder(refresh)
    _, is_first = refresh.blacklist()
    if not is_first:
        raise TokenRefused
    refresh.set_jti()
    refresh.set_exp()
    refresh.set_iat()
    refresh.outstand()
    return _pair(refresh)


@transaction.atomic
def end(written: str) -> None:
    """The sign-in that this long token belongs to is over: its short tokens work no more either.

    Raises `TokenRefused` for one that is none, or does not work any more.
    """
    refresh = _read(written)
    holder(refresh)
    refresh.blacklist()
    family = refresh.get(FAMILY)
    if family is not None:
        refresh.set_exp()  # its mark is kept until the last of the family has run out by itself
        _row(refresh, _mark(family))


def has_ended(token: Token) -> bool:
    """Whether the sign-in that this token belongs to is over."""
    family = token.get(FAMILY)
    return family is not None and OutstandingToken.objects.filter(jti=_mark(family)).exists()


def holder(token: Token) -> User:
    """Whose token this is. Raises `TokenRefused` if the account is gone, is off, or has a new password."""
    written = str(token.get(api_settings.USER_ID_CLAIM, ""))
    known = written.isascii() and written.isdigit() and len(written) < 20 and int(written) <= MAX_ID
    user = User.objects.filter(pk=int(written), is_active=True).first() if known else None
    claimed = str(token.get(RIGHTS)).encode()
    if user is None or not hmac.compare_digest(claimed, _fingerprint(user).encode()):
        raise TokenRefused
    return user


def forget_expired(now: datetime) -> None:
    """What has run out by itself need not be remembered as ended."""
    OutstandingToken.objects.filter(expires_at__lte=now).delete()


def _fingerprint(user: User) -> str:
    return user.get_session_auth_hash()[:32]


def _read(written: str) -> Refresh:
    try:
        return Refresh(written)
    except TokenError:
        raise TokenRefused from None


def _pair(refresh: Refresh) -> dict[str, str]:
    return {"refresh": str(refresh), "access": str(refresh.access_token)}


def _row(token: Token, jti: str) -> tuple[OutstandingToken, bool]:
    user_id = token.get(api_settings.USER_ID_CLAIM)
    return OutstandingToken.objects.get_or_create(
        jti=jti,
        defaults={
            "user": User.objects.filter(pk=user_id).first(),
            "token": "",
            "created_at": token.current_time,
            "expires_at": datetime_from_epoch(token.payload["exp"]),
        },
    )


def _mark(family: object) -> str:
    """The id of no token: that it stands in the list says that this family has ended."""
    return f"ended {str(family)[:200]}"
