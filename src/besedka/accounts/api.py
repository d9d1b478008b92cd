"""Contract §4: sign-in of programs by JSON Web Tokens."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from besedka.accounts import bearer
from besedka.accounts.models import User


class RefreshSerializer(TokenRefreshSerializer):
    """The token to be changed for new ones."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """A pair of new tokens; the one that was given stops working."""
        token = self.token_class(attrs["refresh"])
        try:
            bearer.check(token, User.objects.get(pk=token.get(api_settings.USER_ID_CLAIM)))
            return super().validate(attrs)
        except (ObjectDoesNotExist, ValueError):  # the account is gone, its token is not
            raise AuthenticationFailed from None


@extend_schema_view(post=extend_schema(operation_id="token_obtain", summary="Sign in: a pair of tokens"))
class Obtain(TokenObtainPairView):
    """`POST /api/token/`: name and password for a pair of tokens."""

    permission_classes = (AllowAny,)  # type: ignore[assignment]  # their stub allows nothing else than nothing
    serializer_class = bearer.ObtainSerializer


@extend_schema_view(
    post=extend_schema(operation_id="token_refresh", summary="Stay signed in: a new pair of tokens")
)
class Refresh(TokenRefreshView):
    """`POST /api/token/refresh/`: a refresh token, once, for a new pair."""

    permission_classes = (AllowAny,)  # type: ignore[assignment]  # their stub allows nothing else than nothing
    serializer_class = RefreshSerializer
