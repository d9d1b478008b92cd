"""The bot's turn in a conversation: who has it, until when, and how it ended. One at a time, whoever dies."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from besedka.conversations import log, rows, signals, sql
from besedka.conversations.models import Conversation, Turn
from besedka.conversations.rows import Row
from besedka.conversations.wire import Entry

LEASE_S = 15  # a worker that dies is missed after so long; one that lives renews in time


class Claim(msgspec.Struct, frozen=True):
    """A turn that is ours until the lease runs out, and what the contact said since the last one."""

    conversation_id: int
    inbox_id: int
    owner_version: int
    lease_key: str
    from_seq: int
    upto_seq: int
    episode_after: int
    attempts: int
    messages: tuple[Entry, ...]
    started_at: datetime
    said_last: Entry | None = None  # what the bot said to the contact last, before these
    waited_s: float = 0.0  # since the contact waits for this turn: longer, where somebody else began it and died
    details_asked: bool = False  # the contact was asked how to be reached


class Finish(msgspec.Struct, frozen=True):
    """How a claimed turn ended, for the record; without an outcome there was nothing to do, and there is none."""

    claim: Claim
    outcome: str
    reason: str
    trace: dict[str, Any]


class Finished(msgspec.Struct, frozen=True):
    """Whether the turn still was ours when it ended, and whether the next one is due already."""

    mine: bool
    due: bool


@transaction.atomic(savepoint=False)
def claim_many(conversation_ids: Sequence[int], *, now: datetime | None = None) -> list[Claim | None]:
    """Each conversation's due turn is ours for `LEASE_S` seconds; None where none is due or another has it."""
    now = now or timezone.now()
    locked = rows.lock_many(conversation_ids)
    mine = {row.id: row for row in locked.values() if _is_free(row, now)}
    heard = log.read_many(
        [log.Want(row.id, max(row.reacted_seq, row.episode_after), row.heard_seq) for row in mine.values()]
    )
    claims: dict[int, Claim] = {}
    for row, messages in zip(mine.values(), heard, strict=True):
        row.lease_key, row.lease_until = secrets.token_hex(16), now + timedelta(seconds=LEASE_S)
        row.attempts += 1
        row.changed = True
        claims[row.id] = Claim(
            conversation_id=row.id,
            inbox_id=row.inbox_id,
            owner_version=row.owner_version,
            lease_key=row.lease_key,
            from_seq=max(row.reacted_seq, row.episode_after) + 1,
            upto_seq=messages[-1].seq if messages else row.heard_seq,
            episode_after=row.episode_after,
            attempts=row.attempts,
            messages=tuple(entry for entry in messages if entry.author == "contact"),
            started_at=now,
            waited_s=max(0.0, (now - row.due_at).total_seconds()) if row.due_at else 0.0,
            said_last=next((entry for entry in reversed(messages) if entry.author == "bot"), None),
            details_asked=bool(row.details_asked),
        )
    rows.save_many(mine.values(), now)
    return [claims.pop(conversation_id, None) for conversation_id in conversation_ids]


def hold_many(claims: Sequence[Claim]) -> None:
    """Lock the conversations of these turns until the transaction ends, in one go.

    For who writes to some of them first and to all of them then: locked in two goes they would be locked in an
    order that is nobody else's, and two processes could wait for each other.
    """
    rows.lock_many(claim.conversation_id for claim in claims)


@transaction.atomic(savepoint=False)
def finish_many(finishes: Sequence[Finish], *, now: datetime | None = None) -> list[Finished]:
    """Record each turn; where it still was ours, the lease ends and the bot has reacted to what it read.

    A turn that another worker or another owner has taken meanwhile is recorded as dropped and changes nothing.
    """
    now = now or timezone.now()
    locked = rows.lock_many(finish.claim.conversation_id for finish in finishes)
    results, records = [], []
    for finish in finishes:
        row = locked.get(finish.claim.conversation_id)
        mine = row is not None and row.lease_key == finish.claim.lease_key
        if row is not None and mine:
            row.lease_key, row.lease_until, row.attempts = "", None, 0
            row.reacted_seq = max(row.reacted_seq, finish.claim.upto_seq)
            row.due_at = now if row.heard_seq > row.reacted_seq else None
            row.changed = True
        if row is not None and finish.outcome:
            records.append(finish if mine else Finish(finish.claim, "dropped", "stale_owner", finish.trace))
        results.append(Finished(mine=mine, due=mine and row is not None and row.due_at is not None))
    _record(records, now)
    rows.save_many(locked.values(), now)
    return results


@transaction.atomic(savepoint=False)
def stir_many(conversation_ids: Sequence[int], *, now: datetime | None = None) -> list[bool]:
    """The bot's turn is due in each of these, though nobody said anything; False where it is not the bot's."""
    now = now or timezone.now()
    locked = rows.lock_many(conversation_ids)
    theirs = {row.id for row in locked.values() if row.owner == "bot" and row.status == "open"}
    for row in locked.values():
        if row.id in theirs and row.due_at is None:
            row.due_at, row.changed = now, True
    rows.save_many(locked.values(), now)
    transaction.on_commit(lambda: signals.send_many({"due": sorted(theirs)}))
    return [conversation_id in theirs for conversation_id in conversation_ids]


def renew_many(claims: Sequence[Claim], *, now: datetime | None = None) -> list[None]:
    """The leases of these turns last another `LEASE_S` seconds, where they still are ours."""
    until = (now or timezone.now()) + timedelta(seconds=LEASE_S)
    keys = [claim.lease_key for claim in claims]
    ids = [claim.conversation_id for claim in claims]
    Conversation.objects.filter(pk__in=ids, lease_key__in=keys).update(lease_until=until)
    return [None] * len(keys)


def release_all(*, now: datetime | None = None) -> int:
    """Every turn that somebody has begun may be begun anew at once; how many these were.

    For a process that knows that it is the only one: whoever held these leases is dead. Were it not, its answer
    would come too late and be dropped, as every answer is whose lease another one has.
    """
    held = Conversation.objects.filter(lease_until__isnull=False)
    return held.update(lease_until=(now or timezone.now()) - timedelta(seconds=1))


def due(*, limit: int, now: datetime | None = None) -> list[int]:
    """Conversations whose bot owes a reaction and that nobody is working on, longest waiting first."""
    now = now or timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now) | Q(lease_until__gt=_never(now))
    waiting = Conversation.objects.filter(free, due_at__isnull=False).order_by("due_at")
    return list(waiting.values_list("pk", flat=True)[:limit])


def oldest_due(now: datetime | None = None) -> datetime | None:
    """Since when the contact waits whose turn nobody works on and who waits longest; None where nobody waits."""
    [*waiting] = due(limit=1, now=now)
    return Conversation.objects.filter(pk__in=waiting).values_list("due_at", flat=True).first()


def _is_free(row: Row, now: datetime) -> bool:
    if row.owner != "bot" or row.due_at is None:
        return False
    return row.lease_until is None or not now <= row.lease_until <= _never(now)


def _never(now: datetime) -> datetime:
    """No lease of ours reaches so far: one that does was given before the clock was moved back."""
    return now + timedelta(seconds=2 * LEASE_S)


def _record(finishes: Sequence[Finish], now: datetime) -> None:
    columns = {
        "conversation_id": "bigint",
        "owner_version": "int",
        "from_seq": "int",
        "upto_seq": "int",
        "outcome": "text",
        "reason": "text",
        "trace": "jsonb",
        "started_at": "timestamptz",
        "finished_at": "timestamptz",
    }
    at = sql.moment(now)
    records = [
        (
            finish.claim.conversation_id,
            finish.claim.owner_version,
            min(
                finish.claim.from_seq, finish.claim.upto_seq
            ),  # of a turn that nobody's words began: the last ones
            finish.claim.upto_seq,
            finish.outcome,
            finish.reason,
            msgspec.json.encode(finish.trace).decode(),
            sql.moment(finish.claim.started_at),
            at,
        )
        for finish in finishes
    ]
    if records:
        sql.insert(Turn._meta.db_table, columns, records)
