"""HTTP Basic for programs, without hashing the password anew for every request."""

import hashlib
import hmac
import time
from collections import OrderedDict
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BasicAuthentication
from rest_framework.request import Request

from besedka.accounts import guarding, networks, second_factor
from besedka.accounts.models import User
from besedka.accounts.refusals import Refused
from besedka.problems import Problem

REMEMBERED_S = 300  # seconds that a pair of name and password is known to be right
REMEMBERED = 10_000  # pairs

# By a keyed digest of the pair and of where it came from: whose it is, what its sessions end with, and until when.
_right: OrderedDict[bytes, tuple[int, str, float]] = OrderedDict()


class Basic(BasicAuthentication):
    """RFC 7617. A pair that was right a moment ago is right, unless the account changed since.

    An account with a second factor cannot come in this way: there is no place for the code.
    """

    def authenticate_credentials(self, userid: str, password: str, request: Request | None = None) -> Any:
        """The account of this name and password; raises `Refused`, with what `guarding.sign_in` refuses for."""
        if request is None:
            raise TypeError("who asks is part of the question")
        try:
            return self._known(request, userid, password), None
        except second_factor.SecondFactorNeeded:
            needed = second_factor.SecondFactorNeeded("Basic has no place for it: get a token from /api/token/.")
            raise Refused(needed) from None
        except Problem as problem:
            raise Refused(problem) from None

    def _known(self, request: Request, userid: str, password: str) -> User:
        http = request._request
        pair = f"{len(userid)}:{userid}{password}@{networks.network_of_request(http)}"
        key = hmac.digest(settings.SECRET_KEY.encode(), pair.encode("utf-8", "surrogatepass"), hashlib.sha256)
        known = _right.get(key)
        if known is not None:
            user = User.objects.filter(pk=known[0], is_active=True, second_factor=None).first()
            if user is not None and user.get_session_auth_hash() == known[1] and time.monotonic() < known[2]:
                guarding.ensure_allowed(http, user.username)  # else it would tell a guesser that a guess is right
                return user
            _right.pop(key, None)
        user = guarding.sign_in(http, userid, password)
        _right[key] = (user.pk, user.get_session_auth_hash(), time.monotonic() + REMEMBERED_S)
        while len(_right) > REMEMBERED:
            _right.popitem(last=False)
        return user


class BasicScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # theirs
    target_class = Basic
    name = "basicAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """How the API's description calls it."""
        return {"type": "http", "scheme": "basic"}
