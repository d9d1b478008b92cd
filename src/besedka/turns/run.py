"""One turn: claim, think, commit if we still may. What was thought for nothing is kept in the trace only."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from django.db import transaction

from besedka.answers import alarms
from besedka.answers.answerer import SENT_A_FILE, Aloud, Answerer, HandOffBecause, Result, Suggest, silent
from besedka.bots import executions
from besedka.bots.executions import Stand
from besedka.conversations import details as reaching
from besedka.conversations import leases, log, ownership
from besedka.conversations.details import Left
from besedka.conversations.leases import Finish
from besedka.conversations.log import Append, Fence
from besedka.conversations.ownership import HandOff
from besedka.desk import details
from besedka.desk.details import Reachable
from besedka.problems import Unavailable
from besedka.turns import answering, calls, choices, citing, walking
from besedka.turns.answering import Spend, Utterance, free
from besedka.turns.calls import Books
from besedka.turns.claim import Task
from besedka.turns.walking import Walked

logger = logging.getLogger(__name__)

DEADLINE_S = 60  # a visitor hears something by then, whatever the answerer does, and whoever died over it before
LEAST_S = 5  # seconds to think that every try has
MAX_ATTEMPTS = 5  # of one turn; then it is a person's
MAX_REASON = 64  # characters of a reason to hand off


class Thought(msgspec.Struct, frozen=True):
    """What came of thinking: something to say, perhaps a reason to hand off, and why it came to that."""

    task: Task
    says: tuple[Utterance, ...]
    hand_off: str | None
    trace: dict[str, Any]
    stand: Stand | None = None  # in a scenario
    reachable: Reachable | None = None  # the contact left an address, as the house had asked

    @property
    def outcome(self) -> str:
        """In a word: `handed_off`, `answered`, or `silent` where nothing came of it."""
        return "handed_off" if self.hand_off is not None else "answered" if self.says else "silent"


async def think(
    task: Task,
    answerer: Answerer | None = None,
    *,
    aloud: Aloud = silent,
    spend: Spend = free,
    books: Books = calls.FORGETFUL,
) -> Thought:
    """Decide what the bot says. Touches no log and opens no transaction. Raises `Unavailable` without a database.

    Never takes longer than is left of `DEADLINE_S` since the contact began to wait, but for `LEAST_S`.

    `answerer` speaks in the place of the bot's own; `aloud` hears what is being said; `spend` is asked before each
    call of a model; in `books` the calls of scenarios are written down.
    """
    began = time.perf_counter()
    bot = task.staff.bot
    trace: dict[str, Any] = {"bot": bot.id if bot else None, "attempt": task.claim.attempts}
    try:
        async with asyncio.timeout(max(DEADLINE_S - task.claim.waited_s, min(LEAST_S, DEADLINE_S))):
            thought = await _react(task, answerer, aloud, spend, books, trace)
    except TimeoutError:
        thought = _handed_off(task, "deadline", trace)
    except Unavailable:  # the database is away: the turn stays due, and is taken up again
        raise
    except Exception as error:  # a bug of ours must not end in silence: the visitor gets a person
        logger.exception("the turn broke")
        trace["error"] = type(error).__name__
        thought = _handed_off(task, "turn_failed", trace)
    trace["milliseconds"] = round((time.perf_counter() - began) * 1000, 1)
    return thought


async def _react(
    task: Task, answerer: Answerer | None, aloud: Aloud, spend: Spend, books: Books, trace: dict[str, Any]
) -> Thought:
    """A scenario that is under way goes first, then one that begins, then what the bot knows."""
    if task.claim.attempts > MAX_ATTEMPTS:
        return _handed_off(task, "turn_failed", trace)
    if task.staff.bot is None:
        return _handed_off(task, "no_bot", trace)
    if task.claim.details_asked:
        reachable = details.find("\n".join(entry.text for entry in task.claim.messages))
        if reachable is not None:
            return Thought(task, (), None, trace, reachable=reachable)

    async def answer(question: str, *, heard: Aloud = silent) -> Result:
        result = await answering.answer(task, question, answerer, aloud=heard, spend=spend, trace=trace)
        return answering.rather_asked(task, question, result)

    under_way = walking.is_under_way(task)
    if not task.claim.messages:
        walked = await walking.go_on(task, answer, books, trace) if under_way else None
        return _walked(task, walked or Walked(), trace)
    question = choices.question(task.claim)
    walked = await walking.hear(task, question, answer, books, trace) if under_way else None
    if walked is not None and walked.is_reaction:
        return _walked(task, walked, trace)
    trace["question"] = question
    alarm = alarms.raised_by(question)
    if alarm is not None:
        return _handed_off(task, alarm, trace)
    walked = walked or await walking.begin(task, question, answer, books, trace)
    if walked is not None and walked.is_reaction:
        return _walked(task, walked, trace)
    if question:
        result = await answer(question, heard=aloud)
    else:
        result = answering.rather_asked(task, question, HandOffBecause(SENT_A_FILE))
    return _answered(task, result, trace, walked.stand if walked is not None else None)


def _walked(task: Task, walked: Walked, trace: dict[str, Any]) -> Thought:
    if walked.hand_off is not None:
        trace["reason"] = walked.hand_off
    return Thought(task, walked.says, walked.hand_off, trace, walked.stand)


def _handed_off(task: Task, reason: str, trace: dict[str, Any]) -> Thought:
    return _answered(task, HandOffBecause(reason), trace)


def _answered(task: Task, result: Result, trace: dict[str, Any], stand: Stand | None = None) -> Thought:
    trace["confidence"] = round(result.confidence, 3)
    if isinstance(result, HandOffBecause):
        trace["reason"] = result.reason
        if result.detail:
            trace["detail"] = result.detail
        return Thought(task, (), result.reason, trace, stand)
    trace["model"] = result.model
    if isinstance(result, Suggest):
        trace["choices"] = list(result.choices)
    else:
        trace["cited"] = list(result.cited)
    return Thought(task, (answering.uttered(task, result),), None, trace, stand)


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
    if appends and not all(thought.says for thought in thoughts):  # else appending locks all there are
        leases.hold_many([thought.task.claim for thought in thoughts])
    if appends:
        log.append_many(appends)
    finished = leases.finish_many([_finish(thought) for thought in thoughts])
    walks = [t.stand for t, end in zip(thoughts, finished, strict=True) if t.stand is not None and end.mine]
    executions.save_many(walks)
    lefts = [
        Left(thought.task.claim.conversation_id, thought.reachable.email, thought.reachable.phone)
        for thought, end in zip(thoughts, finished, strict=True)
        if thought.reachable is not None and end.mine
    ]
    if lefts:
        reaching.left_many(lefts)
    leaving = [
        HandOff(
            thought.task.claim.conversation_id, thought.hand_off[:MAX_REASON], thought.task.claim.owner_version
        )
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
        return Finish(thought.task.claim, "handed_off", thought.hand_off[:MAX_REASON], trace)
    if not thought.says and not thought.task.claim.messages:
        return Finish(thought.task.claim, "", "", trace)  # nobody said anything and nothing came of it
    return Finish(thought.task.claim, "answered", "", trace)
