"""The answerer without a model: courtesy for courtesy, what the knowledge says when it is sure, else a person."""

from besedka.answers import small_talk, texts, wishes
from besedka.answers.answerer import (
    ASKED_FOR_PERSON,
    LOW_CONFIDENCE,
    NO_KNOWLEDGE,
    Answer,
    HandOffBecause,
    Prompt,
)

MODEL = "offline"


async def answer(prompt: Prompt) -> Answer | HandOffBecause:
    """Return the best passage's text, or a courtesy for a courtesy, or why a person has to answer.

    Says nothing of its own but courtesies, so it never claims to have done anything.
    """
    if wishes.wants_person(prompt.question):
        return HandOffBecause(ASKED_FOR_PERSON)
    kind = small_talk.kind_of(prompt.question)
    if kind is not None:
        language = texts.language_of(prompt.question, prompt.language)
        return Answer(small_talk.REPLIES[kind][language], cited=(), confidence=1.0, model=MODEL)
    if not prompt.evidence:
        return HandOffBecause(NO_KNOWLEDGE)
    best = max(prompt.evidence, key=lambda evidence: evidence.confidence)
    if best.confidence < prompt.answer_from:
        return HandOffBecause(LOW_CONFIDENCE, best.confidence)
    return Answer(best.text, cited=(best.passage_id,), confidence=best.confidence, model=MODEL)
