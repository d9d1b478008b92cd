import asyncio

import pytest

from besedka.answers import offline
from besedka.answers.answerer import (
    ASKED_FOR_PERSON,
    LOW_CONFIDENCE,
    NO_KNOWLEDGE,
    Answer,
    Evidence,
    HandOffBecause,
    Prompt,
)

SURE = Evidence(7, "Сколько стоит доставка?", "Доставка стоит 290 ₽.", score=1.2, confidence=0.8)
UNSURE = Evidence(8, "Есть ли рассрочка?", "Да.", score=0.4, confidence=0.1)


def reply(question: str, *evidence: Evidence, answer_from: float = 0.5) -> Answer | HandOffBecause:
    return asyncio.run(offline.answer(Prompt(question=question, evidence=evidence, answer_from=answer_from)))


def test_the_best_passage_answers_and_is_cited():
    assert reply("сколько за доставку?", SURE, UNSURE) == Answer("Доставка стоит 290 ₽.", (7,), 0.8, "offline")


def test_as_sure_as_asked_for_is_sure_enough():
    assert isinstance(reply("сколько?", SURE, answer_from=0.8), Answer)


def test_a_person_answers_what_the_knowledge_is_not_sure_of():
    assert reply("сколько?", UNSURE) == HandOffBecause(LOW_CONFIDENCE, 0.1)


def test_a_person_answers_what_the_knowledge_knows_nothing_of():
    assert reply("сколько?") == HandOffBecause(NO_KNOWLEDGE)


def test_who_asks_for_a_person_gets_one_however_sure_the_knowledge_is():
    assert reply("позовите оператора", SURE) == HandOffBecause(ASKED_FOR_PERSON)


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("Привет!", "Здравствуйте! Чем могу помочь?"),
        ("hello 17", "Hello! How can I help?"),
        ("спасибо", "Пожалуйста! Если появится ещё вопрос, пишите."),
        ("bye", "Goodbye! Have a nice day."),
    ],
)
def test_a_courtesy_is_returned_in_its_language(typed: str, text: str):
    assert reply(typed, SURE) == Answer(text, (), 1.0, "offline")


def test_a_greeting_before_a_question_is_the_question():
    assert reply("Здравствуйте! Сколько стоит доставка?", SURE) == Answer(SURE.text, (7,), 0.8, "offline")
