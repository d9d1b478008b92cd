"""The desk over HTTP: the same lists, logs and acts as over its WebSocket, one request each."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from besedka.conversations import audit, closing, log, ownership, queries
from besedka.conversations.audit import Deed
from besedka.conversations.changes import Change
from besedka.conversations.log import Want
from besedka.conversations.queries import Listing
from besedka.conversations.rows import Row
from besedka.desk import duty, outside, reading, replies, searching
from besedka.desk.duty import Post
from besedka.desk.replies import Reply
from besedka.desk.searching import Query
from besedka.desk.serializers import (
    AfterQuery,
    CardSerializer,
    CardsSerializer,
    ChangeSerializer,
    FoundSerializer,
    ListQuery,
    MessagesSerializer,
    ReplySerializer,
    SearchQuery,
    SentSerializer,
)
from besedka.problems import NotFound, Problem

ACTS: dict[str, Callable[[list[Change]], Sequence[Row | Problem]]] = {
    "claim": ownership.claim_many,
    "return": ownership.return_many,
    "transfer": outside.transfer_many,
    "close": closing.close_many,
    "reopen": closing.reopen_many,
    "snooze": closing.snooze_many,
}


class IsAtDesk(IsAuthenticated):
    """Operators whom an administrator has enabled."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this person sits at the desk."""
        return super().has_permission(request, view) and duty.is_at_desk(request.user.pk or 0)


class Conversations(APIView):
    """`GET /api/v1/desk/conversations/`: one page of a list."""

    permission_classes = (IsAtDesk,)

    @extend_schema(
        operation_id="desk_list", summary="A list of the desk", parameters=[ListQuery], responses=CardsSerializer
    )
    def get(self, request: Request) -> Response:
        """The page, in the order of its list; what stands behind it begins `after` its last card."""
        query = ListQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted, post = query.validated_data, _post(request)
        theirs = _inboxes(post, wanted.get("inbox"))
        listing = Listing(wanted["list"], post.user_id, theirs, wanted.get("after"), wanted["size"])
        [page] = queries.list_many([listing])
        return Response({"cards": [msgspec.structs.asdict(card) for card in page.cards], "more": page.more})


class Search(APIView):
    """`GET /api/v1/desk/search/`: messages with these words."""

    permission_classes = (IsAtDesk,)

    @extend_schema(
        operation_id="desk_search",
        summary="Search the whole history",
        parameters=[SearchQuery],
        responses=FoundSerializer,
    )
    def get(self, request: Request) -> Response:
        """The newest messages that have all the words; what is older begins `before` the page's `next`."""
        query = SearchQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted, post = query.validated_data, _post(request)
        where = _inboxes(post, wanted.get("inbox"))
        [page] = searching.find_many([Query(wanted["q"], post.user_id, where, wanted.get("before"))])
        found = [{**hit, "card": msgspec.structs.asdict(hit["card"])} for hit in page["found"]]
        return Response({"found": found, "next": page["next"]})


class Messages(APIView):
    """`/api/v1/desk/conversations/{id}/messages/`: read a log, and answer."""

    permission_classes = (IsAtDesk,)

    @extend_schema(
        operation_id="desk_messages",
        summary="A page of a log",
        parameters=[AfterQuery],
        responses=MessagesSerializer,
    )
    def get(self, request: Request, conversation_id: str) -> Response:
        """At most 100 messages that came after `after`. That they were read is put on record."""
        query = AfterQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        post, number = _admit(request, conversation_id)
        after = query.validated_data["after"]
        [messages] = reading.read_many([Want(number, after, after + log.PAGE)])
        audit.record_many([Deed("read", post.user_id, number)])
        return Response({"messages": messages})

    @extend_schema(
        operation_id="desk_reply", summary="Answer", request=ReplySerializer, responses={201: SentSerializer}
    )
    def post(self, request: Request, conversation_id: str) -> Response:
        """Say something; the first message claims. Refused with 409 where somebody else answers."""
        body = ReplySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        post, number = _admit(request, conversation_id)
        said = body.validated_data
        reply = Reply(
            operator_id=post.user_id,
            conversation_id=number,
            text=said["text"],
            client_id=said.get("client_id") or str(uuid.uuid4()),
            owner_version=said["owner_version"],
        )
        [entry] = replies.reply_many([reply])
        if isinstance(entry, Problem):
            raise entry
        return Response({"seq": entry.seq, "card": _card(number, post)}, status=201)


class Act(APIView):
    """`POST /api/v1/desk/conversations/{id}/{act}/`: claim, transfer, return, snooze, close, reopen."""

    permission_classes = (IsAtDesk,)

    @extend_schema(
        operation_id="desk_act",
        summary="Change who answers",
        parameters=[OpenApiParameter("act", str, OpenApiParameter.PATH, enum=list(ACTS))],
        request=ChangeSerializer,
        responses=CardSerializer,
    )
    def post(self, request: Request, conversation_id: str, act: str) -> Response:
        """Do it, where nobody changed who answers since `owner_version`; the conversation as it is now."""
        body = ChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        post, number = _admit(request, conversation_id)
        wish = body.validated_data
        change = Change(
            conversation_id=number,
            operator_id=post.user_id,
            owner_version=wish["owner_version"],
            over=post.is_supervisor and act != "claim",
            to=wish.get("to"),
            until=wish.get("until"),
        )
        [row] = ACTS[act]([change])
        if isinstance(row, Problem):
            raise row
        return Response(_card(number, post))


def _post(request: Request) -> Post:
    [post] = duty.of_user_many([request.user.pk or 0])
    assert post is not None  # the permission has seen to it
    return post


def _inboxes(post: Post, wanted: int | None) -> tuple[int, ...] | None:
    """The inboxes to look in: the wanted one, or all that this operator serves."""
    if wanted is None:
        return post.inbox_ids
    return (wanted,) if post.serves(wanted) else ()


def _admit(request: Request, conversation_id: str) -> tuple[Post, int]:
    """The operator, and a conversation that is theirs to see. Raises `NotFound`."""
    post, number = _post(request), int(conversation_id)
    [standing] = queries.standings_many([number])
    if standing is None or not post.serves(standing.inbox_id):
        raise NotFound()
    return post, number


def _card(conversation_id: int, post: Post) -> dict[str, Any]:
    [card] = queries.cards([conversation_id], post.user_id)
    return msgspec.structs.asdict(card)
