import time

import pace
import pytest
from hypothesis import given
from hypothesis.strategies import text

from besedka.answers import small_talk
from besedka.answers.small_talk import Kind


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("Привет!", Kind.GREETING),
        ("приветттт))", Kind.GREETING),
        ("Добрый день, здравствуйте", Kind.GREETING),
        ("hello 17", Kind.GREETING),
        ("hello 1\nhello 2", Kind.GREETING),
        ("HELLOOOO", Kind.GREETING),
        ("привет, как дела?", Kind.GREETING),
        ("спасибо большое!!!", Kind.THANKS),
        ("ок, спасибо за помощь", Kind.THANKS),
        ("Thank you so much", Kind.THANKS),
        ("Спасибо, до свидания", Kind.GOODBYE),
        ("bye", Kind.GOODBYE),
        ("всего доброго", Kind.GOODBYE),
        ("понятно", Kind.NOTED),
        ("Хорошо, буду ждать", Kind.NOTED),
        ("👍", Kind.NOTED),
        ("sounds good", Kind.NOTED),
        ("🙏🏻", Kind.THANKS),
        ("Спасибо вам огромное за подробный ответ!", Kind.THANKS),
        ("thanks, it worked!", Kind.THANKS),
        ("Помогите, пожалуйста!", Kind.GREETING),
        ("Здравствуйте, можно задать вопрос?", Kind.GREETING),
        ("hi, can you help me?", Kind.GREETING),
        ("Спасибо, вопросов больше нет", Kind.GOODBYE),
        ("that's all, thanks", Kind.GOODBYE),
        ("что ты умеешь", Kind.ABILITIES),
        ("Что вы умеете?", Kind.ABILITIES),
        ("чем можешь помочь", Kind.ABILITIES),
        ("Привет! Чем ты можешь мне помочь?", Kind.ABILITIES),
        ("кто ты", Kind.ABILITIES),
        ("Ктооо тыыы?", Kind.ABILITIES),
        ("ты бот?", Kind.ABILITIES),
        ("А вы бот или человек?", Kind.ABILITIES),
        ("Как тебя зовут?", Kind.ABILITIES),
        ("what can you do", Kind.ABILITIES),
        ("Hi, what can you do for me?", Kind.ABILITIES),
        ("are you a bot?", Kind.ABILITIES),
        ("Who are you?", Kind.ABILITIES),
        ("are you human?", Kind.ABILITIES),
        ("What's your name?", Kind.ABILITIES),
    ],
)
def test_courtesies_are_known(typed: str, kind: Kind):
    assert small_talk.kind_of(typed) is kind


@pytest.mark.parametrize(
    "typed",
    [
        "Здравствуйте, сколько стоит доставка?",
        "hello, where is my order",
        "пока нет",
        "спасибо, но заказ не пришёл",
        "добрый корм",
        "Привет! Сколько стоит доставка?",
        "Чем вы можете помочь с возвратом?",
        "кто ты по гороскопу",
        "есть ли у вас бот для телеграма?",
        "что умеет этот робот-пылесос?",
        "помогите выбрать корм",
        "не получилось",
        "не помогло",
        "what can you do about fleas?",
        "are you a bot shop",
        "who are your suppliers?",
        "help me choose",
        "сколько стоит 👍",
        "17",
        "!!!",
        "",
    ],
)
def test_a_text_with_anything_else_in_it_is_no_courtesy(typed: str):
    assert small_talk.kind_of(typed) is None


@given(typed=text())
def test_any_text_may_be_typed(typed: str):
    small_talk.kind_of(typed)


@pytest.mark.parametrize("part", ["hello ", "а", "thank you so ", "how are ", "\ufdfa", "1 "])
def test_ten_kilobytes_take_less_than_a_tenth_of_a_second(part: str):
    start = time.process_time()
    small_talk.kind_of(part * (10_000 // len(part.encode())))

    assert time.process_time() - start < pace.seconds(0.1)
