"""Who writes: from a chat token to a contact and its conversation."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from besedka.conversations import rows, sql
from besedka.conversations.models import Contact, Conversation, Identity, Inbox
from besedka.conversations.rows import Row


class Address(msgspec.Struct, frozen=True):
    """Where a contact writes from: known as what, and in which inbox."""

    inbox_id: int
    known_as: str
    shown: str = ""
    kind: str = "token"

    @property
    def topic(self) -> str:
        """What to listen for as long as there is no conversation yet."""
        return f"{self.kind}:{self.known_as}:{self.inbox_id}"


def address(inbox_id: int, token: str) -> Address:
    """The address of a chat token. The token itself goes no further: we keep its SHA-256 and five characters."""
    return Address(inbox_id, hashlib.sha256(token.encode()).hexdigest(), token[:5])


def user_address(inbox_id: int, user_id: int, name: str) -> Address:
    """The address of somebody with an account."""
    return Address(inbox_id, str(user_id), name[:5], "user")


def session_address(inbox_id: int, session: str) -> Address:
    """The address of somebody for whom a program speaks, under the name that the program has for them."""
    known_as = hashlib.sha256(f"{inbox_id}:{session}".encode()).hexdigest()
    return Address(inbox_id, known_as, session[:5], "session")


def locate_many(addresses: Iterable[Address], now: datetime) -> tuple[dict[Address, Row], list[Address]]:
    """Find or make the contact and conversation of each address; the rows are locked. Second value: the new ones.

    An address in an inbox that is gone has none. Raises IntegrityError when another process makes the same contact
    at the same moment; a second try finds it.
    """
    wanted = dict.fromkeys(addresses)
    found = find_many(wanted)
    missing = [address for address in wanted if address not in found]
    first_owner = dict(Inbox.objects.values_list("pk", "first_owner")) if missing else {}
    new = [address for address in missing if address.inbox_id in first_owner]
    if new:
        _make(new, first_owner, now)
        found.update(find_many(new))
    return found, new


def find_many(addresses: Iterable[Address]) -> dict[Address, Row]:
    """The conversations that there are at these addresses, locked."""
    wanted = {(address.kind, address.known_as, address.inbox_id): address for address in addresses}
    if not wanted:
        return {}
    condition, parameters = sql.any_of("i.known_as", list(dict.fromkeys(known_as for _, known_as, _ in wanted)))
    found = sql.select(
        f"SELECT i.kind, i.known_as, {rows.COLUMNS} FROM conversations_identity i "
        f"JOIN conversations_conversation c ON c.contact_id = i.contact_id WHERE {condition} AND {rows.ALIVE}"
        f"{sql.locking()}",
        parameters,
    )
    located = {}
    known: dict[int, Row] = {}  # a contact may be known in several ways; its conversation is one
    for kind, known_as, *values in found:
        row = rows.from_select(values)
        row = known.setdefault(row.id, row)
        address = wanted.get((kind, known_as, row.inbox_id))
        if address is not None:
            located[address] = row
    return located


def _make(addresses: list[Address], first_owner: dict[int, str], now: datetime) -> None:
    known: dict[tuple[str, str], Any] = dict.fromkeys((address.kind, address.known_as) for address in addresses)
    # Locked: whoever erases this person now waits for the conversation that we make, or we find a stranger.
    identities = Identity.objects.select_for_update().filter(known_as__in=[known_as for _, known_as in known])
    for identity in identities.order_by("pk"):
        known[identity.kind, identity.known_as] = identity.contact_id  # the same person, in another inbox
    shown = {(address.kind, address.known_as): address.shown for address in addresses}
    strangers = [identity for identity, contact_id in known.items() if contact_id is None]
    contacts = _insert_contacts([Contact(created_at=now) for _ in strangers])
    Identity.objects.bulk_create(
        [
            Identity(contact=contact, kind=kind, known_as=known_as, shown=shown[kind, known_as])
            for contact, (kind, known_as) in zip(contacts, strangers, strict=True)
        ]
    )
    known.update({identity: contact.pk for contact, identity in zip(contacts, strangers, strict=True)})
    Conversation.objects.bulk_create(
        [
            Conversation(
                inbox_id=address.inbox_id,
                contact_id=known[address.kind, address.known_as],
                owner=first_owner[address.inbox_id],
                created_at=now,
                last_message_at=now,
                active_at=now.replace(second=0, microsecond=0),
                waiting_since=now if first_owner[address.inbox_id] == "queue" else None,
            )
            for address in addresses
        ]
    )


def _insert_contacts(contacts: list[Contact]) -> list[Contact]:
    """Insert all and know their ids, which MySQL tells only one at a time."""
    if connection.features.can_return_rows_from_bulk_insert:
        return Contact.objects.bulk_create(contacts)
    for contact in contacts:
        contact.save(force_insert=True)
    return contacts
