import re
import time
from itertools import product

import pace
import pytest
from hypothesis import given
from hypothesis.strategies import integers, sampled_from, text

from besedka.answers import personas, refusals
from besedka.answers.personas import MANNERS, Persona
from besedka.answers.small_talk import Kind

LANGUAGES = ("ru", "en")
ALL = [
    (kind, persona, language, choice, personas.reply(kind, persona, language, choice))
    for kind, persona, language, choice in product(Kind, Persona, LANGUAGES, range(MANNERS))
]
DONE = re.compile(
    r"""\b(?:
    (?:проверил|передал|отправил|переслал|посмотрел|нашёл|нашел|нашл|узнал|уточнил|позвал|вызвал|создал|оформил|записал
      |сообщил|связал|подключил|перевёл|перевел|сделал|исправил|сохранил|зарегистрировал|обновил|открыл|закрыл|вернул
      |отменил|заказал|понял|решил)(?:а|и|ся|ась|ись)?
    |уже
    |i\s+have|i've|i\s+had|i\s+did|has\s+been|have\s+been|already|sent|checked|forwarded|called|passed|found|created|done|notified
    |informed|transferred|asked|looked|fixed|booked|cancelled|updated|opened|closed|saved|contacted|connected|told
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)


@pytest.mark.parametrize(
    ("prompt", "persona"),
    [
        ("Ты сотрудник службы поддержки. Помогай пользователям решать проблемы.", Persona.SUPPORT),
        ("Ты вежливый помощник техподдержки интернет-магазина.", Persona.SUPPORT),
        ("Помогаешь устранять неполадки и сбои в работе роутера.", Persona.SUPPORT),
        ("You are a customer support agent.", Persona.SUPPORT),
        ("You are a friendly helpdesk bot: troubleshoot issues.", Persona.SUPPORT),
        ("Technical support of an online shop", Persona.SUPPORT),
        ("Ты преподаватель английского. Объясняй темы и давай задания.", Persona.EDUCATION),
        ("Отвечай ученикам онлайн-школы об уроках и курсах", Persona.EDUCATION),
        ("Помощник по обучению студентов", Persona.EDUCATION),
        ("You are a tutor. Help students with their homework.", Persona.EDUCATION),
        ("You support students in their studies and courses.", Persona.EDUCATION),
        ("Ты продавец в магазине. Рассказывай о товарах и ценах.", Persona.SALES),
        ("Ты продавец-консультант магазина обуви", Persona.SALES),
        ("Менеджер по продажам", Persona.SALES),
        ("You are a sales assistant of a pet store.", Persona.SALES),
        ("Help people buy goods; know our prices and discounts.", Persona.SALES),
        ("Ты консультант. Давай советы.", Persona.CONSULTING),
        ("Помогай с выбором: рекомендуй и подбирай подходящее", Persona.CONSULTING),
        ("Ты юрист, отвечаешь на правовые вопросы", Persona.CONSULTING),
        ("You are a consultant who gives advice on taxes.", Persona.CONSULTING),
        ("You advise and recommend what to choose", Persona.CONSULTING),
        ("", Persona.GENERAL),
        ("Ты дружелюбный бот Марина.", Persona.GENERAL),
        ("You are a helpful assistant.", Persona.GENERAL),
        ("Ты учитель. Ты консультант.", Persona.GENERAL),
        ("Центр сборки: сборщик целыми днями курит", Persona.GENERAL),
        ("Do not sell. Never teach.", Persona.GENERAL),
        ("Ты консультант. Не продавай, не продавец.", Persona.CONSULTING),
    ],
)
def test_a_system_prompt_says_who_speaks(prompt: str, persona: Persona):
    assert personas.of(prompt) is persona


def test_a_word_repeated_is_no_more_evidence():
    assert personas.of("товар товар товар товар товар товар. Ты преподаватель") is Persona.EDUCATION


@given(prompt=text())
def test_any_prompt_may_be_given(prompt: str):
    assert personas.of(prompt) in Persona


@pytest.mark.parametrize(("kind", "language"), list(product(Kind, LANGUAGES)))
def test_there_are_three_phrasings_of_everything(kind: Kind, language: personas.Language):
    for persona in Persona:
        said = {personas.reply(kind, persona, language, choice) for choice in range(MANNERS)}

        assert len(said) >= 3


@given(kind=sampled_from(Kind), persona=sampled_from(Persona), language=sampled_from(LANGUAGES), choice=integers())
def test_a_conversation_keeps_its_manner(kind: Kind, persona: Persona, language: personas.Language, choice: int):
    assert personas.reply(kind, persona, language, choice) == personas.reply(
        kind, persona, language, choice % MANNERS
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_persona_shapes_greeting_and_abilities(language: personas.Language):
    for kind, choice in product((Kind.GREETING, Kind.ABILITIES), range(MANNERS)):
        assert len({personas.reply(kind, persona, language, choice) for persona in Persona}) == len(Persona)


@pytest.mark.parametrize(
    ("persona", "ru", "en"),
    [
        (Persona.SUPPORT, "проблем", "problem"),
        (Persona.EDUCATION, "курсах", "courses"),
        (Persona.SALES, "ценах", "prices"),
        (Persona.CONSULTING, "совет", "advice"),
    ],
)
def test_abilities_name_what_the_persona_is_for(persona: Persona, ru: str, en: str):
    for choice in range(MANNERS):
        assert ru in personas.reply(Kind.ABILITIES, persona, "ru", choice)
        assert en in personas.reply(Kind.ABILITIES, persona, "en", choice)


def test_a_bot_says_that_it_is_one_and_that_a_person_can_be_called():
    for kind, _, language, _, said in ALL:
        if kind is Kind.ABILITIES:
            assert ("бот" if language == "ru" else "bot") in said.casefold()
            assert ("зову" if language == "ru" else "call") in said


def test_no_text_claims_that_something_was_done():
    assert [said for *_, said in ALL if DONE.search(said)] == []
    assert DONE.search("Я проверил заказ")
    assert DONE.search("I have a reply")


def test_no_text_gives_the_bot_away_as_the_contract_has_it():
    for *_, said in ALL:
        assert refusals.gives_away(said) is None
        assert not any(phrase in said.casefold() for phrase in refusals.DEFAULT_PHRASES)


def test_no_place_is_left_unfilled_and_every_text_is_in_its_language():
    for _, _, language, _, said in ALL:
        assert "{" not in said
        assert said == " ".join(said.split())
        assert bool(re.search("[а-я]", said)) == (language == "ru")


@pytest.mark.parametrize("part", ["поддержка ", "support ", "a", "не ", "\ufdfa", "\u0315\u0300", "я "])
def test_ten_kilobytes_take_less_than_a_tenth_of_a_second(part: str):
    start = time.process_time()
    personas.of(part * (10_000 // len(part.encode())))

    assert time.process_time() - start < pace.seconds(0.1)
