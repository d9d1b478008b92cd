"""Who answers. The owner changes here only, and each change moves the fence."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.accounts.models import User
from besedka.conversations import contacts, episodes, log, notices, rows, signals, sql
from besedka.conversations.contacts import Address
from besedka.conversations.models import Inbox
from besedka.conversations.rows import Row
from besedka.conversations.wire import Entry
from besedka.problems import NotFound, Problem


class Taken(Problem):
    """Somebody else answers in this conversation."""

    code = "taken"
    status = 409


class Claim(msgspec.Struct, frozen=True):
    """An operator's wish to answer in a conversation."""

    conversation_id: int
    operator_id: int


class HandOff(msgspec.Struct, frozen=True):
    """A bot's wish to be relieved, with its reason. It counts only while the bot still is the owner it was."""

    conversation_id: int
    reason: str
    owner_version: int


@transaction.atomic(savepoint=False)
def hand_off_many(wishes: Sequence[HandOff], *, now: datetime | None = None) -> list[bool]:
    """The bot is silent and the conversation waits for a person, who is told why; the contact is told once.

    False for a wish that came too late: the owner has changed since. A second wish changes nothing.
    """
    now = now or timezone.now()
    locked = rows.lock_many(wish.conversation_id for wish in wishes)
    relieved: list[tuple[Row, str]] = []
    granted = []
    for wish in wishes:
        row = locked.get(wish.conversation_id)
        mine = row is not None and row.owner == "bot" and row.owner_version == wish.owner_version
        if row is not None and mine:
            row.change_owner("queue")
            relieved.append((row, wish.reason))
        granted.append(mine)
    _tell("handed_off", relieved, now)
    return granted


@transaction.atomic(savepoint=False)
def ask_for_person_many(addresses: Sequence[Address], *, now: datetime | None = None) -> list[Row | Problem]:
    """Each contact's conversation waits for a person, or has one already; it is made if there was none.

    Asking again changes nothing. `NotFound` for an address in an inbox that is gone.
    """
    now = now or timezone.now()
    located, born = contacts.locate_many(addresses, now)
    relieved: dict[int, tuple[Row, str]] = {}
    for row in located.values():
        if row.status != "open":
            episodes.reopen(row)
        if row.owner == "bot":
            row.change_owner("queue")
            relieved[row.id] = (row, "asked_for_person")
    rows.save_many([row for row in located.values() if row.id not in relieved], now)
    _tell("handed_off", list(relieved.values()), now)
    topics = [address.topic for address in born]
    transaction.on_commit(lambda: signals.send_many({"new": topics}))
    return [located.get(address) or NotFound() for address in addresses]


@transaction.atomic(savepoint=False)
def claim_many(claims: Sequence[Claim], *, now: datetime | None = None) -> list[Row | Problem]:
    """Each conversation is its operator's, whoever answered before; the others are told who was faster (`Taken`).

    Claiming again what is already yours changes nothing. The row is locked, so any number may try at once.
    """
    now = now or timezone.now()
    locked = rows.lock_many(claim.conversation_id for claim in claims)
    claimed: list[tuple[Row, str]] = []
    results: list[Row | Problem] = []
    for claim in claims:
        row = locked.get(claim.conversation_id)
        if row is None:
            results.append(NotFound())
        elif row.owner == "operator" and row.operator_id != claim.operator_id:
            results.append(Taken(owner=_name_of(row.operator_id)))
        else:
            if row.owner != "operator":
                row.change_owner("operator", claim.operator_id)
                claimed.append((row, ""))
            results.append(row)
    _tell("claimed", claimed, now)
    return results


def _name_of(operator_id: int | None) -> str:
    operator = User.objects.filter(pk=operator_id or 0).first()
    return (operator.get_full_name() or operator.get_username()) if operator is not None else ""


@transaction.atomic(savepoint=False)
def return_to_bot_many(conversation_ids: Sequence[int], *, now: datetime | None = None) -> int:
    """The bot answers again, where there is one; what it had asked before, it may ask again. How many changed."""
    now = now or timezone.now()
    with_bot = set(Inbox.objects.filter(first_owner="bot").values_list("pk", flat=True))
    locked = rows.lock_many(conversation_ids).values()
    returning = [row for row in locked if row.owner != "bot" and row.status == "open" and row.inbox_id in with_bot]
    for row in returning:
        row.change_owner("bot")
        row.reacted_seq, row.due_at = row.last_seq, now
    _tell("returned", [(row, "") for row in returning], now)
    ids = [row.id for row in returning]
    transaction.on_commit(lambda: signals.send_many({"due": ids}))
    return len(returning)


def _tell(event: str, changed: Sequence[tuple[Row, str]], now: datetime) -> None:
    """Save the rows and put one system message into the log of each."""
    if not changed:
        return
    condition, parameters = sql.any_of("id", sorted({row.inbox_id for row, _ in changed}), kind="bigint")
    languages = dict(sql.select(f"SELECT id, language FROM conversations_inbox WHERE {condition}", parameters))
    entries = []
    for row, reason in changed:
        row.last_seq += 1
        row.grown = True
        payload = {"event": event, "reason": reason} if reason else {"event": event}
        text = notices.text(event, languages[row.inbox_id])
        entries.append(Entry(row.id, row.last_seq, "system", text, None, now, payload))
    log.write(entries)
    rows.save_many([row for row, _ in changed], now)
    ids = [row.id for row, _ in changed]
    transaction.on_commit(lambda: signals.send_many({"new": ids, "state": ids}))
