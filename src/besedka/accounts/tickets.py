"""Tickets for connections: one use, a minute, bound to who asked for them."""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from django.utils import timezone

from besedka.accounts.models import Ticket, User
from besedka.problems import Problem

LIFE_S = 60
KEPT = timedelta(hours=1)  # a used one, or one that nobody used


class TicketInvalid(Problem):
    """This ticket is wrong, was used, or is older than a minute: ask for another one."""

    code = "ticket_invalid"
    status = 401


class Person(msgspec.Struct, frozen=True):
    """Who holds a ticket."""

    user_id: int
    name: str
    fingerprint: str = ""  # changes with the password and with what they may do


def issue(user_id: int, *, now: datetime | None = None) -> str:
    """A new ticket of this person; old ones of everybody are forgotten."""
    now = now or timezone.now()
    ticket = str(uuid.uuid4())
    Ticket.objects.filter(created_at__lt=now - KEPT).delete()
    Ticket.objects.create(digest=_digest(ticket), user_id=user_id, created_at=now)
    return ticket


def redeem_many(tickets: Sequence[str], *, now: datetime | None = None) -> list[Person | Problem]:
    """Who holds each of these tickets; from now on it is worth nothing. `TicketInvalid` for all others.

    The `WHERE` of one update decides, so of many who show the same ticket at once one is let in.
    """
    now = now or timezone.now()
    return [_redeem(ticket, now) for ticket in tickets]


def known_many(user_ids: Sequence[int]) -> list[Person | None]:
    """These people as they are now; None for an account that is gone or switched off."""
    found = User.objects.filter(pk__in=set(user_ids), is_active=True)
    people = {user.pk: _person(user) for user in found}
    return [people.get(user_id) for user_id in user_ids]


def _redeem(ticket: str, now: datetime) -> Person | Problem:
    # No join: PostgreSQL would look for an unused ticket in a subquery, and not look again after having waited.
    fresh = Ticket.objects.filter(
        digest=_digest(ticket),
        used_at=None,
        created_at__gt=now - timedelta(seconds=LIFE_S),
        user__in=User.objects.filter(is_active=True),
    )
    if not fresh.update(used_at=now):
        return TicketInvalid()
    return _person(
        User.objects.get(pk=Ticket.objects.values_list("user_id", flat=True).get(digest=_digest(ticket)))
    )


def _person(user: User) -> Person:
    name = user.get_full_name() or user.get_username()
    return Person(user.pk, name, user.fingerprint)


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode("utf-8", "replace")).hexdigest()
