"""Conversations as a transaction sees them: locked, changed in memory, written back in one statement."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from besedka.conversations import sql

_FIELDS = (
    "id, inbox_id, contact_id, status, owner, owner_version, operator_id, episode, episode_after, last_seq, "
    "heard_seq, reacted_seq, due_at, lease_key, lease_until, attempts, active_at, waiting_since, reason, "
    "hand_offs, stage, snoozed_until, details_asked, callback_at, watched"
)
COLUMNS = ", ".join(f"c.{name}" for name in _FIELDS.split(", "))
ALIVE = "c.status <> 'erased'"
_TABLE = "conversations_conversation"
_GROWN = {"last_seq": "int", "heard_seq": "int", "last_message_at": "timestamptz"}
_ALL = {
    "status": "text",
    "owner": "text",
    "owner_version": "int",
    "operator_id": "bigint",
    "episode": "int",
    "episode_after": "int",
    "last_seq": "int",
    "heard_seq": "int",
    "reacted_seq": "int",
    "due_at": "timestamptz",
    "lease_key": "text",
    "lease_until": "timestamptz",
    "attempts": "smallint",
    "waiting_since": "timestamptz",
    "reason": "text",
    "hand_offs": "smallint",
    "stage": "smallint",
    "snoozed_until": "timestamptz",
    "details_asked": "boolean",
    "callback_at": "timestamptz",
    "watched": "boolean",
}


class Row(msgspec.Struct):
    """One conversation, ours until the transaction ends. Set `changed` when more than the log's end changed.

    `moved`: it has left the list of the closed or of the snoozed ones.
    """

    id: int
    inbox_id: int
    contact_id: int
    status: str
    owner: str
    owner_version: int
    operator_id: int | None
    episode: int
    episode_after: int
    last_seq: int
    heard_seq: int
    reacted_seq: int
    due_at: datetime | None
    lease_key: str
    lease_until: datetime | None
    attempts: int
    active_at: datetime | None
    waiting_since: datetime | None
    reason: str
    hand_offs: int
    stage: int
    snoozed_until: datetime | None
    details_asked: bool
    callback_at: datetime | None
    watched: bool
    changed: bool = False
    grown: bool = False
    moved: bool = False

    def change_owner(self, owner: str, operator_id: int | None = None, *, now: datetime) -> None:
        """Give it to another owner: the fence grows, and what the bot had begun is nobody's any more.

        In the queue it waits from `now` on; with a person, what the house had asked or offered is settled.
        """
        self.owner, self.operator_id = owner, operator_id
        self.owner_version += 1
        self.due_at = self.lease_until = None
        self.lease_key, self.attempts = "", 0
        self.waiting_since, self.stage = (now if owner == "queue" else None), 0
        if owner == "operator":
            self.details_asked, self.callback_at, self.hand_offs = False, None, 0
        self.changed = True


def from_select(values: Sequence[Any]) -> Row:
    """A row from the values of `COLUMNS`."""
    row = Row(*values)
    if row.due_at is not None:  # MySQL and SQLite leave the zone away; most rows have none of these
        row.due_at, row.lease_until = sql.aware(row.due_at), sql.aware(row.lease_until)
    row.active_at = sql.aware(row.active_at)
    if row.waiting_since is not None or row.snoozed_until is not None or row.callback_at is not None:
        row.waiting_since, row.snoozed_until = sql.aware(row.waiting_since), sql.aware(row.snoozed_until)
        row.callback_at = sql.aware(row.callback_at)
    return row


def lock_many(conversation_ids: Iterable[int]) -> dict[int, Row]:
    """The conversations that exist of these, locked, in an order that all agree on.

    One that is erased exists no more: whoever still wants to write into it, from however long ago, finds nothing.
    """
    ids = sorted(set(conversation_ids))
    if not ids:
        return {}
    condition, parameters = sql.any_of("c.id", ids, kind="bigint")
    found = sql.select(
        f"SELECT {COLUMNS} FROM {_TABLE} c WHERE {condition} AND {ALIVE}{sql.locking()}", parameters
    )
    return {values[0]: from_select(values) for values in found}


def save_many(rows: Iterable[Row], now: datetime) -> None:
    """Write back what changed. A message alone touches no indexed column, so it costs no index anything."""
    at = sql.moment(now)
    minute = now.replace(second=0, microsecond=0)
    grown, changed, woken = [], [], []
    for row in rows:
        if row.grown and row.active_at != minute:
            woken.append((sql.moment(minute), row.id))
        if row.changed:
            changed.append(row)
        elif row.grown:
            grown.append((row.last_seq, row.heard_seq, at, row.id))
    if woken:  # once a minute: lists are ordered by it, so it is in an index
        sql.update(_TABLE, {"active_at": "timestamptz"}, woken)
    if grown:
        sql.update(_TABLE, _GROWN, grown)
    quiet = [_values(row) for row in changed if not row.grown]
    if quiet:
        sql.update(_TABLE, _ALL, quiet)
    heard = [(at, *_values(row)) for row in changed if row.grown]
    if heard:
        sql.update(_TABLE, {"last_message_at": "timestamptz", **_ALL}, heard)


def _values(row: Row) -> tuple[Any, ...]:
    return (
        row.status,
        row.owner,
        row.owner_version,
        row.operator_id,
        row.episode,
        row.episode_after,
        row.last_seq,
        row.heard_seq,
        row.reacted_seq,
        sql.moment(row.due_at),
        row.lease_key,
        sql.moment(row.lease_until),
        row.attempts,
        sql.moment(row.waiting_since),
        row.reason,
        row.hand_offs,
        row.stage,
        sql.moment(row.snoozed_until),
        bool(row.details_asked),
        sql.moment(row.callback_at),
        bool(row.watched),
        row.id,
    )
