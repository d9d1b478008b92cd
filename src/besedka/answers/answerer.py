"""What an answerer is given and what it may say. Models and the offline answerer are all of this one form."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

# Why a person is called. Whoever reads a reason in a report finds it here.
ASKED_FOR_PERSON = "asked_for_person"
LOW_CONFIDENCE = "low_confidence"
NO_KNOWLEDGE = "no_knowledge"
REPEATED_MISSES = "repeated_misses"
ANGER = "anger"
MODEL_ASKED = "model_asked"  # the model itself called for a person
MODEL_REFUSED = "model_refused"
GAVE_ITSELF_AWAY = "gave_itself_away"  # it spoke as a bot, with one of the bot's give-away phrases
PROVIDER_FAILED = "provider_failed"
BUDGET_SPENT = "budget_spent"
SENT_A_FILE = "sent_a_file"  # without a word: a bot looks at no pictures
UNSURE = frozenset((LOW_CONFIDENCE, NO_KNOWLEDGE, REPEATED_MISSES, SENT_A_FILE))  # nobody asked for a person


class Said(msgspec.Struct, frozen=True):
    """One message of the episode so far."""

    author: str  # contact, bot or operator
    text: str


class Evidence(msgspec.Struct, frozen=True):
    """A passage that may answer. `confidence` is the probability that it does; `score` only orders.

    `among` is the probability that one of the first three found does.
    """

    passage_id: int
    title: str
    text: str
    score: float
    confidence: float
    among: float = 0.0


class Model(msgspec.Struct, frozen=True):
    """Which model speaks, where, and how."""

    provider: str
    name: str
    base_url: str
    key: str
    folder: str = ""  # of Yandex Cloud
    temperature: float = 0.7
    max_tokens: int = 1000  # of an answer
    chat: bool = True  # else one prompt without history
    price_in: float = 0.0  # money for a million tokens read
    price_out: float = 0.0  # money for a million tokens written


async def unlimited(tokens: int) -> bool:
    """A purse without a bottom."""
    return True


class Tool(msgspec.Struct, frozen=True):
    """Something that a model may ask us to do, and what does it.

    `use` takes arguments as a model gave them, and returns what the model is told. Raises `BadArguments`.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    use: Callable[[dict[str, Any]], Awaitable[str]] | None = None


class BadArguments(Exception):
    """A model asked a tool for what it does not do; the sentence tells the model."""


class Prompt(msgspec.Struct, frozen=True):
    """All that an answerer may know: of this contact, and of no other. Evidence is sorted, best first."""

    question: str
    system_prompt: str = ""
    history: tuple[Said, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    answer_from: float = 0.5  # the least confidence with which it may answer
    suggest_from: float = 1.0  # the least probability, that one of three is right, with which it may suggest
    misses: int = 0  # how often in a row it has failed to answer in this episode
    language: str = "ru"  # for a question that has no letters
    manner: int = 0  # the same in all of a conversation, so that the bot speaks alike throughout
    model: Model | None = None
    give_away: tuple[str, ...] = ()  # phrases with which a model gives itself away
    secrets: tuple[str, ...] = ()  # what no reply may contain
    spend: Callable[[int], Awaitable[bool]] = unlimited  # asked before each call; a negative number is given back
    tools: tuple[Tool, ...] = ()  # that the bot allows a model, beside calling a person


class Usage(msgspec.Struct, frozen=True):
    """What calls of a model took: the record of an answer, and of a failure too."""

    model: str = ""
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    prompt: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()  # what went wrong on the way
    uses: tuple[dict[str, Any], ...] = ()  # of tools: which, with what, and what came of it

    def as_json(self) -> dict[str, Any]:
        """For the trace of a turn."""
        return {
            "calls": self.calls,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "cost": round(self.cost, 6),
            "prompt": list(self.prompt),
            "notes": list(self.notes),
            **({"uses": list(self.uses)} if self.uses else {}),
        }


class Answer(msgspec.Struct, frozen=True):
    """The text to say, the passages it rests on, how sure it is and who says so."""

    text: str
    cited: tuple[int, ...]
    confidence: float
    model: str
    usage: Usage | None = None
    payload: dict[str, Any] = {}  # for us, when the contact goes on about it


class Suggest(msgspec.Struct, frozen=True):
    """Not sure: what the contact may have meant, to choose from. The last choice asks for a person."""

    text: str
    choices: tuple[str, ...]
    confidence: float
    model: str
    topic: str | None = None  # of a question back, for the one after it


class HandOffBecause(msgspec.Struct, frozen=True):
    """A person has to answer. A value of its own: no text of a visitor or a model can be mistaken for it."""

    reason: str
    confidence: float = 0.0  # of the best answer there was
    detail: str = ""
    usage: Usage | None = None


Result = Answer | Suggest | HandOffBecause
Aloud = Callable[[str], None]  # takes all that has been said so far; an empty text takes everything back


class Answerer(Protocol):
    """Answers one prompt, or says why it does not. What it says on the way may be shown; the result counts."""

    async def __call__(self, prompt: Prompt, aloud: Aloud, /) -> Result: ...


def silent(text: str) -> None:
    """For whoever wants the result only."""
