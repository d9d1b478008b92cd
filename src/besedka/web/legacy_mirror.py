"""Contract §5: people with an account, their token, and what they post; it comes into their Telegram, too.

The door asks for `/message` first: who shows a `chat-token` is a visitor of contract §1.
"""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from besedka.accounts import mirroring
from besedka.accounts.models import User
from besedka.conversations import mirror
from besedka.conversations.mirror import Author, Kept
from besedka.problems import Invalid, NotFound, Problem

TEXT_LENGTH = 4_000  # code points in a message, as everywhere
NO_TOKEN = (
    "Токен не был передан в заголовках"  # byte for byte, as the door says it to those who show nothing at all
)
_FRESH = {"Cache-Control": "no-store"}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}


class ChatTokenMissing(Problem):
    """The header `chat-token` is missing, and you are not signed in."""

    code = "token_invalid"


class Pace(UserRateThrottle):
    """How often one person may post; others are not held up by it."""

    rate = "60/min"

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether this one may go on."""
        counted = settings.RATE_LIMITS and request.method not in ("GET", "HEAD", "OPTIONS")
        return not counted or bool(super().allow_request(request, view))


class TokenSerializer(serializers.Serializer[Any]):
    """What to type into Telegram."""

    token = serializers.UUIDField()


class PostedSerializer(serializers.Serializer[Any]):
    """A message to be stored and mirrored."""

    message = serializers.CharField(max_length=TEXT_LENGTH, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> Any:
        """A number is no message, though it could be written as one."""
        if not isinstance(data.get("message", ""), str):
            raise serializers.ValidationError({"message": ["A message is a text."]})
        return super().to_internal_value(data)

    def validate_message(self, message: str) -> str:
        """Something has to be said."""
        if message.isspace():
            raise serializers.ValidationError("`message` is empty.")
        return message


class KeptSerializer(serializers.Serializer[Any]):
    """A message of one's own."""

    id = serializers.IntegerField()
    message = serializers.CharField()
    created = serializers.DateTimeField()


class _KeySerializer(serializers.Serializer[Any]):
    key = serializers.RegexField(
        r"^[!-~]{1,255}$", required=False, error_messages={"invalid": "1 to 255 visible ASCII characters."}
    )


class _PageSerializer(serializers.Serializer[Any]):
    before = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)


class Token(APIView):
    """`/token/`: what ties somebody's Telegram to their messages."""

    permission_classes = (IsAuthenticated,)
    throttle_classes = (Pace,)

    @extend_schema(operation_id="mirror_token_list", summary="My token", responses=TokenSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Your token, in a list; an empty one before it was made."""
        [token] = mirroring.token_many([_person(request).pk])
        return Response([{"token": token}] if token is not None else [], headers=_FRESH)

    @extend_schema(
        operation_id="mirror_token_make", summary="Make my token", request=None, responses={201: TokenSerializer}
    )
    def post(self, request: Request) -> Response:
        """A token; 400 if there is one."""
        return Response({"token": mirroring.make_token(_person(request).pk)}, status=201, headers=_FRESH)

    @extend_schema(operation_id="mirror_token_forget", summary="Give my token up", responses={204: None})
    def delete(self, request: Request) -> Response:
        """There is no token any more, and your messages come into no chat; then a new one can be made."""
        mirror.end(_person(request).pk)
        return Response(status=204)


class Messages(APIView):
    """`/message/` of people who are signed in: their own messages."""

    permission_classes = (AllowAny,)  # to read: who is nobody is refused in the words of contract §1
    throttle_classes = (Pace,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Your messages, oldest first: the newest thousand, or with `?before=` those before that one."""
        if not request.user.is_authenticated:
            raise ChatTokenMissing(message=NO_TOKEN)
        asked = _PageSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = mirror.history(_person(request).pk, before=asked.validated_data.get("before"))
        return Response([_shown(kept) for kept in found], headers=_FRESH)

    @extend_schema(
        operation_id="mirror_post",
        summary="Post a message; it comes into my Telegram, too",
        request=PostedSerializer,
        responses={
            201: KeptSerializer,
            (422, "application/problem+json"): OpenApiResponse(_PROBLEM, "The key belongs to another text."),
            (429, "application/problem+json"): OpenApiResponse(_PROBLEM, "You post more often than is allowed."),
        },
        parameters=[
            OpenApiParameter("Idempotency-Key", {"type": "string", "pattern": "^[!-~]{1,255}$"}, "header")
        ],
    )
    def post(self, request: Request) -> Response:
        """It is stored, and on its way; the same `Idempotency-Key` again stores nothing."""
        if not request.user.is_authenticated:
            self.permission_denied(request)
        if not isinstance(request.data, dict):
            raise Invalid("The body is an object with `message`.", field="message")
        body = PostedSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        person = _person(request)
        author = Author(person.pk, person.get_username())
        return Response(_shown(mirror.post(author, body.validated_data["message"], _key(request))), status=201)


class OneMessage(APIView):
    """`/message/{id}/`: one of one's own messages."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="mirror_read",
        summary="A message of mine",
        responses=KeptSerializer,
        parameters=[OpenApiParameter("message_id", {"type": "integer", "minimum": 1}, "path")],
    )
    def get(self, request: Request, message_id: str) -> Response:
        """It, if it is yours."""
        kept = mirror.find(_person(request).pk, int(message_id))
        if kept is None:
            raise NotFound
        return Response(_shown(kept), headers=_FRESH)


def _person(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


def _key(request: Request) -> str | None:
    """The sender's own id of the message."""
    given = request.headers.get("Idempotency-Key")
    key = _KeySerializer(data={} if given is None else {"key": given})
    key.is_valid(raise_exception=True)
    found: str | None = key.validated_data.get("key")
    return found


def _shown(kept: Kept) -> dict[str, Any]:
    return dict(KeptSerializer(kept).data)
