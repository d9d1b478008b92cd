"""Telegram accounts and the people behind them."""

import secrets
from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from besedka.accounts.models import TelegramLink, User


class Stranger(msgspec.Struct, frozen=True):
    """Somebody who writes to the bot, as Telegram describes them."""

    telegram_id: int
    chat_id: int
    name: str = ""


class Linked(msgspec.Struct, frozen=True):
    """A person with a Telegram account."""

    user_id: int
    telegram_id: int
    chat_id: int
    is_new: bool = False


@transaction.atomic(savepoint=False)
def telegram_user_many(strangers: Sequence[Stranger], *, now: datetime | None = None) -> list[Linked]:
    """The person behind each Telegram account; one that nobody knows yet gets an account without a password."""
    now = now or timezone.now()
    found = {link.telegram_id: link for link in _links(telegram_id__in={one.telegram_id for one in strangers})}
    linked = []
    for one in strangers:
        link = found.get(one.telegram_id)
        is_new = link is None
        if link is None:
            user = _made_for(one.telegram_id).first() or _make(one)
            link = TelegramLink.objects.create(
                user=user, telegram_id=one.telegram_id, chat_id=one.chat_id, created_at=now
            )
            found[one.telegram_id] = link
        elif link.chat_id != one.chat_id:
            link.chat_id = one.chat_id
            link.save(update_fields=["chat_id"])
        linked.append(Linked(link.user_id, link.telegram_id, link.chat_id, is_new))
    return linked


def of_users(user_ids: Sequence[int]) -> dict[int, Linked]:
    """The Telegram accounts of these people, where they have one."""
    return {
        link.user_id: Linked(link.user_id, link.telegram_id, link.chat_id)
        for link in _links(user_id__in=set(user_ids))
    }


def of_chat(chat_id: int) -> Linked | None:
    """Whose chat with the bot this is."""
    link = TelegramLink.objects.filter(chat_id=chat_id).first()
    return Linked(link.user_id, link.telegram_id, link.chat_id) if link else None


def of_telegram(telegram_id: int) -> Linked | None:
    """Who this Telegram account is."""
    link = TelegramLink.objects.filter(telegram_id=telegram_id).first()
    return Linked(link.user_id, link.telegram_id, link.chat_id) if link else None


@transaction.atomic
def link(user_id: int, stranger: Stranger, *, now: datetime) -> None:
    """This Telegram account is this person's, and no other is; what either was linked to before is no more."""
    TelegramLink.objects.filter(telegram_id=stranger.telegram_id).delete()
    TelegramLink.objects.filter(user_id=user_id).delete()
    TelegramLink.objects.create(
        user_id=user_id, telegram_id=stranger.telegram_id, chat_id=stranger.chat_id, created_at=now
    )


def unlink(user_id: int) -> None:
    """This person has no Telegram account any more."""
    TelegramLink.objects.filter(user_id=user_id).delete()


def is_made_here(linked: Linked) -> bool:
    """Whether the account was made for this Telegram account when it first came: nobody else can be behind it."""
    return _made_for(linked.telegram_id).filter(pk=linked.user_id).exists()


def name_of(user_id: int) -> str:
    """What this person is called; "" where there is no such account."""
    user = User.objects.filter(pk=user_id).first()
    return (user.get_full_name() or user.get_username()) if user is not None else ""


def exist() -> bool:
    """Whether anybody has a Telegram account at all."""
    return TelegramLink.objects.exists()


def _made_for(telegram_id: int) -> QuerySet[User]:
    """The account that we made. One that can be signed in to is of somebody else who has chosen that name."""
    name = f"telegram-{telegram_id}"
    ours = User.objects.filter(password__startswith=UNUSABLE_PASSWORD_PREFIX).order_by("pk")
    return ours.filter(Q(username=name) | Q(username__startswith=f"{name}-"))


def _make(one: Stranger) -> User:
    name = f"telegram-{one.telegram_id}"
    if User.objects.filter(username=name).exists():
        name = f"{name}-{secrets.token_hex(4)}"
    user = User(username=name, first_name=one.name.strip()[:150], is_author=False)
    user.set_unusable_password()
    user.save()
    return user


def _links(**which: object) -> list[TelegramLink]:
    return list(TelegramLink.objects.filter(**which))
