"""JSON Web Tokens that end with the rights they were given for: each carries the account's fingerprint."""

import hmac
from typing import Any, TypeVar

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme, TokenObtainPairSerializerExtension
from drf_spectacular.utils import extend_schema_serializer
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.tokens import Token

from besedka.accounts.models import User

CLAIM = "rights"
T = TypeVar("T", bound=Token)


def seal(token: T, user: User) -> T:
    """The token, good as long as this account's password and rights are what they are now."""
    token[CLAIM] = user.fingerprint
    return token


def check(token: Token, user: User) -> None:
    """Raise `AuthenticationFailed` for a token of another password or other rights than the account has now."""
    if not user.is_active or not hmac.compare_digest(str(token.get(CLAIM)).encode(), user.fingerprint.encode()):
        raise AuthenticationFailed("Sign in again: this account has changed.")


class Bearer(JWTAuthentication):
    """`Authorization: Bearer …`."""

    def get_user(self, validated_token: Token) -> Any:
        """Whose token it is; raises `AuthenticationFailed`."""
        user = super().get_user(validated_token)
        assert isinstance(user, User)
        check(validated_token, user)
        return user


class BearerScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]  # theirs
    target_class = Bearer  # type: ignore[assignment]  # as above


@extend_schema_serializer(component_name="TokenObtainPair")
class ObtainSerializer(TokenObtainPairSerializer):
    """Name and password."""

    @classmethod
    def get_token(cls, user: Any) -> Token:
        """A refresh token of this account; access tokens inherit what it carries."""
        return seal(super().get_token(user), user)


class ObtainScheme(TokenObtainPairSerializerExtension):  # type: ignore[no-untyped-call]  # theirs
    target_class = ObtainSerializer  # type: ignore[assignment]  # as above
