"""What one process of an installation does for all: it holds a post, which a dead one loses soon."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.conversations.models import Post


class Wish(msgspec.Struct, frozen=True):
    """Somebody wants a post, or wants to keep it, for so many seconds from now."""

    name: str
    holder: str
    held_s: float


class Held(msgspec.Struct, frozen=True):
    """A post that somebody holds, or held."""

    name: str
    holder: str


def new_holder() -> str:
    """A name that no other process has."""
    return secrets.token_hex(16)


def hold_many(wishes: Sequence[Wish], *, now: datetime | None = None) -> list[bool]:
    """Whether each post is this holder's from now on: it was free, or theirs already."""
    now = now or timezone.now()
    names = sorted({wish.name for wish in wishes})
    _make_known(names)
    results = []
    with transaction.atomic():
        locked = Post.objects.select_for_update().filter(name__in=names).order_by("name")
        posts = {post.name: post for post in locked}
        for wish in wishes:
            post = posts[wish.name]
            mine = post.holder == wish.holder or _is_free(post, now, wish.held_s)
            if mine:
                post.holder, post.held_until = wish.holder, now + timedelta(seconds=wish.held_s)
                post.save()
            results.append(mine)
    return results


def _make_known(names: Sequence[str]) -> None:
    """Each of these has a row. Apart from its lock: MariaDB shares the lock of a row that was there already."""
    known = set(Post.objects.filter(name__in=names).values_list("name", flat=True))
    if missing := [Post(name=name) for name in names if name not in known]:
        Post.objects.bulk_create(missing, ignore_conflicts=True)


def leave_many(helds: Sequence[Held]) -> list[None]:
    """Each post is free at once, where it was theirs."""
    for held in helds:
        Post.objects.filter(name=held.name, holder=held.holder).update(holder="", held_until=None)
    return [None] * len(helds)


def is_held(name: str, *, now: datetime | None = None) -> bool:
    """Whether somebody who lives holds this post."""
    return Post.objects.filter(name=name, held_until__gte=now or timezone.now()).exists()


def all_held(*, now: datetime | None = None) -> tuple[str, ...]:
    """The posts that somebody who lives holds."""
    held = Post.objects.filter(held_until__gte=now or timezone.now())
    return tuple(held.order_by("name").values_list("name", flat=True))


def _is_free(post: Post, now: datetime, held_s: float) -> bool:
    """A term that reaches too far was given before the clock was moved back."""
    return post.held_until is None or not now <= post.held_until <= now + timedelta(seconds=2 * held_s)
