from hypothesis import given
from hypothesis.strategies import lists, sampled_from, text

from besedka.knowledge import words


@given(typed=text())
def test_a_normalised_text_stays_as_it_is(typed: str):
    once = words.normalise(typed)

    assert words.split(once) == words.split(typed)
    assert "ё" not in once


def test_case_yo_and_compatible_signs_make_no_other_word():
    assert words.split("ЁЛКА, ёлка; ｅｌｋａ") == ["елка", "елка", "elka"]


def test_forms_of_a_word_share_a_stem_in_both_scripts():
    assert words.stem("доставка") == words.stem("доставки") == words.stem("доставкой")
    assert words.stem("delivery") == words.stem("deliveries")


@given(typed=text(min_size=1))
def test_grams_are_as_many_as_counted(typed: str):
    for word in words.split(typed):
        assert len(words.grams(word)) == words.gram_count(word)
        assert len(word) <= words.MAX_WORD


def test_courtesy_around_a_question_is_no_part_of_it():
    asked = words.split("Здравствуйте! Подскажите, пожалуйста, сколько дней идёт посылка? Спасибо")

    assert words.without_courtesy(asked) == ["сколько", "дней", "идет", "посылка"]


@given(asked=lists(sampled_from(["привет", "day", "корм", "за"])))
def test_a_text_never_loses_all_its_words_to_courtesy(asked: list[str]):
    assert bool(words.without_courtesy(asked)) == bool(asked)
