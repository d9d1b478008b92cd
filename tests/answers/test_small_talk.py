import time

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
        "17",
        "!!!",
        "",
    ],
)
def test_a_text_with_anything_else_in_it_is_no_courtesy(typed: str):
    assert small_talk.kind_of(typed) is None


def test_every_courtesy_has_its_reply_in_both_languages():
    assert {(kind, language) for kind in Kind for language in ("ru", "en")} == {
        (kind, language) for kind, replies in small_talk.REPLIES.items() for language in replies
    }


@given(typed=text())
def test_any_text_may_be_typed(typed: str):
    small_talk.kind_of(typed)


@pytest.mark.parametrize("part", ["hello ", "а", "thank you so ", "how are ", "\ufdfa", "1 "])
def test_ten_kilobytes_take_less_than_a_tenth_of_a_second(part: str):
    start = time.perf_counter()
    small_talk.kind_of(part * (10_000 // len(part)))

    assert time.perf_counter() - start < 0.1
