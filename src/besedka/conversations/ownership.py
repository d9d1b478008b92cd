"""Who answers. The owner changes here and in `closing` only, and each change moves the fence."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.accounts.models import User
from besedka.conversations import changes, contacts, episodes, log, rows, signals
from besedka.conversations.changes import Change, Told
from besedka.conversations.contacts import Address
from besedka.conversations.log import Stale
from besedka.conversations.models import Inbox
from besedka.conversations.rows import Row
from besedka.problems import Invalid, NotFound, Problem

OFTEN = 2  # hand-offs in a row for one reason: who hands over so often has nothing more to say


class BotGaveUp(Problem):
    """The bot has handed this over twice for the same reason: it would do so again."""

    code = "bot_gave_up"
    status = 409


class NoBot(Problem):
    """No bot answers in this inbox."""

    code = "no_bot"
    status = 409


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
    relieved: list[Told] = []
    granted = []
    for wish in wishes:
        row = locked.get(wish.conversation_id)
        mine = row is not None and row.owner == "bot" and row.owner_version == wish.owner_version
        if row is not None and mine:
            _relieve(row, wish.reason, now)
            relieved.append(Told(row, reason=wish.reason))
        granted.append(mine)
    changes.tell("handed_off", relieved, now)
    return granted


@transaction.atomic(savepoint=False)
def ask_for_person_many(addresses: Sequence[Address], *, now: datetime | None = None) -> list[Row | Problem]:
    """Each contact's conversation waits for a person, or has one already; it is made if there was none.

    Asking again changes nothing. `NotFound` for an address in an inbox that is gone.
    """
    now = now or timezone.now()
    located, born = contacts.locate_many(addresses, now)
    relieved: dict[int, Told] = {}
    for row in located.values():
        if row.status != "open":
            episodes.go_on(row, now)
        if row.owner == "bot":
            _relieve(row, "asked_for_person", now)
            relieved[row.id] = Told(row, reason="asked_for_person")
    others = [row for row in located.values() if row.id not in relieved]
    rows.save_many(others, now)
    changes.tell("handed_off", list(relieved.values()), now)
    topics = [address.topic for address in born]
    moved = [row for row in others if row.moved]
    sent: signals.Kinds = {"new": topics, "state": [row.id for row in moved], "desk": log.desk_topics(moved)}
    transaction.on_commit(lambda: signals.send_many(sent))
    return [located.get(address) or NotFound() for address in addresses]


@transaction.atomic(savepoint=False)
def claim_many(claims: Sequence[Change], *, now: datetime | None = None) -> list[Row | Problem]:
    """Each conversation is its operator's, whoever answered before; others are told who was faster (`Taken`).

    Claiming again what is already yours changes nothing. The row is locked, so any number may try at once. A
    closed conversation is opened for it.
    """
    now = now or timezone.now()
    locked = rows.lock_many(claim.conversation_id for claim in claims)
    claimed: list[Told] = []
    results: list[Row | Problem] = []
    for claim in claims:
        row = locked.get(claim.conversation_id)
        if row is not None and row.owner == "operator" and row.operator_id == claim.operator_id:
            moved_on = claim.exact and claim.owner_version not in (None, row.owner_version)
            results.append(Stale(owner=changes.name_of_owner(row)) if moved_on else row)
            continue
        if row is not None and row.owner == "operator" and not claim.over:
            results.append(changes.Taken(owner=changes.name_of_owner(row)))
            continue
        refused = changes.refusal(row, claim)
        if row is None or refused is not None:
            results.append(refused or NotFound())
            continue
        before = row.operator_id
        episodes.take_up(row)
        row.change_owner("operator", claim.operator_id, now=now)
        claimed.append(Told(row, by=claim.operator_id, before=before))
        results.append(row)
    changes.tell("claimed", claimed, now)
    return results


@transaction.atomic(savepoint=False)
def transfer_many(transfers: Sequence[Change], *, now: datetime | None = None) -> list[Row | Problem]:
    """Each conversation is answered by the operator `to` from now on, or waits in the queue for anybody.

    Refused with `Stale`, `Taken`, `NotFound`, and `Invalid` for somebody who is no active account.
    """
    now = now or timezone.now()
    wanted = {transfer.to for transfer in transfers if transfer.to}
    known = set(User.objects.filter(pk__in=wanted, is_active=True).values_list("pk", flat=True))
    moved: list[Told] = []

    def move(row: Row, wish: Change) -> Problem | None:
        if wish.to is not None and wish.to not in known:
            return Invalid("`to` is nobody who could answer.", field="to")
        before = row.operator_id
        episodes.take_up(row)
        row.change_owner("operator" if wish.to is not None else "queue", wish.to, now=now)
        moved.append(Told(row, by=wish.operator_id, to=wish.to, before=before))
        return None

    locked = rows.lock_many(transfer.conversation_id for transfer in transfers)
    results = changes.do_many(transfers, locked, move)
    changes.tell("transferred", moved, now)
    return results


@transaction.atomic(savepoint=False)
def return_many(wishes: Sequence[Change], *, now: datetime | None = None) -> list[Row | Problem]:
    """The bot answers again; what it had asked before, it may ask again. With the bot already: nothing changes.

    Refused with `Stale`, `Taken`, `NotFound`, `NoBot`, and `BotGaveUp` where it would only hand over again.
    """
    now = now or timezone.now()
    with_bot = set(Inbox.objects.filter(first_owner="bot").values_list("pk", flat=True))
    returned: list[Told] = []

    def give_back(row: Row, wish: Change) -> Problem | None:
        if row.owner == "bot":
            return None
        refused = _cannot_return(row, with_bot)
        if refused is None:
            before = row.operator_id
            row.change_owner("bot", now=now)
            row.reacted_seq, row.due_at = row.last_seq, now
            returned.append(Told(row, by=wish.operator_id, before=before))
        return refused

    results = changes.do_many(wishes, rows.lock_many(wish.conversation_id for wish in wishes), give_back)
    changes.tell("returned", returned, now)
    ids = [told.row.id for told in returned]
    transaction.on_commit(lambda: signals.send_many({"due": ids}))
    return results


def _cannot_return(row: Row, with_bot: set[int]) -> Problem | None:
    if row.inbox_id not in with_bot or row.status == "closed":
        return NoBot()
    return BotGaveUp() if row.hand_offs >= OFTEN else None


def _relieve(row: Row, reason: str, now: datetime) -> None:
    row.hand_offs = row.hand_offs + 1 if reason == row.reason else 1
    row.reason = reason
    row.change_owner("queue", now=now)
