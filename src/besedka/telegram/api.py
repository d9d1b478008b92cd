"""`/api/v1/telegram/link`: people who are signed in say which Telegram account is theirs."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from besedka.accounts import link_tokens, links, mirroring
from besedka.telegram import linking

_FRESH = {"Cache-Control": "no-store"}


class Pace(UserRateThrottle):
    """How often one person may ask for a link."""

    scope = "link"
    rate = "20/min"

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether this one may go on."""
        counted = settings.RATE_LIMITS and request.method == "POST"
        return not counted or bool(super().allow_request(request, view))


class LinkStateSerializer(serializers.Serializer[Any]):
    """Whether a Telegram account is this person's, and whether what they post comes into a chat."""

    linked = serializers.BooleanField()
    mirrored = serializers.BooleanField()


class NewLinkSerializer(serializers.Serializer[Any]):
    """What to open, or to write to the bot: once, within ten minutes."""

    url = serializers.URLField(allow_null=True, help_text="Null where the bot's name is not set.")
    command = serializers.CharField()
    expires_at = serializers.DateTimeField()


class Link(APIView):
    """One's own Telegram account."""

    permission_classes = (IsAuthenticated,)
    throttle_classes = (Pace,)

    @extend_schema(operation_id="telegram_link", summary="Is my Telegram linked?", responses=LinkStateSerializer)
    def get(self, request: Request) -> Response:
        """Whether it is."""
        user_id = int(request.user.pk or 0)
        mirrored = mirroring.of_user(user_id) is not None
        return Response({"linked": user_id in links.of_users([user_id]), "mirrored": mirrored}, headers=_FRESH)

    @extend_schema(
        operation_id="telegram_link_make",
        summary="Link my Telegram",
        request=None,
        responses={
            201: NewLinkSerializer,
            (429, "application/problem+json"): OpenApiResponse(
                {"$ref": "#/components/schemas/Problem"}, "You ask more often than is allowed."
            ),
        },
    )
    def post(self, request: Request) -> Response:
        """A link for one use; an older one that was not used is worth nothing any more."""
        now = timezone.now()
        token = link_tokens.issue(int(request.user.pk or 0), now=now)
        name = settings.TELEGRAM_BOT_NAME.lstrip("@")
        made = {
            "url": f"https://t.me/{name}?start={token}" if name else None,
            "command": f"/start {token}",
            "expires_at": now + timedelta(seconds=link_tokens.LIFE_S),
        }
        return Response(NewLinkSerializer(made).data, status=201, headers=_FRESH)

    @extend_schema(operation_id="telegram_link_end", summary="Unlink my Telegram", responses={204: None})
    def delete(self, request: Request) -> Response:
        """No Telegram account is yours, and nothing of yours comes into a chat; the token of old clients stays."""
        linking.unlink(int(request.user.pk or 0), now=timezone.now())
        return Response(status=204)
