"""HTTP Basic for programs, without hashing the password anew for every request."""

import hashlib
import hmac
import time
from collections import OrderedDict
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from besedka.accounts.models import User

REMEMBERED_S = 300  # seconds that a pair of name and password is known to be right
REMEMBERED = 10_000  # pairs

# By a keyed digest of the pair: whose it is, the fingerprint of the account when it was checked, and until when.
_right: OrderedDict[bytes, tuple[int, str, float]] = OrderedDict()


class Basic(BasicAuthentication):
    """RFC 7617. A pair that was right a moment ago is right, unless the account changed since."""

    def authenticate_credentials(self, userid: str, password: str, request: Request | None = None) -> Any:
        """The account of this name and password; raises `AuthenticationFailed`."""
        if "\0" in userid or "\0" in password:
            raise AuthenticationFailed
        key = hmac.digest(
            settings.SECRET_KEY.encode(), f"{len(userid)}:{userid}{password}".encode(), hashlib.sha256
        )
        known = _right.get(key)
        if known is not None:
            user = User.objects.filter(pk=known[0], is_active=True).first()
            if user is not None and user.fingerprint == known[1] and time.monotonic() < known[2]:
                return user, None
            _right.pop(key, None)
        user, nothing = super().authenticate_credentials(userid, password, request)
        _right[key] = (user.pk, user.fingerprint, time.monotonic() + REMEMBERED_S)
        while len(_right) > REMEMBERED:
            _right.popitem(last=False)
        return user, nothing


class BasicScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # theirs
    target_class = Basic
    name = "basicAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """How the API's description calls it."""
        return {"type": "http", "scheme": "basic"}
