"""What is the same with every model: what it may be told, how long we wait, what it may cost, what it may say."""

import asyncio
import logging
import random
import time
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
    BadArguments,
    HandOffBecause,
    Model,
    Prompt,
    Result,
    Tool,
    Usage,
)
from besedka.figures import counted

logger = logging.getLogger(__name__)

TOTAL_S = 45  # seconds for an answer with all its tries; a turn has 60
TRIES = 3  # of one question, when the provider is busy or breaks off
BACK_OFF_S = 0.5  # before the second try; twice as long before the third
MAX_CALLS = 4  # of the model for one turn, whatever it asks for

MAX_ASKED = 8  # tools of one utterance that are looked at
MAX_TRACED, MAX_NAME = 2_000, 200  # characters of a result, of an argument, in a trace
MAX_USES = 3  # of tools in one turn, however many it asks for

Message = dict[str, Any]
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


class Call(msgspec.Struct, frozen=True):
    """One call of a model: messages with `role` (system, user, assistant, tool) and `content`.

    One of an assistant who asked for tools has `calls`, each with `id`, `name` and `arguments`; one of a tool has
    the `id` and `name` that it answers.
    """

    model: Model
    messages: tuple[Message, ...]
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
_ENOUGH = "You have used tools often enough. Answer in words with what you have."
_NO_SUCH_TOOL = "There is no such tool. Answer in words, or call the tool call_a_person."


class _Account:
    """What the calls of one turn took."""

    def __init__(self, model: Model, prompt: Prompt) -> None:
        self.model, self.prompt = model, prompt
        self.calls = self.tokens_in = self.tokens_out = 0
        self.messages: tuple[Message, ...] = ()
        self.notes: list[str] = []
        self.uses: list[dict[str, Any]] = []

    @property
    def tools(self) -> tuple[Tool, ...]:
        """That the model is offered now; what it has used up is none any more."""
        return (CALL_A_PERSON, *(self.prompt.tools if len(self.uses) < MAX_USES else ()))

    def usage(self) -> Usage:
        cost = (self.tokens_in * self.model.price_in + self.tokens_out * self.model.price_out) / 1e6
        name = f"{self.model.provider}:{self.model.name}"
        tokens = self.tokens_in, self.tokens_out
        return Usage(name, self.calls, *tokens, cost, self.messages, tuple(self.notes), tuple(self.uses))


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
    """Call until there are words: what a model asks its tools goes to them, and it is told what they say."""
    account.messages = prompting.messages(prompt)
    failures = 0
    while account.calls < MAX_CALLS:
        call = Call(account.model, account.messages, account.tools)
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
        aloud("")
        await _use_tools(spoken, screen, account)
    return HandOffBecause(PROVIDER_FAILED, detail="only tools, no words")


async def _use_tools(spoken: Spoken, screen: guards.Screen, account: _Account) -> None:
    """Let the tools that the bot allows do what the model asks of them; for all else it is told why not."""
    allowed = {tool.name: tool for tool in account.prompt.tools}
    if not any(name in allowed for name, _ in spoken.tools):
        names = [
            name[:MAX_NAME] for name, _ in spoken.tools[:MAX_ASKED]
        ]  # no arguments: a visitor's words are in them
        logger.warning("a model asked for tools that it does not have: %r", names)
        account.notes.append("no such tool")
        account.messages = (*account.messages, {"role": "system", "content": _NO_SUCH_TOOL})
        return
    asked: list[dict[str, Any]] = [
        {"id": f"call_{account.calls}_{at}", "name": name, "arguments": given}
        for at, (name, given) in enumerate(spoken.tools[:MAX_ASKED])
    ]
    account.messages = (*account.messages, {"role": "assistant", "content": screen.heard, "calls": asked})
    for one in asked:
        told = await _use(allowed.get(one["name"]), one["arguments"], account)
        if told == _NO_SUCH_TOOL:
            account.notes.append("no such tool")
        answered = {"role": "tool", "id": one["id"], "name": one["name"], "content": told}
        account.messages = (*account.messages, answered)


async def _use(tool: Tool | None, given: dict[str, Any], account: _Account) -> str:
    """What one tool says, and a line in the trace; a refusal counts as a use, so that none goes on for ever."""
    if tool is None or tool.use is None:
        return _NO_SUCH_TOOL
    if len(account.uses) >= MAX_USES:
        account.notes.append("too many uses of tools")
        return _ENOUGH
    began = time.perf_counter()
    try:
        told = await tool.use(given)
        result = {"told": told[:MAX_TRACED]}
    except BadArguments as refusal:
        told = f"Refused: {refusal}"
        result = {"refused": str(refusal)}
    took = round((time.perf_counter() - began) * 1000, 1)
    arguments = {str(name)[:MAX_NAME]: str(value)[:MAX_NAME] for name, value in list(given.items())[:MAX_ASKED]}
    account.uses.append({"tool": tool.name, "arguments": arguments, **result, "milliseconds": took})
    return told


class _PurseEmpty(Exception):
    """This bot, this conversation or this installation has spent what it may."""


async def _spoken(call: Call, screen: guards.Screen, speak: Speak, account: _Account) -> Spoken:
    """One call, paid for: what was set aside for it is given back but for what it took."""
    read = sum(prompting.tokens(_all_of(message)) for message in call.messages)
    aside = read + call.model.max_tokens
    if not await account.prompt.spend(aside):
        raise _PurseEmpty
    account.calls += 1
    took_in, took_out = read, 0
    began, outcome = time.perf_counter(), "failed"
    try:
        spoken = await speak(call, screen.hear)
        outcome = "answered"
        screen.end()
        took_in = spoken.tokens_in or read
        took_out = spoken.tokens_out or prompting.tokens(screen.heard)
        return spoken
    except (Later, Never):
        took_in, outcome = 0, "refused"  # before it was read: nobody charges for that
        raise
    except BaseException:
        took_out = prompting.tokens(screen.heard)
        raise
    finally:
        account.tokens_in += took_in
        account.tokens_out += took_out
        model, tokens = call.model, (took_in, took_out)
        prices = model.price_in, model.price_out
        took_s = time.perf_counter() - began
        counted.model_called(model.provider, model.name, outcome, took_s, tokens, prices)
        await asyncio.shield(account.prompt.spend(took_in + took_out - aside))


def _all_of(message: Message) -> str:
    return f"{message['content']}{message['calls']}" if "calls" in message else str(message["content"])


def _result(spoken: Spoken, screen: guards.Screen, account: _Account) -> Answer | HandOffBecause | None:
    """What a call came to; None where the model wants a tool that is not a person."""
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
