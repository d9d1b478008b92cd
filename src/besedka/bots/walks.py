"""Executions as those see them who make bots: their history from the log, and walks that are set by hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from besedka.bots import programs
from besedka.bots.models import Bot, Execution, Scenario, Step
from besedka.conversations import contacts, histories
from besedka.conversations.histories import Stretch
from besedka.dialogue import state as states
from besedka.dialogue.state import State
from besedka.problems import Problem

IN_LISTS = 100  # messages of a history in a list; one alone has all
MOST = 10_000  # messages of a history

_ROLES = {"contact": "user", "bot": "assistant", "operator": "operator", "system": "system"}
AUTHORS = {role: author for author, role in _ROLES.items() if author != "operator"}

History = list[dict[str, str]]


class HistoryIsALog(Problem):
    """What was said stays said: a history can only be continued."""

    code = "history_is_a_log"
    status = 409


def histories_of(executions: Sequence[Execution], *, newest: int) -> dict[int, History]:
    """What was said in each of these executions, by their ids."""
    stretches = [Stretch(one.conversation_id, one.after_seq, one.upto_seq) for one in executions]
    read = histories.read_many(stretches, newest=newest)
    return {
        one.pk: [{"role": _ROLES[entry.author], "content": entry.text} for entry in entries]
        for one, entries in zip(executions, read, strict=True)
    }


def standing_step(execution: Execution) -> int | None:
    """The step where the walk stands."""
    step = (execution.state or {}).get("step")
    return int(step) if isinstance(step, str) and step.isdigit() and not execution.is_completed else None


@transaction.atomic
def begin(
    bot: Bot, user_session: str, *, scenario: Scenario | None, step: Step | None, history: History, over: bool
) -> Execution:
    """The newest execution of this session, with what was said before in the log; it waits for the next words."""
    now = timezone.now()
    address = contacts.session_address(programs.inbox_of(bot), user_session)
    conversation_id, before = histories.extend(address, _said(history), now=now)
    earlier = Execution.objects.filter(conversation_id=conversation_id, is_current=True)
    earlier.update(is_current=None, wake_at=None, upto_seq=before, is_completed=True)
    return Execution.objects.create(
        bot=bot,
        scenario=scenario,
        conversation_id=conversation_id,
        user_session=user_session,
        state=_state(scenario, step, over=over),
        is_current=True,
        is_completed=over,
        after_seq=before,
        created_at=now,
        updated_at=now,
    )


@transaction.atomic
def change(execution: Execution, given: dict[str, Any], history: History | None) -> Execution:
    """The execution stands where it is told to stand. Raises `HistoryIsALog`."""
    now = timezone.now()
    if history is not None:
        _continue(execution, history, now)
    if {"scenario", "current_step"} & given.keys():
        execution.scenario = given.get("scenario", execution.scenario)
        execution.state = _state(execution.scenario, given.get("current_step"), over=execution.is_completed)
        execution.graph = execution.wake_at = None
    if "is_completed" in given:
        execution.is_completed = given["is_completed"]
        if execution.state is not None:
            execution.state = {**execution.state, "over": execution.is_completed}
    execution.updated_at = now
    execution.save()
    return execution


def _continue(execution: Execution, history: History, now: datetime) -> None:
    there = histories_of([execution], newest=MOST)[execution.pk]
    if history[: len(there)] != there:
        raise HistoryIsALog(kept=len(there))
    new = history[len(there) :]
    if new and not execution.is_current:
        raise HistoryIsALog("A later execution goes on with this conversation.")
    if new:
        address = contacts.session_address(programs.inbox_of(execution.bot), execution.user_session)
        histories.extend(address, _said(new), now=now)


def _state(scenario: Scenario | None, step: Step | None, *, over: bool) -> dict[str, object] | None:
    """Before the beginning of a scenario, or at a step of it: a question there was asked already."""
    if scenario is None:
        return None
    asked = step is not None and step.step_type == Step.Type.QUESTION
    at = None if step is None else str(step.pk)
    return states.dump(State(str(scenario.pk), at, waits="answer" if asked else "", over=over))


def _said(history: History) -> list[tuple[str, str]]:
    if any(one["role"] not in AUTHORS for one in history):
        raise HistoryIsALog("What an operator said, an operator has to say.")
    return [(AUTHORS[one["role"]], one["content"]) for one in history]
