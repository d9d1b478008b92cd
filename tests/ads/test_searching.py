"""Words of ads: in any case, by their beginnings, and always those that the ad has now."""

import make
import pytest

from besedka.ads import listing, searching
from besedka.ads.models import Ad

pytestmark = pytest.mark.django_db


def titles(**asked: str) -> list[str]:
    return [ad.title for ad in listing.page(listing.read(asked)).ads]


@pytest.mark.parametrize(
    "search",
    ["щенок", "ЩЕНОК", "Щен", "йорк", "щенок йорк", "ЁЛКИ", "елк", "№7", "5", "tver", "ＴＶＥＲ", "щенок, йорк!"],
)
def test_an_ad_is_found_by_the_beginnings_of_its_words_in_any_case(search):
    make.ad(title="Щенок №7", description="Из-под ёлки, 5 кг", breed="Йорк", location="TVER")

    assert titles(search=search) == ["Щенок №7"]


@pytest.mark.parametrize(
    "search", ["нок", "кот", "щенок кот", "7 5 6", "к", "!!!", "' OR 1=1", '"', "*", "щенок*кот"]
)
def test_an_ad_is_not_found_by_what_it_does_not_say(search):
    make.ad(title="Щенок №7", description="Из-под ёлки, 5 кг", breed="Йорк", location="TVER")

    assert titles(search=search) == []


@pytest.mark.parametrize(
    "search", ["щенок'", "щенок\\", "щенок:*", "щенок & !", "щенок NOT", "щенок (", "щенок)", "^щенок"]
)
def test_signs_of_a_query_language_are_no_such_signs(search):
    make.ad(title="Щенок and not", description="NOT")

    assert titles(search=search) == ["Щенок and not"]


def test_an_ad_is_found_by_what_it_says_now():
    """However it is written: the triggers of SQLite are there."""
    ad = make.ad(title="Котёнок")
    others = [make.ad(title="Щенок"), make.ad(title="Пёс")]

    ad.title = "Попугай"
    Ad.objects.filter(pk=ad.pk).update(title=ad.title, **searching.columns(ad))
    others[0].delete()

    assert (titles(search="котенок"), titles(search="попугай")) == ([], ["Попугай"])
    assert (titles(search="щенок"), titles(search="пес")) == ([], ["Пёс"])


def test_a_search_of_many_words_is_bounded():
    make.ad(title="Щенок")

    assert titles(search=" ".join(["щенок"] * 30)) == ["Щенок"]
    assert len(searching.asked(" ".join(str(number) for number in range(100)))) == searching.MAX_WORDS


def test_what_many_ads_say_is_found_on_a_walk(monkeypatch):
    monkeypatch.setattr(listing, "FEW", 2)
    for number in range(12):
        make.ad(title=f"Щенок {number}", kind="Dog" if number % 2 else "Cat", price=number)

    assert titles(search="щен", kind="Cat", price_min="3", ordering="-price") == [
        f"Щенок {number}" for number in (10, 8, 6, 4)
    ]
    assert titles(search="щен 11") == ["Щенок 11"]
    assert titles(search="щен", kind="Dog", ordering="price", price_max="5") == ["Щенок 1", "Щенок 3", "Щенок 5"]
