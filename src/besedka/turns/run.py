"""One turn: claim, think, commit if we still may. What was thought for nothing is kept in the trace only."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from django.db import transaction

from besedka.answers import offline, wishes
from besedka.answers.answerer import Answer, Answerer, Evidence, HandOffBecause, Prompt
from besedka.conversations import leases, log, ownership
from besedka.conversations.leases import Finish
from besedka.conversations.log import Append, Fence
from besedka.conversations.ownership import HandOff
from besedka.knowledge.search import Found
from besedka.turns import shelves
from besedka.turns.claim import Task

logger = logging.getLogger(__name__)

DEADLINE_S = 60  # a visitor hears something by then, whatever the answerer does
MAX_ATTEMPTS = 5  # of one turn; then it is a person's


class Thought(msgspec.Struct, frozen=True):
    """What came of thinking: texts to say, perhaps a reason to hand off, and why it came to that."""

    task: Task
    texts: tuple[str, ...]
    hand_off: str | None
    trace: dict[str, Any]


async def think(task: Task, answerer: Answerer = offline.answer) -> Thought:
    """Decide what the bot says. Touches no log and opens no transaction; never takes longer than `DEADLINE_S`."""
    began = time.perf_counter()
    trace: dict[str, Any] = {"bot": task.bot.id if task.bot else None, "attempt": task.claim.attempts}
    try:
        async with asyncio.timeout(DEADLINE_S):
            result = await _decide(task, answerer, trace)
    except TimeoutError:
        result = HandOffBecause("deadline")
    except Exception as error:  # a bug of ours must not end in silence: the visitor gets a person
        logger.exception("conversation %d: the turn broke", task.claim.conversation_id)
        trace["error"] = type(error).__name__
        result = HandOffBecause("turn_failed")
    trace["milliseconds"] = round((time.perf_counter() - began) * 1000, 1)
    if result is None:
        return Thought(task, (), None, trace)
    if isinstance(result, HandOffBecause):
        return Thought(task, (), result.reason, {**trace, "reason": result.reason})
    trace.update(model=result.model, cited=list(result.cited), confidence=round(result.confidence, 3))
    return Thought(task, (result.text,), None, trace)


async def _decide(task: Task, answerer: Answerer, trace: dict[str, Any]) -> Answer | HandOffBecause | None:
    if task.claim.attempts > MAX_ATTEMPTS:
        return HandOffBecause("turn_failed")
    if task.bot is None:
        return HandOffBecause("no_bot")
    question = "\n".join(entry.text for entry in task.claim.messages)
    trace["question"] = question
    if not task.claim.messages:
        return None
    if any(wishes.wants_person(entry.text) for entry in task.claim.messages):
        return HandOffBecause("asked_for_person")
    evidence = tuple(
        _evidence(found) for found in (await shelves.index_of(task.source_ids)).find(question, limit=3)
    )
    trace["passages"] = [
        {"id": e.passage_id, "title": e.title, "score": round(e.score, 3), "confidence": round(e.confidence, 3)}
        for e in evidence
    ]
    trace["answer_from"] = task.bot.answer_from
    prompt = Prompt(
        system_prompt=task.bot.system_prompt,
        question=question,
        history=(),
        evidence=evidence,
        answer_from=task.bot.answer_from,
        language=task.language,
    )
    return await answerer(prompt)


@transaction.atomic(savepoint=False)
def commit_many(thoughts: Sequence[Thought]) -> list[bool]:
    """Say what was thought, where the bot still is the owner it was and the turn still is ours; record every turn.

    Messages, the end of the turn, its trace and a hand-off are one transaction. True where the contact has said
    more meanwhile: the next turn is due at once.
    """
    appends = [
        Append(
            author="bot",
            text=text,
            conversation_id=thought.task.claim.conversation_id,
            fence=Fence(thought.task.claim.owner_version, thought.task.claim.lease_key),
        )
        for thought in thoughts
        for text in thought.texts
    ]
    if appends:
        log.append_many(appends)
    finished = leases.finish_many([_finish(thought) for thought in thoughts])
    leaving = [
        HandOff(thought.task.claim.conversation_id, thought.hand_off, thought.task.claim.owner_version)
        for thought, end in zip(thoughts, finished, strict=True)
        if thought.hand_off is not None and end.mine
    ]
    if leaving:
        ownership.hand_off_many(leaving)
    return [end.due for end in finished]


def _finish(thought: Thought) -> Finish:
    trace = {**thought.trace, "said": list(thought.texts)}  # dropped or not: what the bot wanted to say
    if thought.hand_off is not None:
        return Finish(thought.task.claim, "handed_off", thought.hand_off, trace)
    return Finish(thought.task.claim, "answered", "", trace)


def _evidence(found: Found) -> Evidence:
    return Evidence(found.passage_id, found.question, found.answer, found.score, found.confidence)
