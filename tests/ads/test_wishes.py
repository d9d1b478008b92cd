"""What people want of ads, in their own words; and what only looks like it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from besedka.ads import naming, wishes
from besedka.ads.wishes import Wish

KNOWN = naming.known(
    ["вельш корги пемброк", "лабрадор", "норфолк терьер", "британская", "доставка"],
    [
        ("москва арбат", 5),
        ("г казань", 2),
        ("казань", 1),
        ("санкт петербург", 3),
        ("энск", 1),
        ("великий устюг", 1),
    ],
)
PUPPY = {"kind": "Dog", "young": True, "age_max": 1}
KITTEN = {"kind": "Cat", "young": True, "age_max": 1}
MOSCOW = {"town": "москва", "place": "Москва"}
KAZAN = {"town": "г казань", "place": "Казань"}
PETERSBURG = {"town": "санкт петербург", "place": "Санкт-Петербург"}

SEARCHES = [
    ("есть щенки в Москве до 20 000?", {**PUPPY, **MOSCOW, "price_max": 20_000}),
    ("Есть ли у вас щенки?", PUPPY),
    ("ЩЕНКИ ЕСТЬ???", PUPPY),
    ("щенок", PUPPY),
    ("котята", KITTEN),
    ("кошки", {"kind": "Cat"}),
    ("Здравствуйте! Подскажите, пожалуйста, есть ли сейчас котята?", KITTEN),
    ("хочу собаку", {"kind": "Dog"}),
    ("Хотим взять взрослую собаку", {"kind": "Dog", "age_min": 2}),
    ("ищу пса", {"kind": "Dog"}),
    ("нужен кот", {"kind": "Cat"}),
    ("Сколько стоит щенок?", PUPPY),
    ("почём котята", KITTEN),
    ("какие собаки есть в продаже", {"kind": "Dog"}),
    ("Где купить щенка?", PUPPY),
    ("покажите объявления о щенках", PUPPY),
    ("какие есть объявления о кошках?", {"kind": "Cat"}),
    ("собаки и кошки в Казани", KAZAN),
    ("какие питомцы есть в Питере", PETERSBURG),
    # breeds
    ("Ищу щенка корги в Казани, не дороже 15 тыс.", {**PUPPY, **KAZAN, "breed": ("корги",), "price_max": 15_000}),
    ("лабрадоры есть?", {"kind": "Dog", "breed": ("лабрадор",)}),
    ("щенки лабрадора", {**PUPPY, "breed": ("лабрадор",)}),
    ("Мейн-куны есть?", {"kind": "Cat", "breed": ("мейн", "кун")}),
    ("куплю котёнка мейн куна", {**KITTEN, "breed": ("мейн", "кун")}),
    ("продаются щенки немецкой овчарки?", {**PUPPY, "breed": ("немецк", "овчарк")}),
    ("овчарку до 10 тысяч", {"kind": "Dog", "breed": ("овчарк",), "price_max": 10_000}),
    ("британского котенка", {**KITTEN, "breed": ("британ",)}),
    ("таксу ищу", {"kind": "Dog", "breed": ("такс",)}),
    ("йорки в Москве", {"kind": "Dog", "breed": ("йорк",), **MOSCOW}),
    ("щенки норфолк-терьера в Энске", {**PUPPY, "breed": ("норфолк", "терьер"), "town": "энск", "place": "Энск"}),
    # towns
    ("щенок из Казани", {**PUPPY, **KAZAN}),
    ("питерский котёнок", {**KITTEN, **PETERSBURG}),
    ("московские щенки", {**PUPPY, **MOSCOW}),
    ("щенки спб", {**PUPPY, **PETERSBURG}),
    ("котята, Санкт-Петербург", {**KITTEN, **PETERSBURG}),
    ("собаки в Нижнем Новгороде", {"kind": "Dog", "town": "Нижний Новгород", "place": "Нижний Новгород"}),
    ("кошка в Ростове-на-Дону", {"kind": "Cat", "town": "Ростов-на-Дону", "place": "Ростов-на-Дону"}),
    ("рыжие котята в Тамбове", {**KITTEN, "words": ("рыж",), "town": "Тамбов", "place": "Тамбов"}),
    ("щенки из Саратова", {**PUPPY, "town": "Саратов", "place": "Саратов"}),
    ("щенки в Кемерове", {**PUPPY, "town": "Кемерово", "place": "Кемерово"}),
    ("щенки в екб", {**PUPPY, "town": "Екатеринбург", "place": "Екатеринбург"}),
    ("есть котята в Великом Устюге?", {**KITTEN, "town": "великий устюг", "place": "Великий Устюг"}),
    # prices
    ("котята от 5 до 10 тысяч", {**KITTEN, "price_min": 5_000, "price_max": 10_000}),
    ("котята 5-10 тысяч рублей", {**KITTEN, "price_min": 5_000, "price_max": 10_000}),
    ("щенки от 5 000 до 12 500 руб.", {**PUPPY, "price_min": 5_000, "price_max": 12_500}),
    ("собака 20к", {"kind": "Dog", "price_max": 20_000}),
    ("собака за 15000", {"kind": "Dog", "price_max": 15_000}),
    ("щенок до двадцати тысяч", {**PUPPY, "price_max": 20_000}),
    ("щенок до 20", {**PUPPY, "price_max": 20_000}),
    ("щенок дешевле 8000 рублей", {**PUPPY, "price_max": 8_000}),
    ("щенок не дешевле 8000 рублей", {**PUPPY, "price_min": 8_000}),
    ("собака дороже 50 тысяч", {"kind": "Dog", "price_min": 50_000}),
    ("котёнок около 10 тыс", {**KITTEN, "price_min": 8_000, "price_max": 12_000}),
    ("щенок до тысячи", {**PUPPY, "price_max": 1_000}),
    ("щенок максимум 3,5 тысячи", {**PUPPY, "price_max": 3_500}),
    ("недорогой котёнок", {**KITTEN, "cheap": True}),
    ("щенка недорого", {**PUPPY, "cheap": True}),
    ("возьму котёнка даром", {**KITTEN, "price_max": 0}),
    ("бюджет 30 тысяч, нужна собака", {"kind": "Dog", "price_max": 30_000}),
    # sex and age
    ("щенок мальчик", {**PUPPY, "gender": "M"}),
    ("кошечка-девочка есть?", {"kind": "Cat", "gender": "F"}),
    ("кобели лабрадора", {"kind": "Dog", "gender": "M", "breed": ("лабрадор",)}),
    ("собака старше года", {"kind": "Dog", "age_min": 1}),
    ("собака до года", {"kind": "Dog", "age_max": 1}),
    ("кот до 3 лет", {"kind": "Cat", "age_max": 3}),
    ("собака младше 3 лет", {"kind": "Dog", "age_max": 2}),
    ("собака не старше 3 лет", {"kind": "Dog", "age_max": 3}),
    ("собака от 1 до 3 лет", {"kind": "Dog", "age_min": 1, "age_max": 3}),
    ("щенок 2 месяца", {"kind": "Dog", "age_max": 0}),
    ("2-х месячный котёнок", {"kind": "Cat", "age_max": 0}),
    ("пожилую кошку", {"kind": "Cat", "age_min": 8}),
    ("молодая собака", {"kind": "Dog", "age_max": 3}),
    # looks, and more words than anybody knows
    ("рыжий котёнок", {**KITTEN, "words": ("рыж",)}),
    ("щенок с документами", {**PUPPY, "words": ("документ",)}),
    ("большая пушистая собака", {"kind": "Dog", "words": ("пушист",)}),
    ("ищу щенка корги в подарок дочке", {**PUPPY, "breed": ("корги",)}),
    ("Ищу щенка корги, чтобы ездить с ним по выставкам", {**PUPPY, "breed": ("корги",)}),
    # English
    ("do you have any cats?", {"kind": "Cat"}),
    ("Show me puppies in Moscow under 20k", {**PUPPY, **MOSCOW, "price_max": 20_000}),
    ("looking for a female kitten in Kazan", {**KITTEN, **KAZAN, "gender": "F"}),
    ("corgi puppies for sale", {**PUPPY, "breed": ("корги",)}),
    ("I want a dog between 5 and 10 thousand", {"kind": "Dog", "price_min": 5_000, "price_max": 10_000}),
    ("dogs older than 2 years", {"kind": "Dog", "age_min": 2}),
    ("cheap kittens", {**KITTEN, "cheap": True}),
    ("how much are the puppies?", PUPPY),
]
OTHERS = [
    "сколько стоит доставка",
    "Сколько стоит доставка?",
    "есть доставка?",
    "как подать объявление",
    "Как разместить объявление о щенке?",
    "у меня щенок заболел",
    "моя собака не ест",
    "Как выбрать корм для щенка?",
    "Какой корм выбрать котёнку?",
    "есть корм для щенков?",
    "ищу корм для щенка 3 месяцев",
    "куплю корм кошке до 2000",
    "ищу хозяев для щенка",
    "Есть ли у вас корм для стерилизованных кошек?",
    "Можно ли прийти в магазин с собакой?",
    "Можно ли отдать котёнка даром?",
    "Как убрать объявление, если щенка уже купили?",
    "С какого возраста можно продавать щенков и котят?",
    "Какие прививки нужны щенку до продажи?",
    "Нужен ли чип собаке?",
    "Как часто нужно мыть собаку?",
    "Как приучить котёнка к лотку?",
    "продам щенка корги",
    "отдам котят в добрые руки",
    "потерялась собака в Москве",
    "найден рыжий кот",
    "ошейник для собаки",
    "купить лежанку для кошки",
    "сколько живут собаки",
    "что делать, если собака съела шоколад",
    "собака лает по ночам",
    "кто лучше, кошка или собака, для квартиры?",
    "щенок кусается",
    "спасибо",
    "позовите оператора",
    "привет",
    "до 20 000",
    "в Москве есть магазин?",
    "есть такси?",
    "my dog is sick",
    "dog food delivery",
    "how do I sell a puppy",
    "is there a vet for cats?",
    "",
    "?",
    "20000",
    "щенок " * 100,
]


def bare(found: Wish | None) -> Wish | None:
    """Without the breed's words, which are as they were said."""
    assert found is None or bool(found.breed) == bool(found.called)
    return found and replace(found, called="")


def wish(**fields: object) -> Wish:
    return Wish(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "fields"), SEARCHES)
def test_a_search_is_understood(text, fields):
    assert wishes.may_be(text)
    assert bare(wishes.read(text, KNOWN)) == wish(**fields)


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_no_search_is_left_to_the_knowledge(text):
    assert wishes.read(text, KNOWN) is None


BEFORE = wishes.read("есть щенки корги в Москве до 20 000?", KNOWN)
ALL = {**PUPPY, **MOSCOW, "breed": ("корги",), "price_max": 20_000}


@pytest.mark.parametrize(
    ("text", "fields", "relative"),
    [
        ("а дешевле?", {**ALL, "cheap": True}, {"cheaper"}),
        ("подешевле есть?", {**ALL, "cheap": True}, {"cheaper"}),
        ("а дороже", ALL, {"dearer"}),
        ("а в Казани?", {**ALL, **KAZAN}, set()),
        ("в питере", {**ALL, **PETERSBURG}, set()),
        ("а кошки?", {"kind": "Cat", **MOSCOW, "price_max": 20_000}, set()),
        ("а котята?", {**KITTEN, **MOSCOW, "price_max": 20_000}, set()),
        ("а взрослые собаки", {**ALL, "young": False, "age_max": None, "age_min": 2}, set()),
        ("а лабрадоры?", {**ALL, "breed": ("лабрадор",)}, set()),
        ("а девочки?", {**ALL, "gender": "F"}, set()),
        ("до 10 тысяч", {**ALL, "price_max": 10_000}, set()),
        ("а от 20 до 30 тысяч?", {**ALL, "price_min": 20_000, "price_max": 30_000}, set()),
        ("ещё", ALL, {"more"}),
        ("покажи ещё", ALL, {"more"}),
        ("а в любом городе?", {**ALL, "town": "", "place": ""}, set()),
        ("за любую цену", {**ALL, "price_max": None}, set()),
        ("любой породы", {**ALL, "breed": ()}, set()),
        ("а постарше?", ALL, {"older"}),
        ("а рыжие есть?", {**ALL, "words": ("рыж",)}, set()),
        ("what about Kazan?", {**ALL, **KAZAN}, set()),
        ("cheaper?", {**ALL, "cheap": True}, {"cheaper"}),
    ],
)
def test_what_is_said_next_goes_on_about_it(text, fields, relative):
    assert BEFORE is not None
    followed = wishes.follow(text, BEFORE, KNOWN)

    assert followed is not None
    assert (bare(followed[0]), followed[1]) == (wish(**fields), relative)


@pytest.mark.parametrize(
    "text",
    ["спасибо", "да", "сколько стоит доставка?", "а доставка есть?", "оператор", "как подать объявление", "хорошо",
     "а щенок привит от бешенства?", "чем кормить щенка", "ok", "?"],
)  # fmt: skip
def test_what_is_about_something_else_does_not_go_on(text):
    assert BEFORE is not None
    assert wishes.follow(text, BEFORE, KNOWN) is None


def test_what_strangers_call_breeds_and_places_makes_no_search_of_other_questions():
    known = naming.known(["доставка", "корм", "оператор", "магазин"], [("доставка", 9), ("магазин", 9)])

    for text in ("есть доставка?", "корм есть?", "где магазин?", "нужен оператор", "доставка в магазин"):
        assert wishes.read(text, known) is None
    assert wishes.follow("а доставка?", Wish(kind="Dog"), known) is None


def test_a_breed_is_told_as_it_was_said():
    found = wishes.read("щенки норфолк-терьера", KNOWN)

    assert found is not None
    assert found.called == "норфолк терьера"


def test_a_place_is_sought_as_most_ads_write_it():
    known = naming.known([], [("г москва", 1), ("москва тверская", 2), ("москва", 7)])

    assert naming.town_of("Москве", known) == ("москва", "Москва")
    assert naming.town_of("Бобруйске", known) == ("Бобруйске", "Бобруйске")


@given(some.text(max_size=320))
def test_whatever_is_said_is_read_or_is_no_search(text):
    found = wishes.read(text, KNOWN)
    wishes.follow(text, Wish(kind="Dog"), KNOWN)

    assert found is None or found.kind in ("", "Dog", "Cat")


@given(some.lists(some.sampled_from([
    "щенок", "до", "от", "5", "20 000", "тысяч", "лет", "года", "-", "в", "москве", "корги", "не", "дороже", "к",
    "9" * 40, "1e9", "٣", "полтора", "г", "а", "год", "мес", "½", "²",
]), max_size=12))  # fmt: skip
def test_whatever_stands_beside_numbers_is_within_limits(words):
    found = wishes.read(" ".join(words), KNOWN)

    if found is not None:
        for number in (found.price_min, found.price_max, found.age_min, found.age_max):
            assert number is None or 0 <= number <= 10**9
