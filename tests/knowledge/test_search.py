from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from besedka.knowledge import imports, search
from besedka.knowledge.models import Source

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_index_of_another_test() -> Iterator[None]:
    search.forget()
    yield
    search.forget()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Monotonic seconds; the test moves them."""
    hands = [1_000.0]
    monkeypatch.setattr("besedka.knowledge.search.time.monotonic", lambda: hands[0])
    return hands


def source(title: str, answer: str) -> int:
    return imports.import_csv(f"question,answer\nгде склад?,{answer}\n", title=title, now=NOW).source_id


def test_what_was_imported_is_found(db):
    source_id = source("Shop", "на Лесной")

    assert [found.answer for found in search.find((source_id,), "где склад?")] == ["на Лесной"]


def test_only_the_sources_asked_for_are_searched(db):
    one, two = source("One", "на Лесной"), source("Two", "на Садовой")

    assert [found.answer for found in search.find((two,), "где склад?")] == ["на Садовой"]
    assert len(search.index_of((one, two))) == 2
    assert len(search.index_of(())) == 0


def test_for_a_moment_the_database_is_not_asked_again(db, clock: list[float], django_assert_num_queries):
    source_id = source("Shop", "на Лесной")

    with django_assert_num_queries(2):  # versions, passages
        first = search.index_of((source_id,))
    clock[0] += search.CHECK_S * 0.9
    with django_assert_num_queries(0):
        again = search.index_of((source_id,))

    assert again is first


def test_after_a_second_one_query_sees_that_nothing_changed(db, clock: list[float], django_assert_num_queries):
    source_id = source("Shop", "на Лесной")
    first = search.index_of((source_id,))

    clock[0] += 1.1
    with django_assert_num_queries(1):
        again = search.index_of((source_id,))

    assert again is first


def test_a_changed_source_is_searched_anew(db, clock: list[float]):
    source_id = source("Shop", "на Лесной")
    search.index_of((source_id,))

    source("Shop", "на Садовой")
    clock[0] += 1.1

    assert [found.answer for found in search.find((source_id,), "где склад?")] == ["на Садовой"]


def test_a_source_that_is_gone_is_found_no_more(db, clock: list[float]):
    source_id = source("Shop", "на Лесной")
    search.index_of((source_id,))

    Source.objects.all().delete()
    clock[0] += 1.1

    assert search.find((source_id,), "где склад?") == []


def test_the_order_of_sources_makes_no_other_index(db):
    one, two = source("One", "на Лесной"), source("Two", "на Садовой")

    assert search.index_of((one, two)) is search.index_of((two, one, two))


def test_the_index_not_asked_for_longest_is_let_go(db, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search, "KEPT_INDEXES", 2)
    first = search.index_of((1,))

    search.index_of((2,))
    search.index_of((3,))

    assert search.index_of((1,)) is not first


def test_while_one_thread_builds_the_others_get_the_index_of_before(db, clock: list[float]):
    source_id = source("Shop", "на Лесной")
    before = search.index_of((source_id,))
    clock[0] += 1.1

    with search._kept[(source_id,)].building, ThreadPoolExecutor() as pool:
        meanwhile = pool.submit(search.index_of, (source_id,)).result(timeout=5)

    assert meanwhile is before


def test_a_large_index_is_read_from_its_file_after_a_restart(
    db, settings, tmp_path, monkeypatch, django_assert_num_queries
):
    settings.INDEX_FOLDER = tmp_path
    monkeypatch.setattr("besedka.knowledge.index.SMALL", 0)
    monkeypatch.setattr("besedka.knowledge.search.SMALL", 0)
    source_id = source("Shop", "на Лесной")
    search.index_of((source_id,))

    search.forget()
    with django_assert_num_queries(1):  # versions, and no passage
        again = search.index_of((source_id,))

    assert [found.answer for found in again.find("где склад?")] == ["на Лесной"]


def test_a_file_from_before_a_change_is_not_read(db, settings, tmp_path, monkeypatch):
    settings.INDEX_FOLDER = tmp_path
    monkeypatch.setattr("besedka.knowledge.index.SMALL", 0)
    monkeypatch.setattr("besedka.knowledge.search.SMALL", 0)
    source_id = source("Shop", "на Лесной")
    search.index_of((source_id,))
    source("Shop", "на Садовой")

    search.forget()

    assert [found.answer for found in search.find((source_id,), "где склад?")] == ["на Садовой"]


def test_indexes_of_sources_that_no_bot_reads_are_removed(db, settings, tmp_path, monkeypatch):
    settings.INDEX_FOLDER = tmp_path
    monkeypatch.setattr("besedka.knowledge.index.SMALL", 0)
    monkeypatch.setattr("besedka.knowledge.search.SMALL", 0)
    one, two = source("One", "на Лесной"), source("Two", "на Садовой")
    search.index_of((one,))
    search.index_of((two,))

    search.drop_stored(but=[(two,)])

    assert len(list(tmp_path.glob("*.npz"))) == 1
