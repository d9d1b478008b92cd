"""A bot that has no answer asks on: by keywords, in context, in the language of the question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from besedka.answers import clarifying
from besedka.answers.personas import Persona


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("Сколько стоит курс рисования?", "price"),
        ("У меня не работает касса", "problem"),
        ("Привезёте завтра курьером?", "delivery"),
        ("Какое у вас расписание?", "schedule"),
        ("Есть ли уроки для детей", "learning"),
        ("Посоветуйте, что выбрать", "choice"),
        ("Хочу оформить заказ", "order"),
        ("Когда у Анны отпуск?", "staff"),
        ("How much does it cost?", "price"),
        ("My order is broken", "problem"),
        ("Расскажи анекдот", ""),
        ("Концерт", ""),
        ("", ""),
    ],
)
def test_words_name_a_topic(question, topic):
    assert clarifying.topic_of(question) == topic


def test_what_was_asked_before_decides_what_is_asked_next():
    first, topic = clarifying.reply("Сколько стоит?", Persona.SALES, "ru", before=None, times=0)
    second, same = clarifying.reply("Большой мяч", Persona.SALES, "ru", before=topic, times=1)
    third, _ = clarifying.reply("Красный", Persona.SALES, "ru", before=same, times=2)
    other, changed = clarifying.reply("А доставка?", Persona.SALES, "ru", before=same, times=2)

    assert "цене" in first
    assert "«Большой мяч»" in second
    assert "оператор" in third
    assert (changed, "город" in other) == ("delivery", True)


@given(st.text(max_size=300), st.sampled_from(Persona), st.sampled_from(("ru", "en")), st.integers(0, 5))
def test_there_is_always_something_to_say(question, persona, language, times):
    text, _ = clarifying.reply(question, persona, language, before="" if times else None, times=times)

    assert text.strip()
    assert "{about}" not in text.replace(question, "")
