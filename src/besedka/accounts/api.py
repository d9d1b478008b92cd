"""Contract §4: sign-in of programs by JSON Web Tokens."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from besedka.accounts import guarding, tokens

TOKEN_LENGTH = 4_000  # characters; ours have some 400


class Pair(serializers.Serializer[Any]):
    """Two tokens: `access` for 15 minutes of requests, `refresh` for the next pair."""

    refresh = serializers.CharField(read_only=True)
    access = serializers.CharField(read_only=True)


class Credentials(serializers.Serializer[Any]):
    """Name and password, and the code of the second factor where the account has one."""

    username = serializers.CharField(write_only=True)
    password = serializers.CharField(write_only=True, trim_whitespace=False, style={"input_type": "password"})
    otp = serializers.CharField(
        write_only=True,
        required=False,
        help_text="A code of the app, or of the list; needed with a second factor.",
    )


class OldRefresh(serializers.Serializer[Any]):
    """The token to be changed for new ones, or to be ended."""

    refresh = serializers.CharField(write_only=True, max_length=TOKEN_LENGTH)


class Obtain(APIView):
    """`POST /api/token/`: name and password for a pair of tokens."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        request=Credentials,
        responses={200: Pair},
        operation_id="token_obtain",
        summary="Sign in: a pair of tokens",
    )
    def post(self, request: Request) -> Response:
        """401 `not_authenticated`, `second_factor_needed` or `second_factor_wrong`; 429 after too many tries."""
        given = Credentials(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        user = guarding.sign_in(request._request, said["username"], said["password"], code=said.get("otp"))
        return _private(tokens.issue(user))


class Refresh(APIView):
    """`POST /api/token/refresh/`: a refresh token, once, for a new pair."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        request=OldRefresh,
        responses={200: Pair},
        operation_id="token_refresh",
        summary="Stay signed in: a new pair of tokens",
    )
    def post(self, request: Request) -> Response:
        """The token that was given stops working; of several that show it at once one gets a pair."""
        given = OldRefresh(data=request.data)
        given.is_valid(raise_exception=True)
        return _private(tokens.renew(given.validated_data["refresh"]))


class End(APIView):
    """`POST /api/token/blacklist/`: sign out."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        request=OldRefresh,
        responses={200: dict[str, str]},
        operation_id="token_end",
        summary="Sign out: end a pair",
    )
    def post(self, request: Request) -> Response:
        """The refresh token and every access token of the same sign-in stop working at once."""
        given = OldRefresh(data=request.data)
        given.is_valid(raise_exception=True)
        tokens.end(given.validated_data["refresh"])
        return _private({})


def _private(content: dict[str, str]) -> Response:
    """RFC 6749 §5.1: no cache keeps tokens."""
    return Response(content, headers={"Cache-Control": "no-store"})
