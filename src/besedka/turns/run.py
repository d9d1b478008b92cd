"""One turn: claim, think, commit if we still may. What was thought for nothing is kept in the trace only."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction

from besedka.answers import alarms, providers
from besedka.answers.answerer import (
    PROVIDER_FAILED,
    Aloud,
    Answer,
    Answerer,
    Evidence,
    HandOffBecause,
    Prompt,
    Result,
    Suggest,
    silent,
)
from besedka.answers.budget import Wish
from besedka.answers.providers import offline
from besedka.conversations import leases, log, ownership
from besedka.conversations.leases import Finish
from besedka.conversations.log import Append, Fence
from besedka.conversations.ownership import HandOff
from besedka.knowledge.search import Found
from besedka.turns import choices, citing, shelves
from besedka.turns.claim import Task

logger = logging.getLogger(__name__)

DEADLINE_S = 60  # a visitor hears something by then, whatever the answerer does, and whoever died over it before
LEAST_S = 5  # seconds to think that every try has
MAX_ATTEMPTS = 5  # of one turn; then it is a person's
PASSAGES = 3  # that may answer: what a person can choose from, and what a model is shown

Spend = Callable[[Wish], Awaitable[bool]]


async def free(wish: Wish) -> bool:
    """Nobody counts."""
    return True


class Utterance(msgspec.Struct, frozen=True):
    """A text to say, what a client may make of it, and the passages it rests on."""

    text: str
    payload: dict[str, Any] = {}
    cited: tuple[int, ...] = ()


class Thought(msgspec.Struct, frozen=True):
    """What came of thinking: something to say, perhaps a reason to hand off, and why it came to that."""

    task: Task
    says: tuple[Utterance, ...]
    hand_off: str | None
    trace: dict[str, Any]


async def think(
    task: Task, answerer: Answerer | None = None, *, aloud: Aloud = silent, spend: Spend = free
) -> Thought:
    """Decide what the bot says. Touches no log and opens no transaction.

    Never takes longer than is left of `DEADLINE_S` since the contact began to wait, but for `LEAST_S`.

    `answerer` speaks in the place of the bot's own; `aloud` hears what is being said; `spend` is asked before each
    call of a model.
    """
    began = time.perf_counter()
    bot = task.staff.bot
    trace: dict[str, Any] = {"bot": bot.id if bot else None, "attempt": task.claim.attempts}
    try:
        async with asyncio.timeout(max(DEADLINE_S - task.claim.waited_s, min(LEAST_S, DEADLINE_S))):
            result = await _decide(task, answerer, aloud, spend, trace)
    except TimeoutError:
        result = HandOffBecause("deadline")
    except Exception as error:  # a bug of ours must not end in silence: the visitor gets a person
        logger.exception("conversation %d: the turn broke", task.claim.conversation_id)
        trace["error"] = type(error).__name__
        result = HandOffBecause("turn_failed")
    trace["milliseconds"] = round((time.perf_counter() - began) * 1000, 1)
    if result is None:
        return Thought(task, (), None, trace)
    trace["confidence"] = round(result.confidence, 3)
    if isinstance(result, HandOffBecause):
        trace["reason"] = result.reason
        if result.detail:
            trace["detail"] = result.detail
        return Thought(task, (), result.reason, trace)
    trace["model"] = result.model
    if isinstance(result, Suggest):
        payload = {"choices": list(result.choices), "misses": choices.misses(task.claim) + 1}
        return Thought(task, (Utterance(result.text, payload),), None, {**trace, "choices": list(result.choices)})
    trace["cited"] = list(result.cited)
    return Thought(task, (Utterance(result.text, cited=result.cited),), None, trace)


async def _decide(
    task: Task, answerer: Answerer | None, aloud: Aloud, spend: Spend, trace: dict[str, Any]
) -> Result | None:
    bot, model = task.staff.bot, task.staff.model
    if task.claim.attempts > MAX_ATTEMPTS:
        return HandOffBecause("turn_failed")
    if bot is None:
        return HandOffBecause("no_bot")
    if not task.claim.messages:
        return None
    question = choices.question(task.claim)
    trace["question"] = question
    alarm = alarms.raised_by(question)
    if alarm is not None:
        return HandOffBecause(alarm)
    index = await shelves.index_of(task.staff.source_ids)
    evidence = tuple(_evidence(found) for found in index.find(question, limit=PASSAGES))
    trace["passages"] = [
        {
            "id": e.passage_id,
            "title": e.title,
            "score": round(e.score, 3),
            "confidence": round(e.confidence, 3),
            "among": round(e.among, 3),
        }
        for e in evidence
    ]
    trace["answer_from"], trace["suggest_from"] = bot.answer_from, bot.suggest_from

    async def purse(tokens: int) -> bool:
        limit = settings.MODEL_TOKENS_A_DAY or None
        limits = (bot.tokens_a_day, bot.tokens_a_conversation, limit)
        return await spend(Wish(bot.id, task.claim.conversation_id, tokens, *limits))

    prompt = Prompt(
        system_prompt=bot.system_prompt,
        question=question,
        history=task.history,
        evidence=evidence,
        answer_from=bot.answer_from,
        suggest_from=bot.suggest_from,
        misses=choices.misses(task.claim),
        language=task.staff.language,
        manner=task.claim.conversation_id,
        model=model,
        give_away=tuple(bot.give_away_phrases),
        secrets=task.staff.secrets,
        spend=purse,
    )
    if answerer is None and model is None:
        return await offline.answer(prompt, aloud)
    if answerer is None:
        assert model is not None
        answerer = await asyncio.to_thread(providers.named, model.provider)  # its first call loads libraries
    result = await answerer(prompt, aloud)
    usage = getattr(result, "usage", None)
    if usage is not None:
        trace["usage"] = usage.as_json()
    return await _rather_offline(prompt, result, trace)


async def _rather_offline(prompt: Prompt, result: Result, trace: dict[str, Any]) -> Result:
    """Where the model's provider fails, what the knowledge is sure of still is an answer."""
    if not (isinstance(result, HandOffBecause) and result.reason == PROVIDER_FAILED):
        return result
    sure = await offline.answer(prompt, silent)
    if not isinstance(sure, Answer):
        return result
    trace["instead_of"] = {"reason": result.reason, "detail": result.detail}
    return sure


@transaction.atomic(savepoint=False)
def commit_many(thoughts: Sequence[Thought]) -> list[bool]:
    """Say what was thought, where the bot still is the owner it was and the turn still is ours; record every turn.

    Messages, the end of the turn, its trace and a hand-off are one transaction. True where the contact has said
    more meanwhile: the next turn is due at once.
    """
    sources = citing.sources_of({cited for thought in thoughts for says in thought.says for cited in says.cited})
    appends = [
        Append(
            author="bot",
            text=says.text,
            conversation_id=thought.task.claim.conversation_id,
            payload=citing.with_sources(says.payload, says.cited, sources) or None,
            fence=Fence(thought.task.claim.owner_version, thought.task.claim.lease_key),
        )
        for thought in thoughts
        for says in thought.says
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
    # Dropped or not: what the bot wanted to say.
    trace = {**thought.trace, "said": [says.text for says in thought.says]}
    if thought.hand_off is not None:
        return Finish(thought.task.claim, "handed_off", thought.hand_off, trace)
    return Finish(thought.task.claim, "answered", "", trace)


def _evidence(found: Found) -> Evidence:
    return Evidence(found.passage_id, found.question, found.answer, found.score, found.confidence, found.among)
