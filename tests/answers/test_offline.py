"""The answerer without a model: answer, suggest, hand off."""

import asyncio

import pytest

from besedka.answers import personas, small_talk
from besedka.answers.answerer import (
    LOW_CONFIDENCE,
    NO_KNOWLEDGE,
    REPEATED_MISSES,
    Answer,
    Evidence,
    HandOffBecause,
    Prompt,
    Result,
    Suggest,
    silent,
)
from besedka.answers.providers import offline

SURE = Evidence(7, "Сколько стоит доставка?", "Доставка стоит 290 ₽.", score=1.2, confidence=0.8)
MAYBE = Evidence(9, "Есть ли самовывоз?", "Есть.", score=0.6, confidence=0.3)
UNSURE = Evidence(8, "Есть ли рассрочка?", "Да.", score=0.4, confidence=0.1)


def reply(question: str, *evidence: Evidence, answer_from: float = 0.5, misses: int = 0) -> Result:
    prompt = Prompt(question, evidence=evidence, answer_from=answer_from, suggest_from=0.2, misses=misses)
    return asyncio.run(offline.answer(prompt, silent))


def test_the_best_passage_answers_and_is_cited():
    assert reply("сколько за доставку?", SURE, UNSURE) == Answer("Доставка стоит 290 ₽.", (7,), 0.8, "offline")


def test_as_sure_as_asked_for_is_sure_enough():
    assert isinstance(reply("сколько?", SURE, answer_from=0.8), Answer)


def test_what_may_be_meant_is_offered_to_choose_from_with_a_person_as_the_last_choice():
    offered = reply("забрать сам могу?", MAYBE, UNSURE)

    assert isinstance(offered, Suggest)
    assert offered.choices == ("Есть ли самовывоз?", "Есть ли рассрочка?", offline.NONE_OF_THESE["ru"])
    assert offered.confidence == 0.3


def test_a_choice_is_offered_once_where_two_passages_share_their_title():
    offered = reply("забрать сам могу?", MAYBE, MAYBE)

    assert isinstance(offered, Suggest)
    assert offered.choices == ("Есть ли самовывоз?", offline.NONE_OF_THESE["ru"])


def test_after_a_few_misses_in_a_row_a_person_answers():
    assert isinstance(reply("забрать?", MAYBE, misses=1), Suggest)
    assert reply("забрать?", MAYBE, misses=2) == HandOffBecause(REPEATED_MISSES, 0.3)


def test_misses_before_do_not_keep_it_from_what_it_knows():
    assert isinstance(reply("сколько за доставку?", SURE, misses=2), Answer)


def test_who_says_that_it_did_not_help_may_ask_again_or_have_a_person():
    first = reply("это не помогло", SURE)

    assert isinstance(first, Suggest)
    assert first.choices == (offline.A_PERSON["ru"],)
    assert reply("это не помогло", SURE, misses=1) == HandOffBecause(REPEATED_MISSES)


def test_a_person_answers_what_the_knowledge_is_not_sure_of():
    assert reply("сколько?", UNSURE) == HandOffBecause(LOW_CONFIDENCE, 0.1)


def test_a_person_answers_what_the_knowledge_knows_nothing_of():
    assert reply("сколько?") == HandOffBecause(NO_KNOWLEDGE)


@pytest.mark.parametrize(
    ("typed", "kind", "language"),
    [
        ("Привет!", small_talk.Kind.GREETING, "ru"),
        ("hello 17", small_talk.Kind.GREETING, "en"),
        ("спасибо", small_talk.Kind.THANKS, "ru"),
        ("bye", small_talk.Kind.GOODBYE, "en"),
        ("что ты умеешь?", small_talk.Kind.ABILITIES, "ru"),
    ],
)
def test_a_courtesy_is_returned_in_its_language_and_manner(typed, kind, language):
    prompt = Prompt(typed, system_prompt="Ты помогаешь выбрать курс обучения.", evidence=(SURE,), manner=17)
    text = personas.reply(kind, personas.Persona.EDUCATION, language, 17)

    assert asyncio.run(offline.answer(prompt, silent)) == Answer(text, (), 1.0, "offline")


def test_a_greeting_before_a_question_is_the_question():
    assert reply("Здравствуйте! Сколько стоит доставка?", SURE) == Answer(SURE.text, (7,), 0.8, "offline")
