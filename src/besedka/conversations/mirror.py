"""What people with an account post for themselves: it is in their own log, and comes into their chat in Telegram.

Nobody is called for it and no bot answers. An operator who writes there all the same is heard in that chat.
"""

import hashlib
import hmac
import time
from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from besedka.accounts import mirroring
from besedka.accounts.mirroring import Mirrored
from besedka.conversations import contacts, deliveries, log, rows
from besedka.conversations.contacts import Address
from besedka.conversations.deliveries import Watch
from besedka.conversations.log import Append
from besedka.conversations.models import Conversation, Inbox, Message, Watcher
from besedka.problems import Problem, Unavailable

CHANNEL = "mirror"  # of deliveries into the chats of those who wrote
PAGE = 1_000  # messages that one look at a history gives
TRIES = 5  # of a transaction that met another one, as two first messages of a person at once do
PAUSE_S = 0.02


class Kept(msgspec.Struct, frozen=True):
    """One message as its author sees it; no other message of anybody has its id."""

    id: int
    message: str
    created: datetime


class Author(msgspec.Struct, frozen=True):
    """Who posts."""

    user_id: int
    name: str


class Copy(msgspec.Struct, frozen=True):
    """A message of this conversation, on its way into this chat."""

    conversation_id: int
    chat_id: int


def post(author: Author, text: str, client_id: str | None = None, *, now: datetime | None = None) -> Kept:
    """The message is stored, and on its way to the author's Telegram. The same client id again changes nothing.

    Raises `IdempotencyKeyReused`, `Unavailable`.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return _post(author, text, client_id, now or timezone.now())
        except (IntegrityError, OperationalError):
            time.sleep(PAUSE_S * attempt)
    raise Unavailable


def history(user_id: int, *, before: int | None = None) -> list[Kept]:
    """What this person has posted, oldest first: the newest `PAGE`, or those before the message `before`."""
    mine = _messages(user_id)
    if before is not None:
        mine = mine.filter(pk__lt=before)
    found = mine.order_by("-pk").values_list("pk", "text", "created_at")[:PAGE]
    return [Kept(*values) for values in reversed(found)]


def find(user_id: int, message_id: int) -> Kept | None:
    """One message of this person; None for another's, and for what is none."""
    found = _messages(user_id).filter(pk=message_id).values_list("pk", "text", "created_at").first()
    return None if found is None else Kept(*found)


@transaction.atomic
def follow(user_id: int) -> None:
    """What is said from now on comes where `mirroring` says, and nowhere else."""
    conversation_id = _conversations(user_id).values_list("pk", flat=True).first()
    if conversation_id is not None:
        rows.lock_many([conversation_id])
        _watch(conversation_id, user_id)


@transaction.atomic
def end(user_id: int) -> None:
    """This person has no token, and their messages come into no chat. What they posted stays."""
    mirroring.forget_token(user_id)
    mirroring.detach(user_id)
    follow(user_id)


def addressee_many(copies: Sequence[Copy]) -> list[Mirrored | None]:
    """Whose chat each of these goes to; None where it is not that of the conversation's contact (any more)."""
    found = mirroring.of_chat_many([copy.chat_id for copy in copies])
    return [
        one if one is not None and _conversations(one.user_id).filter(pk=copy.conversation_id).exists() else None
        for copy, one in zip(copies, found, strict=True)
    ]


@transaction.atomic
def _post(author: Author, text: str, client_id: str | None, now: datetime) -> Kept:
    address = contacts.user_address(_inbox_id(), author.user_id, author.name)
    located, _ = contacts.locate_many([address], now)
    _watch(located[address].id, author.user_id)
    [entry] = log.append_many([_append(address, text, client_id)], now=now)
    if isinstance(entry, Problem):
        raise entry
    kept = Message.objects.values_list("pk", "text", "created_at")
    return Kept(*kept.get(conversation_id=entry.conversation_id, seq=entry.seq))


def _append(address: Address, text: str, client_id: str | None) -> Append:
    return Append("contact", text, address=address, client_id=client_id, settled=True)


def _watch(conversation_id: int, user_id: int) -> None:
    """The watchers of this channel are the person's chat, if there is one. The conversation's row is locked."""
    chat = mirroring.of_user(user_id)
    wanted = {str(chat.chat_id)} if chat is not None else set()
    watching = set(
        Watcher.objects.filter(conversation_id=conversation_id, channel=CHANNEL).values_list(
            "recipient", flat=True
        )
    )
    for recipient in watching - wanted:
        deliveries.unwatch(conversation_id, CHANNEL, recipient)
    if wanted - watching:
        deliveries.watch_many([Watch(conversation_id, CHANNEL, recipient) for recipient in wanted])


def _messages(user_id: int) -> QuerySet[Message]:
    return Message.objects.filter(conversation__in=_conversations(user_id), author="contact")


def _conversations(user_id: int) -> QuerySet[Conversation]:
    return Conversation.objects.filter(
        inbox__kind=Inbox.Kind.TELEGRAM,
        contact__identities__kind="user",
        contact__identities__known_as=str(user_id),
    )


def _inbox_id() -> int:
    """The one inbox of this kind; of many who come first at once, all make the same."""
    inbox = Inbox.objects.filter(kind=Inbox.Kind.TELEGRAM).order_by("pk").first()
    if inbox is None:
        digest = hmac.digest(settings.SECRET_KEY.encode(), b"mirror", hashlib.sha256).hex()
        inbox, _ = Inbox.objects.get_or_create(
            public_key=f"pk_{digest[:24]}",
            defaults={
                "name": "Telegram",
                "kind": Inbox.Kind.TELEGRAM,
                "first_owner": Inbox.FirstOwner.BOT,  # nobody waits for a person
                "allowed_origins": [],
            },
        )
    return inbox.pk
