"""How to reach a contact that nobody could answer: asked for, and written down when it was left."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.conversations import audit, changes, rows, signals
from besedka.conversations.audit import Deed
from besedka.conversations.changes import Told
from besedka.conversations.models import Contact, Conversation
from besedka.problems import NotFound, Problem


class Left(msgspec.Struct, frozen=True):
    """What a contact left in a conversation, after having been asked."""

    conversation_id: int
    email: str = ""
    phone: str = ""


class Description(msgspec.Struct, frozen=True):
    """What an operator knows of the contact of a conversation; None leaves a field as it is."""

    conversation_id: int
    operator_id: int
    name: str | None = None
    email: str | None = None
    phone: str | None = None


@transaction.atomic(savepoint=False)
def left_many(lefts: Sequence[Left], *, now: datetime | None = None) -> list[bool]:
    """Each contact can be reached and is thanked; somebody has to call them. False where nobody had asked."""
    now = now or timezone.now()
    locked = rows.lock_many(left.conversation_id for left in lefts)
    noted = []
    results = []
    for left in lefts:
        row = locked.get(left.conversation_id)
        asked = row is not None and row.details_asked
        if row is not None and asked:
            found = {"email": left.email, "phone": left.phone}
            Contact.objects.filter(pk=row.contact_id).update(
                **{key: value for key, value in found.items() if value}
            )
            row.details_asked, row.callback_at, row.changed = False, now, True
            noted.append(Told(row, before=row.operator_id))
        results.append(asked)
    changes.tell("details_left", noted, now)
    return results


@transaction.atomic(savepoint=False)
def describe_many(wishes: Sequence[Description], *, now: datetime | None = None) -> list[dict[str, Any] | Problem]:
    """Each contact is called, and reached, as the operator says."""
    now = now or timezone.now()
    locked = rows.lock_many(wish.conversation_id for wish in wishes)
    for wish in wishes:
        row = locked.get(wish.conversation_id)
        if row is None:
            continue
        given = {"name": wish.name, "email": wish.email, "phone": wish.phone}
        fields = {key: value.strip() for key, value in given.items() if value is not None}
        Contact.objects.filter(pk=row.contact_id).update(**fields)
        details = {"fields": sorted(fields)}
        audit.record_many([Deed("described", wish.operator_id, wish.conversation_id, details)], now)
    ids = [wish.conversation_id for wish in wishes if wish.conversation_id in locked]
    transaction.on_commit(lambda: signals.send_many({"contact": ids}))
    known = dict(zip(ids, contacts_of(ids), strict=True))
    return [known.get(wish.conversation_id) or NotFound() for wish in wishes]


def contacts_of(conversation_ids: Sequence[int]) -> list[dict[str, Any] | None]:
    """Who writes in each of these: `id`, `name`, `email`, `phone`, `shown`, `kinds`, `created_at`."""
    found = Conversation.objects.filter(pk__in=set(conversation_ids)).select_related("contact")
    people = {}
    for conversation in found.prefetch_related("contact__identities"):
        contact = conversation.contact
        identities = list(contact.identities.all())
        people[conversation.pk] = {
            "id": contact.pk,
            "name": contact.name,
            "email": contact.email,
            "phone": contact.phone,
            "shown": identities[0].shown if identities else "",
            "kinds": sorted({identity.kind for identity in identities}),
            "created_at": contact.created_at,
        }
    return [people.get(conversation_id) for conversation_id in conversation_ids]
