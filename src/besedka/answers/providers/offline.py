"""The answerer without a model: courtesy for courtesy, what the knowledge says when it is sure, else a person.

Says nothing of its own but courtesies, so it never claims to have done anything.
"""

from besedka.answers import moods, personas, small_talk, texts
from besedka.answers.answerer import (
    LOW_CONFIDENCE,
    NO_KNOWLEDGE,
    REPEATED_MISSES,
    Aloud,
    Answer,
    HandOffBecause,
    Prompt,
    Result,
    Suggest,
)

MODEL = "offline"
MAX_MISSES = 2  # suggestions and failures in a row; the next one is a person's
CHOICES = 3

_MEANT = {
    "ru": "Не уверен, что понял вопрос. Возможно, вы об этом:",
    "en": "I am not sure that I understood. Perhaps you mean one of these:",
}
NONE_OF_THESE = {"ru": "Ничего из этого, позовите человека", "en": "None of these, call a person"}
_ANOTHER_WAY = {
    "ru": "Похоже, ответ не подошёл. Спросите, пожалуйста, другими словами, или позовите человека.",
    "en": "It seems that did not help. Please ask in other words, or call a person.",
}
A_PERSON = {"ru": "Позовите человека", "en": "Call a person"}


async def answer(prompt: Prompt, aloud: Aloud) -> Result:
    """The best passage when it is sure enough, a choice when it may be right, else a person."""
    language = texts.language_of(prompt.question, prompt.language)
    kind = small_talk.kind_of(prompt.question)
    if kind is not None:
        persona = personas.of(prompt.system_prompt)
        text = personas.reply(kind, persona, language, prompt.manner)
        return Answer(text, cited=(), confidence=1.0, model=MODEL)
    if moods.is_miss(prompt.question):
        if prompt.misses + 1 >= MAX_MISSES:
            return HandOffBecause(REPEATED_MISSES)
        return Suggest(_ANOTHER_WAY[language], (A_PERSON[language],), 0.0, MODEL)
    if not prompt.evidence:
        return HandOffBecause(NO_KNOWLEDGE)
    best = max(prompt.evidence, key=lambda evidence: evidence.confidence)
    if best.confidence >= prompt.answer_from:
        return Answer(best.text, cited=(best.passage_id,), confidence=best.confidence, model=MODEL)
    if max(best.confidence, best.among) < prompt.suggest_from:
        return HandOffBecause(LOW_CONFIDENCE, best.confidence)
    if prompt.misses >= MAX_MISSES:
        return HandOffBecause(REPEATED_MISSES, best.confidence)
    titles = dict.fromkeys(evidence.title for evidence in prompt.evidence if evidence.title)
    choices = (*list(titles)[:CHOICES], NONE_OF_THESE[language])
    return Suggest(_MEANT[language], choices, best.confidence, MODEL)
