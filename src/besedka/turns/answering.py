"""An answer to a question: from what the bot knows, through a model where it has one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from django.conf import settings

from besedka.answers import clarifying, personas, providers, texts
from besedka.answers.answerer import (
    PROVIDER_FAILED,
    UNSURE,
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
from besedka.knowledge.search import Found
from besedka.turns import ads, ads_tool, choices, shelves
from besedka.turns.claim import Task

PASSAGES = 3  # that may answer: what a person can choose from, and what a model is shown


class Utterance(msgspec.Struct, frozen=True):
    """A text to say, what a client may make of it, and the passages it rests on."""

    text: str
    payload: dict[str, Any] = {}
    cited: tuple[int, ...] = ()


Spend = Callable[[Wish], Awaitable[bool]]


async def free(wish: Wish) -> bool:
    """Nobody counts."""
    return True


async def answer(
    task: Task, question: str, answerer: Answerer | None, *, aloud: Aloud, spend: Spend, trace: dict[str, Any]
) -> Result:
    """What the bot of this task says to the question; notes in the trace what it rests on and what it took."""
    bot, model = task.staff.bot, task.staff.model
    if bot is None:
        return HandOffBecause("no_bot")
    trace["question"] = question
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
    limits = (bot.tokens_a_day, bot.tokens_a_conversation, settings.MODEL_TOKENS_A_DAY or None)

    async def purse(tokens: int) -> bool:
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
        tools=(ads_tool.FIND_ADS,) if bot.finds_ads else (),
    )

    async def by_itself(heard: Aloud) -> Result:
        """Without a model: the ads, where it looks them up and they are asked for; else what it knows."""
        sure = any(one.confidence >= bot.answer_from for one in evidence)
        found = await ads.answer(task, question, known_better=sure, trace=trace)
        return await offline.answer(prompt, heard) if found is None else found

    if answerer is None and model is None:
        return await by_itself(aloud)
    if answerer is None:
        assert model is not None
        answerer = await asyncio.to_thread(providers.named, model.provider)  # its first call loads libraries
    result = await answerer(prompt, aloud)
    usage = getattr(result, "usage", None)
    if usage is not None:
        trace["usage"] = usage.as_json()
    if isinstance(result, HandOffBecause) and result.reason == PROVIDER_FAILED:
        sure = await by_itself(silent)
        if isinstance(sure, Answer):  # where the model's provider fails, what is sure still is an answer
            trace["instead_of"] = {"reason": result.reason, "detail": result.detail}
            return sure
    return result


def rather_asked(task: Task, question: str, result: Result) -> Result:
    """Where nobody waits to be called, a bot that is not sure asks on; whoever wants a person can say so."""
    if task.staff.hand_off != "asked" or task.staff.bot is None:
        return result
    if not (isinstance(result, HandOffBecause) and result.reason in UNSURE):
        return result
    language = texts.language_of(question, task.staff.language)
    persona = personas.of(task.staff.bot.system_prompt)
    before, times = choices.topic(task.claim), choices.misses(task.claim)
    text, topic = clarifying.reply(question, persona, language, before=before, times=times)
    return Suggest(text, (offline.A_PERSON[language],), result.confidence, offline.MODEL, topic)


def uttered(task: Task, result: Answer | Suggest) -> Utterance:
    """An answer as it is said; suggestions as buttons."""
    if isinstance(result, Suggest):
        payload = {"choices": list(result.choices), "misses": choices.misses(task.claim) + 1}
        return Utterance(result.text, payload if result.topic is None else {**payload, "topic": result.topic})
    return Utterance(result.text, result.payload, result.cited)


def _evidence(found: Found) -> Evidence:
    return Evidence(found.passage_id, found.question, found.answer, found.score, found.confidence, found.among)
