"""What is the same with every model: what it may be told, how long we wait, what it may cost, what it may say."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from besedka.answers import guards, prompting
from besedka.answers.answerer import (
    BUDGET_SPENT,
    GAVE_ITSELF_AWAY,
    MODEL_ASKED,
    MODEL_REFUSED,
    PROVIDER_FAILED,
    Aloud,
    Answer,
    HandOffBecause,
    Model,
    Prompt,
    Result,
    Usage,
)

logger = logging.getLogger(__name__)

TOTAL_S = 45  # seconds for an answer with all its tries; a turn has 60
TRIES = 3  # of one question, when the provider is busy or breaks off
BACK_OFF_S = 0.5  # before the second try; twice as long before the third
MAX_CALLS = 4  # of the model for one turn, whatever it asks for

Hear = Callable[[str], None]  # takes the next piece of what the model says


class Later(Exception):
    """The provider is busy or in trouble; the same call may succeed in a moment."""

    def __init__(self, after_s: float | None = None) -> None:
        super().__init__("busy")
        self.after_s = after_s


class Never(Exception):
    """The provider refuses this call; the same call will be refused again."""


class Broken(Exception):
    """What came is no answer: cut, garbage, or nothing. Another try may do better."""


class Tool(msgspec.Struct, frozen=True):
    """Something that a model may ask us to do."""

    name: str
    description: str
    parameters: dict[str, Any]


class Call(msgspec.Struct, frozen=True):
    """One call of a model: messages with `role` (system, user, assistant) and `content`."""

    model: Model
    messages: tuple[dict[str, str], ...]
    tools: tuple[Tool, ...]


class Spoken(msgspec.Struct, frozen=True):
    """How a call ended: `stop`, `length`, `refused` or `tools`; tokens read and written, 0 where nobody said."""

    finish: str
    tokens_in: int
    tokens_out: int
    tools: tuple[tuple[str, dict[str, Any]], ...] = ()


Speak = Callable[[Call, Hear], Awaitable[Spoken]]

CALL_A_PERSON = Tool(
    "call_a_person",
    "Pass the conversation to a human colleague: when the knowledge does not answer, or something has to be done.",
    {
        "type": "object",
        "properties": {"reason": {"type": "string", "description": "Why, in a few words."}},
        "required": ["reason"],
    },
)
_NO_SUCH_TOOL = "There is no such tool. Answer in words, or call the tool call_a_person."


class _Account:
    """What the calls of one turn took."""

    def __init__(self, model: Model, prompt: Prompt) -> None:
        self.model, self.prompt = model, prompt
        self.calls = self.tokens_in = self.tokens_out = 0
        self.messages: tuple[dict[str, str], ...] = ()
        self.notes: list[str] = []

    def usage(self) -> Usage:
        cost = (self.tokens_in * self.model.price_in + self.tokens_out * self.model.price_out) / 1e6
        name = f"{self.model.provider}:{self.model.name}"
        tokens = self.tokens_in, self.tokens_out
        return Usage(name, self.calls, *tokens, cost, self.messages, tuple(self.notes))


async def answer(prompt: Prompt, aloud: Aloud, speak: Speak) -> Result:
    """What the model says, checked; or why a person has to answer. Never longer than `TOTAL_S`, never half.

    The purse is asked before each call. What was said aloud of an answer that does not come is taken back.
    """
    assert prompt.model is not None
    account = _Account(prompt.model, prompt)
    try:
        async with asyncio.timeout(TOTAL_S):
            result = await _converse(prompt, aloud, speak, account)
    except TimeoutError:
        account.notes.append("deadline")
        result = HandOffBecause(PROVIDER_FAILED, detail="deadline")
    if not isinstance(result, Answer):
        aloud("")
    return msgspec.structs.replace(result, usage=account.usage())


async def _converse(prompt: Prompt, aloud: Aloud, speak: Speak, account: _Account) -> Answer | HandOffBecause:
    """Call until there are words: a model that asks for tools that do not exist is told so, a few times."""
    account.messages = prompting.messages(prompt)
    failures = 0
    while account.calls < MAX_CALLS:
        call = Call(account.model, account.messages, (CALL_A_PERSON,))
        screen = guards.Screen(prompt, aloud)
        try:
            spoken = await _spoken(call, screen, speak, account)
        except guards.GivesItselfAway as phrase:
            return HandOffBecause(GAVE_ITSELF_AWAY, detail=str(phrase))
        except _PurseEmpty:
            return HandOffBecause(BUDGET_SPENT)
        except Never as error:
            account.notes.append(str(error))
            return HandOffBecause(PROVIDER_FAILED, detail=str(error))
        except (Later, Broken) as error:
            account.notes.append(str(error))
            failures += 1
            aloud("")
            pause = BACK_OFF_S * 2 ** (failures - 1) * random.uniform(1, 1.5)
            if isinstance(error, Later) and error.after_s is not None:
                pause = max(pause, error.after_s)
            if failures >= TRIES or pause >= TOTAL_S:
                return HandOffBecause(PROVIDER_FAILED, detail=str(error))
            await asyncio.sleep(pause)
            continue
        result = _result(spoken, screen, account)
        if result is not None:
            return result
        logger.warning("a model asked for tools that it does not have: %.200r", spoken.tools)
        account.notes.append("no such tool")
        account.messages = (*account.messages, {"role": "system", "content": _NO_SUCH_TOOL})
    return HandOffBecause(PROVIDER_FAILED, detail="only tools, no words")


class _PurseEmpty(Exception):
    """This bot, this conversation or this installation has spent what it may."""


async def _spoken(call: Call, screen: guards.Screen, speak: Speak, account: _Account) -> Spoken:
    """One call, paid for: what was set aside for it is given back but for what it took."""
    read = sum(prompting.tokens(message["content"]) for message in call.messages)
    aside = read + call.model.max_tokens
    if not await account.prompt.spend(aside):
        raise _PurseEmpty
    account.calls += 1
    took_in, took_out = read, 0
    try:
        spoken = await speak(call, screen.hear)
        screen.end()
        took_in = spoken.tokens_in or read
        took_out = spoken.tokens_out or prompting.tokens(screen.heard)
        return spoken
    except (Later, Never):
        took_in = 0  # refused before it was read: nobody charges for that
        raise
    except BaseException:
        took_out = prompting.tokens(screen.heard)
        raise
    finally:
        account.tokens_in += took_in
        account.tokens_out += took_out
        await asyncio.shield(account.prompt.spend(took_in + took_out - aside))


def _result(spoken: Spoken, screen: guards.Screen, account: _Account) -> Answer | HandOffBecause | None:
    """What a call came to; None where the model wants a tool that it does not have."""
    if spoken.finish == "refused":
        return HandOffBecause(MODEL_REFUSED)
    for name, given in spoken.tools[:MAX_CALLS]:
        if name == CALL_A_PERSON.name:
            return HandOffBecause(MODEL_ASKED, detail=str(given.get("reason", ""))[:200])
    if spoken.tools:
        return None
    text, cited = screen.reply(whole=spoken.finish != "length")
    if not text:
        return HandOffBecause(PROVIDER_FAILED, detail="no words")
    sure = max((e.confidence for e in account.prompt.evidence if e.passage_id in cited), default=0.0)
    return Answer(text, cited, sure, f"{account.model.provider}:{account.model.name}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `Retry-After` (RFC 9110 §10.2.3); None where it names none. Dates are not read."""
    given = headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() and len(given) < 7 else None


def number(given: object) -> int:
    """A count of tokens as providers give it, a number or its digits; 0 for anything else."""
    if isinstance(given, int):
        return max(0, given)
    return int(given) if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 10 else 0
