"""Who may sit at the desk, who is on duty, and who has a hand free."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from besedka.accounts.models import User
from besedka.conversations import audit, queries, signals
from besedka.conversations.audit import Deed
from besedka.desk.models import Operator

STAFF = "desk:staff"  # the topic of who is on duty


class Post(msgspec.Struct, frozen=True):
    """An operator as they sit at the desk now. `inbox_ids` None: every inbox is theirs."""

    user_id: int
    name: str
    is_enabled: bool
    is_supervisor: bool
    on_duty: bool
    capacity: int
    held: int  # conversations that they answer
    inbox_ids: tuple[int, ...] | None

    @property
    def is_free(self) -> bool:
        """On duty, with a hand free."""
        return self.on_duty and self.held < self.capacity

    def serves(self, inbox_id: int) -> bool:
        """Whether this inbox is theirs to answer in."""
        return self.inbox_ids is None or inbox_id in self.inbox_ids


def of_user_many(user_ids: Sequence[int]) -> list[Post | None]:
    """The posts of these people; None for who may not sit at the desk at all. Staff always may."""
    wanted = set(user_ids)
    staff = User.objects.filter(pk__in=wanted, is_staff=True, is_active=True, operator__isnull=True)
    for user in staff:  # the first time that they come
        Operator.objects.get_or_create(
            user=user, defaults={"is_enabled": True, "is_supervisor": user.is_superuser}
        )
    posts = {post.user_id: post for post in _posts(Operator.objects.filter(user_id__in=wanted))}
    return [posts.get(user_id) for user_id in user_ids]


def everybody() -> list[Post]:
    """All who may answer, by name."""
    return sorted((post for post in _posts(Operator.objects.all()) if post.is_enabled), key=lambda post: post.name)


def is_at_desk(user_id: int) -> bool:
    """Whether this person may sit at the desk."""
    [post] = of_user_many([user_id])
    return post is not None and post.is_enabled


@transaction.atomic(savepoint=False)
def register_many(user_ids: Sequence[int]) -> list[bool]:
    """Each of these is an operator whom an administrator may enable; False for who was one already."""
    return [Operator.objects.get_or_create(user_id=user_id)[1] for user_id in user_ids]


def forget_many(user_ids: Sequence[int]) -> None:
    """Who registered and is not enabled is no operator any more."""
    Operator.objects.filter(user_id__in=user_ids, is_enabled=False).delete()


@transaction.atomic(savepoint=False)
def start_many(user_ids: Sequence[int], *, now: datetime | None = None) -> list[str]:
    """Each is on duty: `started`, or `already`; `not_enabled` for who may not answer."""
    now = now or timezone.now()
    results = []
    for user_id, post in zip(user_ids, of_user_many(user_ids), strict=True):
        if post is None or not post.is_enabled:
            results.append("not_enabled")
        elif not Operator.objects.filter(user_id=user_id, on_duty_since=None).update(on_duty_since=now):
            results.append("already")
        else:
            audit.record_many([Deed("duty", user_id, None, {"on": True})], now)
            results.append("started")
    _tell()
    return results


@transaction.atomic(savepoint=False)
def end_many(user_ids: Sequence[int], *, now: datetime | None = None) -> list[None]:
    """None of these is on duty; what they have begun to answer stays theirs."""
    now = now or timezone.now()
    for user_id in user_ids:
        if Operator.objects.filter(user_id=user_id).exclude(on_duty_since=None).update(on_duty_since=None):
            audit.record_many([Deed("duty", user_id, None, {"on": False})], now)
    _tell()
    return [None] * len(user_ids)


def _tell() -> None:
    transaction.on_commit(lambda: signals.send_many({"desk": [STAFF, "desk:waiting"]}))


def _posts(operators: QuerySet[Operator]) -> list[Post]:
    """Values instead of objects: every console looks at everybody whenever somebody takes a conversation."""
    found = list(
        operators.order_by("pk").values_list(
            "pk",
            "user_id",
            "user__first_name",
            "user__last_name",
            "user__username",
            "is_enabled",
            "user__is_active",
            "is_supervisor",
            "on_duty_since",
            "capacity",
        )
    )
    inboxes: dict[int, list[int]] = {}
    for pk, inbox_id in operators.filter(inboxes__isnull=False).values_list("pk", "inboxes").order_by("inboxes"):
        inboxes.setdefault(pk, []).append(inbox_id)
    held = queries.held_by([user_id for _, user_id, *_ in found])
    return [
        Post(
            user_id=user_id,
            name=f"{first_name} {last_name}".strip() or username,
            is_enabled=is_enabled and is_active,
            is_supervisor=is_supervisor,
            on_duty=on_duty_since is not None,
            capacity=capacity,
            held=held.get(user_id, 0),
            inbox_ids=tuple(inboxes.get(pk, ())) or None,
        )
        for (
            pk,
            user_id,
            first_name,
            last_name,
            username,
            is_enabled,
            is_active,
            is_supervisor,
            on_duty_since,
            capacity,
        ) in found
    ]
