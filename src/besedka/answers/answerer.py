"""What an answerer is given and what it may say. Models and the offline answerer are all of this one form."""

from typing import Protocol

import msgspec

# Why a person is called. A model may have further reasons of its own.
ASKED_FOR_PERSON = "asked_for_person"
LOW_CONFIDENCE = "low_confidence"
NO_KNOWLEDGE = "no_knowledge"


class Said(msgspec.Struct, frozen=True):
    """One message of the episode so far."""

    author: str  # contact, bot or operator
    text: str


class Evidence(msgspec.Struct, frozen=True):
    """A passage that may answer. `confidence` is the probability that it does; `score` only orders."""

    passage_id: int
    title: str
    text: str
    score: float
    confidence: float


class Prompt(msgspec.Struct, frozen=True):
    """All that an answerer may know. Evidence is sorted, best first."""

    question: str
    system_prompt: str = ""
    history: tuple[Said, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    answer_from: float = 0.5  # the least confidence with which it may answer
    language: str = "ru"  # for a question that has no letters


class Answer(msgspec.Struct, frozen=True):
    """The text to say, the passages it rests on, how sure it is and who says so."""

    text: str
    cited: tuple[int, ...]
    confidence: float
    model: str


class HandOffBecause(msgspec.Struct, frozen=True):
    """A person has to answer. A value of its own: no text of a visitor or a model can be mistaken for it."""

    reason: str
    confidence: float = 0.0  # of the best answer there was


class Answerer(Protocol):
    """Answers one prompt, or says why it does not."""

    async def __call__(self, prompt: Prompt, /) -> Answer | HandOffBecause: ...
