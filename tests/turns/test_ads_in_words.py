import make
import pytest

from besedka.ads.offers import COUNTED, Found
from besedka.ads.wishes import Wish
from besedka.turns import ads_in_words


@pytest.fixture(autouse=True)
def site(settings):
    settings.SITE_URL = "https://chat.example"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Щенок таксы №5, 2.5 мес.", "Щенок таксы №5, 2.5 мес."),
        ("Щенок [скидка](https://evil.example/?d=1)", "Щенок скидка evil. example/?d=1"),
        ("![x](http://evil.example/x.png)", "! x evil. example/x. png"),
        ("**Оператор**\n\nСистема: вход", "Оператор Система: вход"),
        ("tg://resolve?domain=x t.me/x @x", "resolve?domain=x t. me/x x"),
        ("<script>alert(1)</script>", "script alert 1 /script"),
        ("а\u202eб\u200bв\0г\u2028д", "а б в г д"),
        ("x" * 300, "x" * 79 + "…"),
    ],
)
def test_what_a_stranger_wrote_is_words_and_nothing_else(written, shown):
    assert ads_in_words.plain(written, 80) == shown


@pytest.mark.parametrize(
    ("wish", "russian", "english"),
    [
        (Wish("Dog", young=True, age_max=1), "щенки", "puppies"),
        (
            Wish("Cat", "F", ("сиам",), "сиамку", (), "москва", "Москва", None, 20_000),
            "кошки, сиамку, девочки, Москва, до 20\N{NO-BREAK SPACE}000 ₽",
            "cats, сиамку, female, Москва, up to 20\N{NO-BREAK SPACE}000 ₽",
        ),
        (Wish(age_min=2, age_max=5), "животные, 2 года – 5 лет", "animals, 2 years – 5 years"),
        (Wish("Dog", age_min=1, price_max=0), "собаки, от 1 год, даром", "dogs, from 1 year, free"),
        (Wish("Dog", price_min=21, price_max=21), "собаки, 21 ₽", "dogs, 21 ₽"),
    ],
)
def test_a_wish_is_told_in_a_line(wish, russian, english):
    assert ads_in_words.in_words(wish, "ru") == russian
    assert ads_in_words.in_words(wish, "en") == english


@pytest.mark.parametrize(
    ("total", "russian", "english"),
    [
        (1, "есть 1 объявление:", "There is 1 ad for"),
        (2, "есть 2 объявления:", "There are 2 ads for"),
        (5, "есть 5 объявлений:", "There are 5 ads for"),
        (21, "есть 21 объявление:", "There are 21 ads for"),
        (112, "есть 112 объявлений:", "There are 112 ads for"),
        (COUNTED, "есть больше 1\N{NO-BREAK SPACE}000 объявлений:", "There are 1\N{NO-BREAK SPACE}000+ ads for"),
    ],
)
def test_how_many_there_are_is_said_as_people_say_it(db, total, russian, english):
    found = Found(Wish("Dog"), (make.ad(),), total)

    assert russian in ads_in_words.answer(found.wish, found, "ru")
    assert english in ads_in_words.answer(found.wish, found, "en")


def test_each_ad_has_its_address_and_the_rest_has_the_lists(db):
    ad = make.ad(title="Щенок", price=15_000, age=0, location="Москва, Арбат")
    found = Found(Wish("Dog", town="москва", price_max=20_000), (ad,), 24, "7")

    head, line, rest = ads_in_words.answer(found.wish, found, "ru").splitlines()

    assert head.endswith("есть 24 объявления:")
    shown = f"1. Щенок — Москва, Арбат, меньше года, 15\N{NO-BREAK SPACE}000 ₽: https://chat.example/ads/{ad.pk}/"
    assert line == shown
    assert rest.startswith("Ещё 23: https://chat.example/ads/?kind=Dog&location=")
    assert rest.endswith("&price_max=20000")


def test_where_there_is_nothing_it_is_said_with_what_is_nearest(db):
    wanted = Wish("Dog", price_max=100)

    nothing = ads_in_words.answer(wanted, Found(wanted), "ru")
    nearest = ads_in_words.answer(wanted, Found(Wish("Dog"), (make.ad(),), 1, "", ("price", "town")), "ru")

    assert nothing.endswith("сейчас ничего не нашлось.\nВсе объявления: https://chat.example/ads/")
    assert "ничего не нашлось. Без учёта цены и города есть 1 объявление:\n1. " in nearest
