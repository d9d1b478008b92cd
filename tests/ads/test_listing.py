import make
import pytest
from hypothesis import given
from hypothesis import strategies as some

from besedka.ads import listing
from besedka.ads.listing import Asked
from besedka.problems import Invalid


def titles(**asked: str) -> list[str]:
    return [ad.title for ad in listing.page(listing.read(asked)).ads]


def all_pages(**asked: str) -> list[int]:
    seen, cursor = [], ""
    while cursor is not None:
        page = listing.page(listing.read({**asked, "cursor": cursor}))
        seen += [ad.pk for ad in page.ads]
        cursor = page.cursor
    return seen


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["c", "b", "a"]),
        ({"kind": "Dog"}, ["b", "a"]),
        ({"gender": "F"}, ["c", "b"]),
        ({"breed": "ТАКСА"}, ["a"]),
        ({"breed": "такса гладкошёрстная"}, ["a"]),
        ({"breed": "так"}, []),
        ({"location": "москва"}, ["c", "a"]),
        ({"location": "Москва, Арбат"}, ["a"]),
        ({"age_min": "2"}, ["c", "b"]),
        ({"age_min": "2", "age_max": "2"}, ["b"]),
        ({"price_max": "200"}, ["b", "a"]),
        ({"price_min": "999999999999999999"}, []),
        ({"price_max": "999999999999999999"}, ["c", "b", "a"]),
        ({"age_min": "32768"}, []),
        ({"age_max": "65536", "age_min": "3"}, ["c"]),
        ({"ordering": "price", "cursor": "999999999999999999_1"}, []),
        ({"ordering": "-age", "cursor": "999999999999999999_1"}, ["c", "b", "a"]),
        ({"ordering": "created_at"}, ["a", "b", "c"]),
        ({"ordering": "-price"}, ["c", "b", "a"]),
        ({"ordering": "age"}, ["a", "b", "c"]),
        ({"kind": "", "age_min": " "}, ["c", "b", "a"]),
        ({"search": "слово", "kind": "Cat"}, ["c"]),
        ({"search": "слово", "kind": "Cat", "price_max": "200"}, []),
    ],
)
def test_ads_are_filtered_and_ordered(db, asked, found):
    make.ad(
        title="a", breed="Такса гладкошерстная", location="Москва, Арбат", age=1, price=100, description="слово"
    )
    make.ad(title="b", breed="Мопс", location="Тверь", age=2, price=200, gender="F")
    make.ad(
        title="c", kind="Cat", breed="Сиам", location="Москва", age=3, price=300, gender="F", description="слово"
    )

    assert titles(**asked) == found


@pytest.mark.parametrize("ordering", listing.ORDERINGS)
@pytest.mark.parametrize("search", ["", "щенок"])
def test_pages_hold_each_ad_once_though_many_are_alike(db, ordering, search):
    made = [make.ad(title="Щенок", price=number % 3, age=number % 2).pk for number in range(11)]

    seen = all_pages(ordering=ordering, page_size="3", search=search)

    assert sorted(seen) == made


def test_what_comes_and_goes_meanwhile_moves_nothing(db):
    ads = [make.ad(title=str(number)) for number in range(6)]
    first = listing.page(listing.read({"page_size": "2"}))

    make.ad(title="new")
    ads[4].delete()
    second = listing.page(listing.read({"page_size": "2", "cursor": first.cursor}))

    assert [ad.title for ad in first.ads + second.ads] == ["5", "4", "3", "2"]


def test_a_page_takes_two_questions_and_a_search_one_more(db, django_assert_max_num_queries):
    for number in range(5):
        make.ad(title=f"Щенок {number}")

    with django_assert_max_num_queries(2):
        listing.page(Asked({}, {}))
    with django_assert_max_num_queries(3):
        listing.page(Asked({"search": "щенок", "kind": "Dog"}, {"price_min": 1}, ordering="price"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "Horse"),
        ("kind", "dog"),
        ("gender", "X"),
        ("ordering", "created_by__password"),
        ("ordering", "title"),
        ("ordering", "--price"),
        ("age_min", "-1"),
        ("age_min", "1.5"),
        ("age_max", "abc"),
        ("price_min", "NaN"),
        ("price_max", "1e9"),
        ("price_max", "9" * 19),
        ("price_max", "9" * 5000),
        ("price_max", "٣"),
        ("page_size", "-1"),
        ("page_size", "1e9"),
        ("cursor", "abc"),
        ("cursor", "-1"),
        ("cursor", "1_2"),
        ("cursor", "1" * 40),
        ("search", "\0"),
        ("search", "x" * 201),
        ("breed", "a\0b"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_name(name, value):
    with pytest.raises(Invalid) as refusal:
        listing.read({name: value})

    assert refusal.value.details == {"field": name}


def test_a_cursor_of_another_order_is_refused():
    with pytest.raises(Invalid):
        listing.read({"ordering": "price", "cursor": "7"})


@pytest.mark.parametrize(("given", "size"), [("", 20), ("0", 1), ("7", 7), ("100000", 100)])
def test_a_page_is_bounded(given, size):
    assert listing.read({"page_size": given}).page_size == size


@given(some.dictionaries(some.sampled_from(sorted(listing.PARAMETERS)), some.text(max_size=30)))
def test_whatever_is_asked_is_read_or_refused(asked):
    try:
        read = listing.read(asked)
    except Invalid:
        return
    assert 1 <= read.page_size <= listing.MAX_PAGE
