"""What every change of who answers has in common: who may, what the contact is told, what is put on record."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction

from besedka.accounts.models import User
from besedka.conversations import audit, deliveries, log, notices, rows, signals, sql
from besedka.conversations.audit import Deed
from besedka.conversations.log import Stale
from besedka.conversations.rows import Row
from besedka.conversations.wire import Entry
from besedka.problems import NotFound, Problem


class Taken(Problem):
    """Somebody else answers in this conversation."""

    code = "taken"
    status = 409


class Change(msgspec.Struct, frozen=True):
    """What somebody wants to become of a conversation, and the owner version that they saw.

    Without `operator_id` the house wants it, without `owner_version` whatever the state is by now. `over`: also
    when another operator has it. `exact`: a claim of what is theirs already has to name the version, too.
    """

    conversation_id: int
    operator_id: int | None = None
    owner_version: int | None = None
    over: bool = False
    exact: bool = False
    to: int | None = None  # an operator; None is the queue
    until: datetime | None = None


class Told(msgspec.Struct, frozen=True):
    """A row that has changed, and what there is to say about it."""

    row: Row
    by: int | None = None
    reason: str = ""
    to: int | None = None
    before: int | None = None  # the operator who had it


def refusal(row: Row | None, change: Change) -> Problem | None:
    """Why this must not be done: the conversation is not there, has moved on, or is somebody else's."""
    if row is None:
        return NotFound()
    if change.owner_version is not None and change.owner_version != row.owner_version:
        return Stale(owner=name_of_owner(row))
    theirs = row.owner == "operator" and change.operator_id is not None and row.operator_id != change.operator_id
    return Taken(owner=name_of_owner(row)) if theirs and not change.over else None


def do_many(
    wishes: Sequence[Change], locked: Mapping[int, Row], act: Callable[[Row, Change], Problem | None]
) -> list[Row | Problem]:
    """`act` does what is wished in each of these rows where nothing speaks against it, or says why it does not."""
    results: list[Row | Problem] = []
    for wish in wishes:
        row = locked.get(wish.conversation_id)
        refused = refusal(row, wish)
        if refused is None and row is not None:
            refused = act(row, wish)
        results.append(refused or row or NotFound())
    return results


def name_of_owner(row: Row) -> str:
    """Who answers, for people: an operator's name, `bot` or `queue`."""
    if row.owner != "operator":
        return row.owner
    return names([row.operator_id]).get(row.operator_id or 0, "")


def names(user_ids: Iterable[int | None]) -> dict[int, str]:
    """What these people are called."""
    wanted = {user_id for user_id in user_ids if user_id is not None}
    people = User.objects.filter(pk__in=wanted) if wanted else []
    return {user.pk: user.get_full_name() or user.get_username() for user in people}


def tell(event: str, changed: Sequence[Told], now: datetime, *, opens_at: datetime | None = None) -> None:
    """Save the rows, put one system message into the log of each, and the deed on record.

    Whoever watched for an operator that does not answer any more, watches no more and is told why. `opens_at` is
    when somebody is there again, by the clock of those people.
    """
    if not changed:
        return
    condition, parameters = sql.any_of("id", sorted({told.row.inbox_id for told in changed}), kind="bigint")
    languages = dict(sql.select(f"SELECT id, language FROM conversations_inbox WHERE {condition}", parameters))
    people = names([user_id for told in changed for user_id in (told.by, told.to)])
    entries = []
    for told in changed:
        row = told.row
        row.last_seq += 1
        row.grown = True
        payload: dict[str, Any] = {"event": event}
        if told.reason:
            payload["reason"] = told.reason
        payload |= {key: people[who] for key, who in (("by", told.by), ("to", told.to)) if who in people}
        text = notices.text(event, languages[row.inbox_id], opens_at=opens_at)
        entries.append(Entry(row.id, row.last_seq, "system", text, None, now, payload))
    log.write(entries)
    for told in changed:
        if told.row.watched and told.row.operator_id != told.before:
            deliveries.leave(told.row, told.before, event, people.get(told.by or 0, ""), by=told.by, now=now)
    rows.save_many([told.row for told in changed], now)
    audit.record_many([Deed(event, told.by, told.row.id, _details(told)) for told in changed], now)
    ids = [told.row.id for told in changed]
    desk = log.desk_topics([told.row for told in changed]) | {"desk:waiting", "desk:closed"}
    desk |= {f"desk:{told.before}" for told in changed if told.before is not None}
    transaction.on_commit(lambda: signals.send_many({"new": ids, "state": ids, "desk": desk}))


def _details(told: Told) -> dict[str, Any]:
    details: dict[str, Any] = {"owner_version": told.row.owner_version}
    if told.reason:
        details["reason"] = told.reason
    if told.to is not None:
        details["to"] = told.to
    return details
