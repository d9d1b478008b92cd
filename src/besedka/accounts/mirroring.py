"""Where a person's messages come in Telegram: the token of the old clients, and the chat that it was typed into.

The token lives until its owner gives it up, so it must not be worth much: it says whose messages come into a chat.
Nobody signs in with it, nobody becomes an operator by it, and once it was used nobody else can use it.
"""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from django.db import IntegrityError, transaction
from django.utils import timezone

from besedka import sealed
from besedka.accounts.links import Stranger
from besedka.accounts.models import MirrorChat, MirrorToken, User
from besedka.problems import Problem

LENGTH = 36  # characters of a token


class TokenExists(Problem):
    """You have a token already; give it up to get another one."""

    code = "token_exists"


class Attaching(msgspec.Struct, frozen=True):
    """What became of a token that somebody in Telegram has sent, and of whose messages it speaks.

    `already`: this Telegram account has the messages of `user_id`.
    """

    outcome: Literal["attached", "unknown", "in_use", "already"]
    user_id: int = 0


class Mirrored(msgspec.Struct, frozen=True):
    """Somebody whose messages come into a chat."""

    user_id: int
    chat_id: int
    first_name: str
    username: str


def is_token(text: str) -> bool:
    """Whether it is a UUID of version 4 as we write it; capital letters are as good as small ones."""
    try:
        return len(text) == LENGTH and uuid.UUID(text).version == 4 and str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def make_token(user_id: int, *, now: datetime | None = None) -> str:
    """This person's token from now on. Raises `TokenExists`, also to all but one of those who ask at once."""
    token = str(uuid.uuid4())
    try:
        with transaction.atomic():
            MirrorToken.objects.create(
                user_id=user_id,
                digest=_digest(token),
                sealed=sealed.seal(token),
                created_at=now or timezone.now(),
            )
    except IntegrityError:
        raise TokenExists from None
    return token


def token_many(user_ids: Sequence[int]) -> list[str | None]:
    """The tokens of these people; None for who has none. Raises `SealBroken` where the key was changed."""
    found = dict(MirrorToken.objects.filter(user_id__in=set(user_ids)).values_list("user_id", "sealed"))
    return [sealed.unseal(found[user_id]) if user_id in found else None for user_id in user_ids]


def forget_token(user_id: int) -> None:
    """This token is worth nothing any more."""
    MirrorToken.objects.filter(user_id=user_id).delete()


@transaction.atomic
def attach(token: str, stranger: Stranger, *, now: datetime) -> Attaching:
    """Let the messages of the token's owner come into this chat, if neither has another one.

    The token's row is locked, so of two who send it at once one has it; one of an account that is switched off is
    unknown.
    """
    known = MirrorToken.objects.select_for_update().filter(digest=_digest(token.lower())).first()
    if known is None or not User.objects.filter(pk=known.user_id, is_active=True).exists():
        return Attaching("unknown")
    theirs = MirrorChat.objects.filter(telegram_id=stranger.telegram_id).first()
    if theirs is not None and theirs.user_id == known.user_id:
        return Attaching("already", theirs.user_id)
    if MirrorChat.objects.filter(user_id=known.user_id).exists():
        return Attaching("in_use")
    if theirs is not None:
        return Attaching("already", theirs.user_id)
    _tie(known.user_id, stranger, now)
    return Attaching("attached", known.user_id)


@transaction.atomic
def move(user_id: int, stranger: Stranger, *, now: datetime) -> Mirrored | None:
    """This person's messages come into this chat, whatever came where before. The chat where they came until now.

    Who calls this knows that both are the same person's.
    """
    before = of_user(user_id)
    MirrorChat.objects.filter(telegram_id=stranger.telegram_id).delete()
    MirrorChat.objects.filter(user_id=user_id).delete()
    _tie(user_id, stranger, now)
    return before if before is not None and before.chat_id != stranger.chat_id else None


def detach(user_id: int) -> None:
    """This person's messages come nowhere."""
    MirrorChat.objects.filter(user_id=user_id).delete()


def of_user(user_id: int) -> Mirrored | None:
    """Where this person's messages come."""
    return _found(user_id=user_id)


def of_telegram(telegram_id: int) -> Mirrored | None:
    """Whose messages come to this Telegram account."""
    return _found(telegram_id=telegram_id)


def of_chat_many(chat_ids: Sequence[int]) -> list[Mirrored | None]:
    """Whose messages come into each of these chats."""
    return [_found(chat_id=chat_id) for chat_id in chat_ids]


def _found(**which: int) -> Mirrored | None:
    chat = MirrorChat.objects.select_related("user").filter(**which).first()
    if chat is None:
        return None
    return Mirrored(chat.user_id, chat.chat_id, chat.user.first_name, chat.user.get_username())


def _tie(user_id: int, stranger: Stranger, now: datetime) -> None:
    MirrorChat.objects.create(
        user_id=user_id, telegram_id=stranger.telegram_id, chat_id=stranger.chat_id, created_at=now
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
