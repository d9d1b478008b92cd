"""One process of an installation talks to Telegram: it holds a post, which a dead one loses soon."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.telegram import updates
from besedka.telegram.models import Post

HELD_S = 15  # until a holder that says nothing has lost the post
RENEWED_S = 4


class Wish(msgspec.Struct, frozen=True):
    """Somebody wants the post, or wants to keep it, and says how it goes."""

    holder: str
    state: str = ""


def new_holder() -> str:
    """A name that no other process has."""
    return secrets.token_hex(16)


@transaction.atomic(savepoint=False)
def hold_many(wishes: Sequence[Wish], *, now: datetime | None = None) -> list[bool]:
    """Whether the post is this holder's for `HELD_S` seconds: it was free, or theirs already."""
    now = now or timezone.now()
    Post.objects.bulk_create([Post(bot_id=updates.bot_id())], ignore_conflicts=True)
    row = Post.objects.select_for_update().get(bot_id=updates.bot_id())
    results = []
    for wish in wishes:
        mine = row.holder == wish.holder or _is_free(row, now)
        if mine:
            row.holder, row.held_until = wish.holder, now + timedelta(seconds=HELD_S)
            row.state, row.state_at = wish.state, now
        results.append(mine)
    if any(results):
        row.save()
    return results


@transaction.atomic(savepoint=False)
def leave_many(holders: Sequence[str]) -> list[None]:
    """The post is free at once, where it was theirs."""
    Post.objects.filter(bot_id=updates.bot_id(), holder__in=holders).update(holder="", held_until=None)
    return [None] * len(holders)


def vacate() -> None:
    """Nobody has a post: whoever had one is of another time."""
    Post.objects.update(holder="", held_until=None)


def _is_free(row: Post, now: datetime) -> bool:
    """A term that reaches too far was given before the clock was moved back."""
    return row.held_until is None or not now <= row.held_until <= now + timedelta(seconds=2 * HELD_S)
