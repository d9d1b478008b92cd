import time
from pathlib import Path

import pace
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, text, tuples

from besedka.knowledge import rows
from besedka.knowledge.index import OUTSIDE, Entry, Index

DEMO = Path(rows.__file__).parents[1] / "project" / "demo_shop.csv"
SHOP = [Entry(at, *row) for at, row in enumerate(rows.read_csv(DEMO.read_bytes()).rows)]
INDEX = Index(SHOP)
TINY = Index(SHOP[:10])

SMALL_TALK = [
    "как дела",
    "расскажи анекдот",
    "какая завтра погода",
    "кто написал войну и мир",
    "вы там все тупые",
    "йцукен",
    "will it rain in the mountains tomorrow",
    "are you some kind of machine",
    "what is the capital of peru",
    "lorem ipsum dolor sit amet",
]


@pytest.mark.parametrize("index", [INDEX, TINY], ids=["shop", "tiny"])
def test_a_stored_question_finds_itself_and_is_sure(index: Index):
    for entry in SHOP[: len(index)]:
        first = index.find(entry.question)[0]

        assert (first.passage_id, first.answer) == (entry.passage_id, entry.answer)
        assert first.confidence > 0.9


@pytest.mark.parametrize("index", [INDEX, TINY], ids=["shop", "tiny"])
@pytest.mark.parametrize("asked", SMALL_TALK)
def test_what_is_not_in_the_base_is_not_answered_with_confidence(index: Index, asked: str):
    found = index.find(asked)

    assert not found or found[0].confidence < 0.5


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("сколько будет стоить доставка до дома", "Сколько стоит доставка?"),
        ("Сколко стоит даставка", "Сколько стоит доставка?"),
        ("можно заплатить наличными курьеру", "Как можно оплатить покупку?"),
        ("отследить посылку", "Где мой заказ и как его отследить?"),
        ("delivery price", "How much is delivery?"),
        ("best food for a puppy", "Which food should I choose for my puppy?"),
    ],
)
def test_other_words_find_the_same_passage(asked: str, stored: str):
    assert INDEX.find(asked)[0].question == stored


def test_courtesy_makes_a_stored_question_no_other():
    plain, polite = INDEX.find("Есть ли рассрочка?"), INDEX.find("Добрый день! Подскажите, есть ли рассрочка")

    assert polite == plain


def test_the_best_comes_first_and_no_more_than_asked_for():
    found = INDEX.find("сколько стоит доставка в пункт выдачи", limit=5)

    assert len(found) == 5
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert [one.confidence for one in found] == sorted((one.confidence for one in found), reverse=True)
    assert INDEX.find("доставка", limit=0) == []


def test_of_two_answers_to_one_question_both_are_found():
    index = Index(
        [Entry(1, "", "Когда?", "Утром"), Entry(2, "", "Когда?", "Вечером"), Entry(3, "", "Где?", "Там")]
    )

    assert {one.passage_id for one in index.find("когда", limit=2)} == {1, 2}


def test_passages_without_question_or_words_do_no_harm():
    index = Index([Entry(1, "", "", "Только ответ про страусов"), Entry(2, "", "???", "!!!")])

    assert [one.passage_id for one in index.find("страусы")] == [1]
    assert Index([]).find("что?") == []


@given(typed=text(), limit=integers(min_value=-1, max_value=70))
def test_any_text_may_be_asked(typed: str, limit: int):
    for found in INDEX.find(typed, limit):
        assert 0 <= found.confidence <= 1


@settings(max_examples=50)
@given(base=lists(tuples(text(), text(), text()), max_size=5), typed=text())
def test_any_base_may_be_asked(base: list[tuple[str, str, str]], typed: str):
    index = Index([Entry(at, *row) for at, row in enumerate(base)])

    for asked in (typed, *(question for _, question, _ in base)):
        for found in index.find(asked):
            assert 0 <= found.confidence <= 1


@pytest.mark.parametrize(
    "typed",
    [
        "a" * 10_000,
        "доставка " * 1_200,
        " ".join(f"щ{number}ывание" for number in range(800)),
        "\u0301" * 10_000,
        "\ufdfa" * 10_000,
        "a\u200b" * 5_000,
    ],
    ids=["one word", "repeated", "new words", "combining", "expanding", "zero width"],
)
def test_ten_kilobytes_of_anything_are_searched_in_a_tenth_of_a_second(typed: str):
    start = time.perf_counter()
    INDEX.find(typed)

    assert time.perf_counter() - start < pace.seconds(0.1)


PHRASINGS = {
    "Двести рублей.": [
        "сколько стоит доставка",
        "цена доставки",
        "почём привезёте",
        "доставка дорого",
        "тариф курьера",
    ],
    "С девяти до шести.": [
        "когда вы открыты",
        "часы работы",
        "до скольки склад",
        "график",
        "вы сегодня работаете",
    ],
}
OTHERS = ["кто выиграл матч", "какая завтра погода", "реши задачу по алгебре", "как сварить суп", "спой песню"]


def phrasings(*outside: str) -> Index:
    known = [(phrase, answer) for answer, phrases in PHRASINGS.items() for phrase in phrases]
    known += [(phrase, OUTSIDE) for phrase in outside]
    return Index([Entry(at, "", phrase, answer) for at, (phrase, answer) in enumerate(known)])


def test_an_answer_with_many_phrasings_is_found_by_one_that_joins_two_of_them():
    first = phrasings().find("почём у вас доставка курьером")[0]

    assert first.answer == "Двести рублей."
    assert first.confidence > 0.5


def test_a_question_that_belongs_to_a_person_is_never_found():
    for asked in OTHERS:
        assert all(found.answer != OUTSIDE for found in phrasings(*OTHERS).find(asked))


def test_what_belongs_to_a_person_keeps_the_bot_from_answering_alike():
    asked = "какая сегодня погода"

    with_it = max((found.among for found in phrasings(*OTHERS).find(asked)), default=0)
    without = max((found.among for found in phrasings().find(asked)), default=0)

    assert with_it < without
    assert with_it < 0.3


def test_a_base_of_questions_for_people_alone_finds_nothing():
    assert Index([Entry(1, "", "где склад?", OUTSIDE)]).find("где склад?") == []


def test_one_of_three_is_at_least_as_probable_as_the_first():
    for found in INDEX.find("сколько стоит доставка в пункт выдачи", limit=3):
        assert found.confidence <= found.among <= 1
