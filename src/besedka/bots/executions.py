"""Where conversations stand in scenarios: read for many at once, and written with what their turns said."""

import json
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.bots import scenarios
from besedka.bots.models import Bot, Execution, Scenario
from besedka.bots.scenarios import Published
from besedka.conversations import sql
from besedka.dialogue import state as states
from besedka.dialogue.state import State

logger = logging.getLogger(__name__)

_COLUMNS = (
    "e.id, e.conversation_id, e.bot_id, e.scenario_id, g.content_hash, e.graph_id, e.state, e.is_completed, "
    "e.wake_at, e.owner_version, e.after_seq, e.user_session"
)
_STAND = {
    "scenario_id": "bigint",
    "graph_id": "bigint",
    "state": "jsonb",
    "is_completed": "bool",
    "wake_at": "timestamptz",
    "owner_version": "int",
    "updated_at": "timestamptz",
}
_NEW = {
    **_STAND,
    "conversation_id": "bigint",
    "bot_id": "bigint",
    "is_current": "bool",
    "after_seq": "int",
    "user_session": "text",
    "created_at": "timestamptz",
}


class Current(msgspec.Struct, frozen=True):
    """The newest execution of a conversation."""

    id: int
    conversation_id: int
    bot_id: int
    scenario_id: int | None
    graph_hash: str | None
    graph_id: int | None
    state: State | None  # None: no walk has begun
    is_completed: bool
    wake_at: datetime | None
    owner_version: int
    after_seq: int
    user_session: str


class Stand(msgspec.Struct, frozen=True):
    """Where a walk stands now. `began` is the graph of one that begins with this; then it may need a new row."""

    conversation_id: int
    bot_id: int
    current: Current | None
    state: State
    scenario_id: int | None
    owner_version: int
    wake_at: datetime | None = None
    after_seq: int = 0
    began: Published | None = None


class Session(msgspec.Struct, frozen=True):
    """A program's session with a bot, in its conversation."""

    conversation_id: int
    bot_id: int
    user_session: str


def current_many(conversation_ids: Iterable[int]) -> dict[int, Current]:
    """The newest execution of each of these conversations that has one."""
    ids = sorted(set(conversation_ids))
    if not ids:
        return {}
    condition, parameters = sql.any_of("e.conversation_id", ids, kind="bigint")
    found = sql.select(
        f"SELECT {_COLUMNS} FROM bots_execution e LEFT JOIN bots_graph g ON g.id = e.graph_id "
        f"WHERE e.is_current = {sql.true()} AND {condition}",
        parameters,
    )
    return {row[1]: _current(row) for row in found}


def newest_ids(conversation_ids: Iterable[int]) -> dict[int, int]:
    """The id of the newest execution of each of these conversations that has one."""
    found = Execution.objects.filter(conversation_id__in=set(conversation_ids), is_current=True)
    return dict(found.values_list("conversation_id", "pk"))


def wake_many(now: datetime, *, limit: int) -> list[int]:
    """The conversations whose walk has waited long enough by now. Each is told once."""
    waking = Execution.objects.filter(is_current=True, wake_at__lte=now).order_by("wake_at")
    found = dict(waking.values_list("pk", "conversation_id")[:limit])
    if found:
        Execution.objects.filter(pk__in=found).update(wake_at=None)
    return list(found.values())


@transaction.atomic(savepoint=False)
def open_many(sessions: Sequence[Session], *, now: datetime | None = None) -> dict[int, int]:
    """Each of these conversations has an execution; the id of the newest one of each."""
    now = now or timezone.now()
    known = newest_ids(s.conversation_id for s in sessions)
    new = {s.conversation_id: s for s in sessions if s.conversation_id not in known}
    if new:
        Execution.objects.bulk_create(
            Execution(
                bot_id=s.bot_id,
                conversation_id=s.conversation_id,
                user_session=s.user_session,
                is_current=True,
                created_at=now,
                updated_at=now,
            )
            for s in new.values()
        )
        known |= newest_ids(new)
    return known


@transaction.atomic(savepoint=False)
def save_many(stands: Sequence[Stand], *, now: datetime | None = None) -> None:
    """Every walk stands where it is said to stand; one that began is its conversation's newest execution.

    What is gone meanwhile stays gone: an execution that was deleted, a scenario that a walk is still in.
    """
    if not stands:
        return
    now = now or timezone.now()
    graph_ids = scenarios.keep_many({s.began.graph.content_hash: s.began for s in stands if s.began is not None})
    there = set(Scenario.objects.filter(pk__in={s.scenario_id for s in stands}).values_list("pk", flat=True))
    going_on = [stand for stand in stands if _has_row(stand)]
    beginning = [stand for stand in stands if not _has_row(stand)]
    if going_on:
        rows = [(*_values(s, graph_ids, there, now), s.current.id) for s in going_on if s.current is not None]
        sql.update("bots_execution", _STAND, rows)
    if beginning:
        _begin(beginning, graph_ids, there, now)


def _has_row(stand: Stand) -> bool:
    """Whether this walk goes on in the row that is there: its own, or one in which none has begun yet."""
    current = stand.current
    if current is None or stand.began is None:
        return current is not None
    return current.graph_id is None and not current.is_completed and current.bot_id == stand.bot_id


def _begin(stands: Sequence[Stand], graph_ids: dict[str, int], there: set[int], now: datetime) -> None:
    bots = set(Bot.objects.filter(pk__in={s.bot_id for s in stands}).values_list("pk", flat=True))
    for stand in stands:
        if stand.current is not None:
            Execution.objects.filter(pk=stand.current.id).update(
                is_current=None, is_completed=True, wake_at=None, upto_seq=stand.after_seq
            )
    at = sql.moment(now)
    rows = [
        (
            *_values(stand, graph_ids, there, now),
            stand.conversation_id,
            stand.bot_id,
            True,
            stand.after_seq,
            stand.current.user_session if stand.current is not None else "",
            at,
        )
        for stand in stands
        if stand.bot_id in bots
    ]
    sql.insert("bots_execution", _NEW, rows)


def _values(stand: Stand, graph_ids: dict[str, int], there: set[int], now: datetime) -> tuple[Any, ...]:
    graph_id = stand.current.graph_id if stand.current is not None else None
    if stand.began is not None:
        graph_id = graph_ids[stand.began.graph.content_hash]
    return (
        stand.scenario_id if stand.scenario_id in there else None,
        graph_id,
        msgspec.json.encode(states.dump(stand.state)).decode(),
        stand.state.over,
        sql.moment(stand.wake_at),
        stand.owner_version,
        sql.moment(now),
    )


def _current(row: tuple[Any, ...]) -> Current:
    *ids, state, is_completed, wake_at, owner_version, after_seq, user_session = row
    place = (bool(is_completed), sql.aware(wake_at), owner_version, after_seq, user_session)
    return Current(*(*ids, _read(ids[0], state), *place))


def _read(execution_id: int, written: Any) -> State | None:
    """The state of a walk; one that cannot be read is no reason to leave its visitor without an answer."""
    loaded = json.loads(written) if isinstance(written, str) else written
    try:
        return None if loaded is None else states.load(loaded)
    except ValueError as error:
        logger.error("execution %d: %s", execution_id, error)
        return None
