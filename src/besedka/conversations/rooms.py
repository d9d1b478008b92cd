"""Support rooms: each person with an account has one, and operators of their inbox see all of them."""

from collections.abc import Sequence

import msgspec
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from besedka.conversations import contacts, histories
from besedka.conversations.models import Conversation, Cursor, Inbox
from besedka.problems import NotFound, Problem

STAFF = "support"  # the reader whose cursor says what staff has seen
LISTED = 1_000  # rooms, those with the newest messages


class Room(msgspec.Struct, frozen=True):
    """A room, and whether staff has read what its customer said last."""

    id: int
    support_read: bool


class Entrance(msgspec.Struct, frozen=True):
    """Somebody who wants into a room."""

    room: int
    user_id: int
    supports: bool  # whether they answer there


@transaction.atomic
def open_room(user_id: int, name: str) -> int:
    """The number of this person's room; it is made at the first time."""
    address = contacts.user_address(inbox_id(), user_id, name)
    room, _ = histories.extend(address, [], now=timezone.now())
    return room


def listed() -> list[Room]:
    """All rooms in which somebody has written, the newest message first."""
    read = Cursor.objects.filter(conversation=OuterRef("pk"), reader=STAFF).values("seq")[:1]
    found = (
        Conversation.objects.filter(inbox__kind=Inbox.Kind.ROOMS, status__in=("open", "snoozed", "closed"))
        .annotate(read_seq=Subquery(read))
        .order_by("-last_message_at", "-pk")
        .values_list("pk", "heard_seq", "read_seq")
    )
    return [Room(pk, (read_seq or 0) >= heard_seq) for pk, heard_seq, read_seq in found[:LISTED]]


def enter_many(entrances: Sequence[Entrance]) -> list[int | Problem]:
    """Each room's number for its customer and for who answers there; to all others it is not there."""
    wanted = {entrance.room for entrance in entrances}
    found = Conversation.objects.filter(
        pk__in=wanted, inbox__kind=Inbox.Kind.ROOMS, contact__identities__kind="user"
    )
    owners = dict(found.values_list("pk", "contact__identities__known_as"))
    return [
        entrance.room
        if entrance.room in owners and (entrance.supports or owners[entrance.room] == str(entrance.user_id))
        else NotFound()
        for entrance in entrances
    ]


def inbox_id() -> int:
    """The inbox of all rooms; it is made at the first time."""
    inbox = Inbox.objects.filter(kind=Inbox.Kind.ROOMS).order_by("pk").first()
    if inbox is None:
        inbox = Inbox.objects.create(name="Support rooms", kind=Inbox.Kind.ROOMS, allowed_origins=[])
    return inbox.pk
