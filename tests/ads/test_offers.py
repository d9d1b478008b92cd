import make
import pytest

from besedka.ads import listing, offers
from besedka.ads.wishes import Wish

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def read_anew():
    offers.forget()
    yield
    offers.forget()


def titles(found: offers.Found) -> list[str]:
    return [ad.title for ad in found.ads]


def test_a_wish_is_met_by_the_newest_ads_and_the_list_shows_the_same():
    for number in range(8):
        make.ad(title=f"Щенок {number}", price=1_000 * number, age=0)
    make.ad(title="Кот", kind="Cat", price=1)
    wish = Wish(kind="Dog", price_max=6_000, town="москва")

    found = offers.look_up(wish)

    assert titles(found) == ["Щенок 6", "Щенок 5", "Щенок 4", "Щенок 3", "Щенок 2"]
    assert (found.total, found.without) == (7, ())
    listed = listing.page(listing.read(offers.parameters(wish)))
    assert [ad.title for ad in listed.ads] == [*titles(found), "Щенок 1", "Щенок 0"]


def test_the_next_ones_are_those_after_them():
    for number in range(8):
        make.ad(title=str(number), price=number)
    first = offers.look_up(Wish(kind="Dog", cheap=True))

    following = offers.look_up(Wish(kind="Dog", cheap=True), cursor=first.cursor)

    assert titles(first) + titles(following) == ["0", "1", "2", "3", "4", "5", "6", "7"]
    assert following.cursor == ""


@pytest.mark.parametrize(
    ("wish", "found", "without"),
    [
        (Wish(kind="Dog", price_max=100), ["b", "a"], ("price",)),
        (Wish(kind="Dog", town="тверь"), ["b", "a"], ("town",)),
        (Wish(kind="Dog", town="тверь", price_max=100), ["b", "a"], ("price", "town")),
        (Wish(kind="Dog", gender="F", age_max=1), ["b", "a"], ("gender",)),
        (Wish(kind="Dog", words=("рыж",), town="москва"), ["b", "a"], ("words",)),
        (Wish(kind="Dog", breed=("корги",), price_max=10), ["b", "a"], ("price", "breed")),
        (Wish(kind="Cat"), [], ()),
        (Wish(kind="Cat", breed=("сиам",), town="москва"), [], ()),
    ],
)
def test_where_nothing_is_found_the_least_is_given_up(wish, found, without):
    make.ad(title="a", price=700, age=1)
    make.ad(title="b", price=500, age=1)

    nearest = offers.look_up(wish)

    assert sorted(titles(nearest)) == sorted(found)
    assert nearest.without == without


def test_without_the_limit_of_the_price_the_nearest_price_comes_first():
    for price in (900, 500, 700):
        make.ad(title=str(price), price=price)

    assert titles(offers.look_up(Wish(kind="Dog", price_max=100))) == ["500", "700", "900"]


def test_very_many_are_not_counted(monkeypatch):
    monkeypatch.setattr(offers, "COUNTED", 3)
    for number in range(5):
        make.ad(title=f"Щенок {number}")

    assert offers.look_up(Wish(kind="Dog")).total == 3
    assert offers.look_up(Wish(kind="Dog", words=("щенок",))).total == 3


def test_breeds_and_places_are_learned_from_ads():
    make.ad(breed="Норфолк-терьер", location="Энск, Заречье")

    known = offers.known()

    assert {"норфолк", "терьер"} <= known.breeds
    assert known.towns["энск",] == "энск"
    assert offers.known() is known


def test_a_look_up_takes_few_questions(django_assert_max_num_queries):
    for number in range(7):
        make.ad(title=f"Щенок {number}", price=500)

    with django_assert_max_num_queries(2):
        offers.known()
    with django_assert_max_num_queries(4):
        offers.look_up(Wish(kind="Dog", price_max=1_000))
    with django_assert_max_num_queries(6):
        offers.look_up(Wish(kind="Dog", words=("щенок",), price_max=1_000))
    with django_assert_max_num_queries(21):  # nothing of what was wanted is there
        offers.look_up(Wish("Cat", "F", ("сиам",), "", ("рыж",), "тверь", "", 1, 2, 3, 4))


def test_counting_stops_where_it_is_told():
    for number in range(4):
        make.ad(title=f"Щенок {number}")

    assert listing.count(listing.read({}), at_most=3) == 3
    assert listing.count(listing.read({"kind": "Dog"}), at_most=9) == 4
    assert listing.count(listing.read({"search": "щенок 2", "kind": "Dog"}), at_most=9) == 1
