"""Waiting conversations become invitations to operators who sit outside; the first who accepts has it."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.accounts import links
from besedka.conversations import deliveries, details, ownership, rows, waits
from besedka.conversations.changes import Change, Taken
from besedka.conversations.deliveries import Outgoing
from besedka.conversations.log import Stale
from besedka.conversations.waits import Wait
from besedka.desk import duty, outside, routing
from besedka.desk.duty import Post
from besedka.desk.models import Invitation
from besedka.desk.outside import TELEGRAM
from besedka.problems import NotFound, Problem

CALLED_AT_ONCE = 200  # waiting conversations that people are invited to, the longest waiting
WAIT = ("inbox_id", "owner_version", "waiting_since", "stage")  # of a conversation, as `Wait` has them
Outside = list[tuple[Post, str]]  # who could be called in Telegram, and where


class Busy(Problem):
    """You are in a conversation already; finish it first."""

    code = "busy"
    status = 409


class NotEnabled(Problem):
    """An administrator has to enable you first."""

    code = "not_enabled"
    status = 403


class Accept(msgspec.Struct, frozen=True):
    """Somebody takes up an invitation."""

    invitation_id: int
    user_id: int


class Accepted(msgspec.Struct, frozen=True):
    """The conversation is theirs. What was said in it goes to them by delivery; there is nothing more to send."""

    conversation_id: int
    owner_version: int


@transaction.atomic(savepoint=False)
def sweep_many(limits: Sequence[int], *, now: datetime | None = None) -> list[int]:
    """Whoever is on duty outside, and free, has an invitation to each conversation that waits, and no other.

    When the ladder has come to supervisors, they have one on duty or not. How many were sent or withdrawn.
    """
    now = now or timezone.now()
    there = _outside()
    return [_invite(limit, there, now) + _withdraw(there, now) for limit in limits]


def offered_many(posts: Sequence[Post]) -> list[int | None]:
    """To each operator the conversation that waits longest of those they are called to; None: there is none."""
    waiting = waits.longest(CALLED_AT_ONCE) if any(post.on_duty or post.is_supervisor for post in posts) else []
    return [next((wait.conversation_id for wait in waiting if _is_called(post, wait)), None) for post in posts]


def _invite(limit: int, outside_posts: Outside, now: datetime) -> int:
    if not outside_posts:
        return 0
    waiting = waits.longest(limit)
    known = {
        (one.conversation_id, one.operator_id, one.owner_version): one
        for one in Invitation.objects.filter(conversation_id__in=[wait.conversation_id for wait in waiting])
    }
    wanted = []
    for wait in waiting:
        for post, recipient in outside_posts:
            earlier = known.get((wait.conversation_id, post.user_id, wait.owner_version))
            if _is_called(post, wait) and (earlier is None or earlier.withdrawn_at is not None):
                wanted.append((wait, post, recipient, earlier))
    # Locked: to what is erased this very moment nobody is invited.
    there = rows.lock_many(wait.conversation_id for wait, _, _, _ in wanted)
    sent = [one for one in wanted if one[0].conversation_id in there]
    called_for = list(dict.fromkeys(wait.conversation_id for wait, _, _, _ in sent))
    contacts = dict(zip(called_for, details.contacts_of(called_for), strict=True))
    for wait, post, recipient, earlier in sent:
        shown = (contacts[wait.conversation_id] or {}).get("shown", "")
        _send(wait, post, recipient, earlier, shown, now)
    return len(sent)


def _outside() -> Outside:
    """Who could be called in Telegram: has it, and leads nothing there."""
    if not links.exist():
        return []
    posts = duty.everybody()
    linked = links.of_users([post.user_id for post in posts])
    there = [(post, str(linked[post.user_id].chat_id)) for post in posts if post.user_id in linked]
    return [(post, recipient) for post, recipient in there if not deliveries.watched_by(TELEGRAM, recipient)]


def _is_called(post: Post, wait: Wait) -> bool:
    if not post.serves(wait.inbox_id):
        return False
    if post.is_supervisor and wait.stage >= routing.SUPERVISORS:
        return True
    return post.on_duty and (post.is_free or wait.stage >= routing.EVERYONE)


def _send(wait: Wait, post: Post, recipient: str, earlier: Invitation | None, shown: str, now: datetime) -> None:
    invitation = earlier or Invitation(
        conversation_id=wait.conversation_id, operator_id=post.user_id, owner_version=wait.owner_version
    )
    invitation.created_at, invitation.withdrawn_at = now, None
    invitation.save()
    body = {"kind": "invitation", "invitation": invitation.pk, "shown": shown}
    [invitation.delivery_id] = deliveries.post_many(
        [Outgoing(TELEGRAM, recipient, body, conversation_id=wait.conversation_id)], now=now
    )
    invitation.save(update_fields=["delivery_id"])


def _withdraw(outside_posts: Outside, now: datetime) -> int:
    """Take back what nobody can accept any more: it waits no longer, or the one invited is not free."""
    posts = {post.user_id: post for post, _ in outside_posts}
    standing = Invitation.objects.filter(withdrawn_at=None).values_list(
        "pk", "operator_id", "owner_version", "conversation_id", *(f"conversation__{name}" for name in WAIT)
    )
    over = [
        pk
        for pk, operator_id, version, *wait in standing
        if not _still_called(posts.get(operator_id), version, *wait)
    ]
    gone = list(Invitation.objects.filter(pk__in=over).select_related("conversation__operator")) if over else []
    people = links.of_users([one.operator_id for one in gone])
    for one in gone:
        Invitation.objects.filter(pk=one.pk).update(withdrawn_at=now)
        if one.delivery_id is None or deliveries.take_back(one.delivery_id):
            continue
        if one.operator_id in people:
            owner = one.conversation.operator
            name = (owner.get_full_name() or owner.get_username()) if owner is not None else ""
            body = {"kind": "withdraw", "of": one.delivery_id, "owner": name}
            recipient = str(people[one.operator_id].chat_id)
            deliveries.post_many(
                [Outgoing(TELEGRAM, recipient, body, conversation_id=one.conversation_id)], now=now
            )
    return len(gone)


def _still_called(
    post: Post | None,
    version: int,
    conversation_id: int,
    inbox_id: int,
    owner_version: int,
    since: datetime | None,
    stage: int,
) -> bool:
    if post is None or since is None or owner_version != version:
        return False
    return _is_called(post, Wait(conversation_id, inbox_id, owner_version, since, stage))


@transaction.atomic(savepoint=False)
def accept_many(accepts: Sequence[Accept], *, now: datetime | None = None) -> list[Accepted | Problem]:
    """Each conversation is led by the first who accepted; the others hear who that is (`Taken`), and nothing else.

    Refused with `NotFound` for somebody else's invitation, `NotEnabled`, and `Busy` for who leads one already.
    """
    now = now or timezone.now()
    return [_accept(accept, now) for accept in accepts]


def _accept(accept: Accept, now: datetime) -> Accepted | Problem:
    invitation = Invitation.objects.filter(pk=accept.invitation_id, operator_id=accept.user_id).first()
    recipient = outside.recipient_of(accept.user_id)
    if invitation is None or recipient is None:
        return NotFound()
    [post] = duty.of_user_many([accept.user_id])
    if post is None or not post.is_enabled:
        return NotEnabled()
    led = outside.led_by(accept.user_id)
    if led is not None and led != invitation.conversation_id:
        return Busy()
    claim = Change(invitation.conversation_id, accept.user_id, invitation.owner_version)
    [row] = ownership.claim_many([claim], now=now)
    if isinstance(row, Stale):
        return Taken(owner=row.details.get("owner", ""))
    if isinstance(row, Problem):
        return row
    if led is None:
        outside.take(row, accept.user_id, recipient, now=now)
    return Accepted(row.id, row.owner_version)
