"""Answers are read in the forms people use; what does not fit is said in the question's language."""

import time

import pace
import pytest
from hypothesis import given
from hypothesis import strategies as st

from besedka.dialogue import patterns, readings
from besedka.dialogue.conditions import Rule, holds
from besedka.dialogue.rules import Fits, Misfits, read
from besedka.dialogue.steps import Question


def question(text: str = "Сколько?", **rules: object) -> Question:
    buttons = rules.pop("buttons", [])
    return Question.model_validate({"question": text, "validation_rules": rules, "buttons": buttons})


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("number", "1 500,50", 1500.5),
        ("number", " 20 000 ", 20_000),
        ("number", "-3", -3),
        ("email", "Anna.B@Example.COM", "Anna.B@example.com"),
        ("phone", "8 (900) 123-45-67", "+79001234567"),
        ("phone", "+44 20 7946 0000", "+442079460000"),
        ("phone", "9001234567", "+79001234567"),
        ("date", "31.12.2026", "2026-12-31"),
        ("date", "2026-2-9", "2026-02-09"),
    ],
)
def test_an_answer_is_read_as_what_it_is(kind, typed, value):
    fits = read(question(type=kind), typed)

    assert isinstance(fits, Fits)
    assert fits.value == value


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("number", "много"), ("number", "1,2,3"), ("number", "12 34"), ("number", "9" * 60), ("number", "٣"),
        ("email", "anna"), ("email", "a@b"), ("email", "a b@c.de"), ("email", "a@-b.de"), ("email", "a..b@c.de"),
        ("phone", "12"), ("phone", "+7 900 abc"), ("phone", "8 (900 123-45-67"), ("phone", "1" * 30),
        ("date", "31.02.2026"), ("date", "завтра"), ("date", "2026-13-01"), ("date", "00.00.0000"),
    ],
)  # fmt: skip
def test_what_is_something_else_does_not_fit(kind, typed):
    assert isinstance(read(question(type=kind), typed), Misfits)


def test_bounds_are_told_with_their_numbers():
    assert "18" in said(question(type="number", min=18), "5")
    assert "5" in said(question(min_length=5), "да")
    assert isinstance(read(question(type="number", min=18, max=99), "20"), Fits)


def said(asked: Question, typed: str) -> str:
    misfits = read(asked, typed)
    assert isinstance(misfits, Misfits)
    return misfits.sentence


def test_what_is_wrong_is_said_in_the_language_of_the_question():
    assert said(question("Сколько вам лет?", type="number"), "?").startswith("Нужно")
    assert said(question("How old are you?", type="number"), "?").startswith("A number")
    assert said(question("?", type="number", message="Digits, please!"), "?") == "Digits, please!"


@pytest.mark.parametrize("typed", ["Кошка", " кошка ", "cat", "2", "2."])
def test_a_choice_is_made_by_label_meaning_or_number(typed):
    asked = question(
        type="choice", buttons=[{"label": "Собака", "value": "dog"}, {"label": "Кошка", "value": "cat"}]
    )

    assert read(asked, typed) == Fits("cat", "cat")


@pytest.mark.parametrize("typed", ["", "0", "3", "кот", "²"])
def test_what_is_not_among_the_choices_is_none(typed):
    asked = question(type="choice", buttons=[{"label": "Собака"}, {"label": "Кошка"}])

    assert isinstance(read(asked, typed), Misfits)


def test_a_wild_pattern_on_a_long_text_takes_no_time():
    asked = question(pattern="(a+)+$")
    start = time.process_time()

    assert isinstance(read(asked, "a" * 50_000 + "!"), Misfits)
    assert time.process_time() - start < pace.seconds(0.05)


def test_a_pattern_is_about_the_whole_answer():
    assert isinstance(read(question(pattern=r"[A-Z]{2}\d{4}"), "ab1234"), Fits)
    assert isinstance(read(question(pattern=r"[A-Z]{2}\d{4}"), "AB12345"), Misfits)


def test_a_pattern_that_would_take_too_much_is_refused():
    for pattern in ("(?<=a)b", "(" * 100, "a{1000}{1000}", "x" * 1_000):
        with pytest.raises(patterns.PatternUnfit):
            patterns.check(pattern)


@given(st.text(max_size=200))
def test_whatever_is_typed_is_read_or_is_not(typed):
    for reading in (readings.number_in, readings.email_in, readings.phone_in, readings.date_in):
        reading(typed)
    for kind in ("text", "number", "email", "phone", "date"):
        read(question(type=kind), typed)


SET = {"value": {"answer": True}, "op": "is_set"}
VARIABLES = {"age": 20, "town": "Казань", "price": "20 000", "flag": True, "empty": "", "none": None}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"value": {"answer": True}, "op": "equals", "with": "ДА"}, True),
        ({"value": {"answer": True}, "op": "contains", "with": "д"}, True),
        ({"value": {"variable": "town"}, "op": "one_of", "with": ["москва", "казань"]}, True),
        ({"value": {"variable": "age"}, "op": "at_least", "with": 18}, True),
        ({"value": {"variable": "price"}, "op": "more", "with": 19_999.5}, True),
        ({"value": {"variable": "town"}, "op": "less", "with": 5}, False),
        ({"value": {"variable": "flag"}, "op": "more", "with": 0}, False),
        ({"value": {"variable": "flag"}, "op": "equals", "with": True}, True),
        ({"value": {"variable": "nobody"}, "op": "equals", "with": None}, True),
        ({"value": {"variable": "nobody"}, "op": "equals", "with": ""}, False),
        ({"value": {"variable": "empty"}, "op": "is_set"}, False),
        ({"value": {"variable": "town"}, "op": "matches", "with": "каз.*"}, True),
        ({"not": {"value": {"variable": "age"}, "op": "equals", "with": "20"}}, False),
        ({"all": [SET, {"value": {"variable": "age"}, "op": "less", "with": 3}]}, False),
        ({"any": [SET, {"value": {"variable": "age"}, "op": "less", "with": 3}]}, True),
    ],
)  # fmt: skip
def test_rules_hold_as_they_read(rule, expected):
    assert holds(Rule.model_validate(rule), "да", VARIABLES) is expected


@pytest.mark.parametrize("text", ["__import__('os')", "9**9**9", "'a'*10**9", "().__class__"])
def test_rules_are_compared_and_never_run(text):
    rule = Rule.model_validate({"value": {"answer": True}, "op": "equals", "with": text})

    assert holds(rule, text, {})
