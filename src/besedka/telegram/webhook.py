"""`POST /telegram/webhook`: Telegram brings an update, and shows the secret that it was given."""

import hmac
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from besedka.problems import BodyTooLarge, Invalid, NotFound, Problem
from besedka.telegram import updates
from besedka.telegram.updates import Arrived

MAX_BODY = 1_000_000  # bytes: an update has some kilobytes


class WebhookSecretInvalid(Problem):
    """Only Telegram may bring updates."""

    code = "webhook_secret_invalid"
    status = 401


class _Bytes(BaseParser):
    """The body as it is: a text may well contain what elsewhere is refused."""

    media_type = "*/*"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body: bytes = stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise BodyTooLarge(limit_bytes=MAX_BODY)
        return body


class Webhook(APIView):
    """Keep an update; 200 once it is in the database, so that Telegram brings it again if it is not."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (_Bytes,)

    @extend_schema(exclude=True)
    def post(self, request: Request) -> HttpResponse:
        """404 where no Telegram is set up, 401 without the secret."""
        secret = settings.TELEGRAM_WEBHOOK_SECRET
        if not (updates.bot_id() and secret):
            raise NotFound
        shown = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if not hmac.compare_digest(shown.encode(), secret.encode()):
            raise WebhookSecretInvalid
        updates.keep_many([Arrived(_update(request.data), "webhook")])
        return HttpResponse(status=200)


def _update(body: Any) -> Any:
    try:
        update = json.loads(body)
    except (ValueError, TypeError, RecursionError):
        raise Invalid("The body is not JSON.") from None
    if updates.id_of(update) is None:
        raise Invalid("An update has an `update_id`.", field="update_id")
    return update
