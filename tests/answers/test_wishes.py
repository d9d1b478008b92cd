import time

import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from, text

from besedka.answers.wishes import wants_person

WISHES = """
оператор
Оператора!!!
оператор 17
позовите оператора
Позовите, пожалуйста, оператора!
оператора позовите
Ничего не понял. Оператор!
мне нужен оператор
можно оператора?
дайте человека
соедините с менеджером
Здравствуйте, соедините меня пожалуйста с оператором
переключите на оператора
переведите меня на специалиста
свяжите меня с консультантом
не могу связаться с оператором
хочу поговорить с человеком
хочу общаться с живым человеком, а не с роботом
Не хочу говорить с ботом, дайте человека
живой человек
есть тут живой человек?
пусть ответит человек
operator please
Operator!
human
real person
is there a real person here
talk to a human
i need a human
I want to speak to a manager
i'd like to talk to a person
get me a real person
can i talk to someone
connect me with an agent please
Could you transfer me to a human agent?
let me speak to a representative
"""
NO_WISHES = """
как стать оператором?
хочу стать менеджером
сколько весит человек
ваш оператор мне нахамил
Оператор, который вчера отвечал, ошибся
вчера я говорил с оператором
какой мобильный оператор лучше
нужен ли оператор для съёмки
хочу добавить администратора страницы
можно ли взять с собой второго человека
не зовите оператора
не хочу говорить с оператором
оператор не нужен
ты человек или бот?
operator precedence in python
are you a human?
do i need a manager to sign the form
how to talk to a person who is sad
what does a sales manager do
how many people can chat at once
people usually call us on Mondays
do not transfer me to an agent
привет
"""


@pytest.mark.parametrize(
    "typed",
    WISHES.strip().splitlines(),
)
def test_a_wish_for_a_person_is_heard(typed: str):
    assert wants_person(typed)


@pytest.mark.parametrize(
    "typed",
    NO_WISHES.strip().splitlines(),
)
def test_a_word_about_a_person_is_no_wish_for_one(typed: str):
    assert not wants_person(typed)


@pytest.mark.parametrize("typed", ["", " ", "?!", "17"])
def test_nothing_is_no_wish(typed: str):
    assert not wants_person(typed)


@given(
    typed=text()
    | lists(sampled_from(["оператор", "не", "хочу", "позовите", "с", ",", "to", "human"])).map(" ".join)
)
def test_any_text_may_be_typed(typed: str):
    assert wants_person(typed) in (True, False)


@pytest.mark.parametrize(
    "part", ["оператор ", "хочу ", "с ", "не ", "а", ".", ", please", " ", "please ", "живой", "\ufdfa", "«"]
)
def test_ten_kilobytes_take_less_than_a_tenth_of_a_second(part: str):
    start = time.perf_counter()
    wants_person(part * (10_000 // len(part)) + " оператор")

    assert time.perf_counter() - start < 0.1
