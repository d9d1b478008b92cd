"""`Authorization: Bearer …`: programs that have a pair of tokens."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken
from rest_framework_simplejwt.tokens import Token

from besedka.accounts import tokens
from besedka.accounts.refusals import Refused


class Bearer(JWTAuthentication):
    """simplejwt's reading of the token; that its sign-in and its account are still there is ours to know."""

    def authenticate(self, request: Request) -> tuple[Any, Token] | None:
        """The account and its token; None without one. Raises `Refused`."""
        try:
            return super().authenticate(request)
        except (AuthenticationFailed, InvalidToken, tokens.TokenRefused):
            raise Refused(tokens.TokenRefused()) from None

    def get_user(self, validated_token: Token) -> Any:
        """Whose token it is."""
        if tokens.has_ended(validated_token):
            raise tokens.TokenRefused
        return tokens.holder(validated_token)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # theirs
    target_class = Bearer
    name = "jwtAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """How the API's description calls it."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
