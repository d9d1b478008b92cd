"""Contract §4: a customer's support room, the rooms that staff sees, and tickets for their connections."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from besedka.accounts import tickets
from besedka.accounts.models import User
from besedka.conversations import rooms
from besedka.desk import duty


class TicketSerializer(serializers.Serializer[Any]):
    """A ticket for one connection, within a minute."""

    uuid = serializers.UUIDField()


class RoomSerializer(serializers.Serializer[Any]):
    """The number of a room."""

    room_name = serializers.IntegerField()


class ListedSerializer(serializers.Serializer[Any]):
    """A room, and whether staff has read what its customer said last."""

    chat_name = serializers.CharField()
    support_read = serializers.BooleanField()


class RoomsSerializer(serializers.Serializer[Any]):
    """The rooms."""

    chats = ListedSerializer(many=True)


class NewTicket(APIView):
    """`GET /api/ws_token/`: a ticket for one connection."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="ws_token", summary="A ticket for one connection", responses=TicketSerializer)
    def get(self, request: Request) -> Response:
        """A new ticket: shown once, good for a minute and one use."""
        assert isinstance(request.user, User)
        return Response({"uuid": tickets.issue(request.user.pk)}, headers={"Cache-Control": "no-store"})


class OwnRoom(APIView):
    """`GET /api/v1/support_chat`: one's own room."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="support_chat", summary="My support room", responses=RoomSerializer)
    def get(self, request: Request) -> Response:
        """The number of your room; it is made at the first call."""
        assert isinstance(request.user, User)
        return Response({"room_name": rooms.open_room(request.user.pk, request.user.get_username())})


class AnswersInRooms(IsAuthenticated):
    """Operators who serve the inbox of the rooms; staff does from the first visit on."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this person does."""
        if not super().has_permission(request, view):
            return False
        [post] = duty.of_user_many([request.user.pk or 0])
        return post is not None and post.is_enabled and post.serves(rooms.inbox_id())


class AllRooms(APIView):
    """`GET /api/v1/chats_list`: all rooms, for who answers there."""

    permission_classes = (AnswersInRooms,)

    @extend_schema(operation_id="chats_list", summary="All support rooms", responses=RoomsSerializer)
    def get(self, request: Request) -> Response:
        """The rooms, the newest message first."""
        listed = [{"chat_name": str(room.id), "support_read": room.support_read} for room in rooms.listed()]
        return Response({"chats": listed})
