"""A large index survives a restart in a file; whatever became of the file, the search goes on."""

import logging
from pathlib import Path

import pytest

from besedka.knowledge import stored
from besedka.knowledge.index import Entry, Index

ENTRIES = [
    Entry(1, "Доставка", "Сколько стоит доставка?", "Двести рублей."),
    Entry(2, "Оплата", "Есть ли рассрочка?", "На три месяца."),
    *(
        Entry(10 + at, "Склад", phrase, "На Лесной.")
        for at, phrase in enumerate(["где вы", "адрес", "куда ехать", "склад", "карта"])
    ),
    *(
        Entry(20 + at, "Часы", phrase, "С девяти.")
        for at, phrase in enumerate(["когда вы", "часы", "до скольки", "открыто", "график"])
    ),
]


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Index:
    """An index that counts as large."""
    monkeypatch.setattr("besedka.knowledge.index.SMALL", 0)
    return Index(ENTRIES)


@pytest.mark.parametrize("asked", ["сколько стоит доставка", "до скольки вы открыты", "адрес", "про что-то иное"])
def test_a_kept_index_finds_what_the_first_one_found(tmp_path, index, asked):
    stored.write(tmp_path, "1", "v1", index)

    again = stored.read(tmp_path, "1", "v1")

    assert again is not None
    assert again.find(asked) == index.find(asked)


def test_an_index_of_another_version_is_not_taken(tmp_path, index):
    stored.write(tmp_path, "1", "v1", index)

    assert stored.read(tmp_path, "1", "v2") is None
    assert stored.read(tmp_path, "2", "v1") is None


def test_a_new_version_takes_the_place_of_the_old_one(tmp_path, index):
    stored.write(tmp_path, "1", "v1", index)
    stored.write(tmp_path, "1", "v2", index)

    assert stored.read(tmp_path, "1", "v2") is not None
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x00" * 5_000])
def test_a_broken_file_is_as_good_as_none(tmp_path, index, caplog, content):
    stored.write(tmp_path, "1", "v1", index)
    next(tmp_path.iterdir()).write_bytes(content)

    with caplog.at_level(logging.WARNING):
        assert stored.read(tmp_path, "1", "v1") is None
    assert "built anew" in caplog.text


def test_a_file_that_was_cut_short_is_as_good_as_none(tmp_path, index):
    stored.write(tmp_path, "1", "v1", index)
    file = next(tmp_path.iterdir())
    whole = file.read_bytes()

    for size in range(0, len(whole), 997):
        file.write_bytes(whole[:size])
        assert stored.read(tmp_path, "1", "v1") is None


def test_where_nothing_can_be_written_the_search_goes_on_without(tmp_path, index, caplog):
    folder = tmp_path / "taken"
    folder.write_text("a file stands where the folder should be")

    stored.write(folder, "1", "v1", index)

    assert "is not kept" in caplog.text
    assert stored.read(folder, "1", "v1") is None


def test_what_nobody_reads_any_more_is_removed(tmp_path: Path, index):
    stored.write(tmp_path, "1", "v1", index)
    stored.write(tmp_path, "2", "v1", index)
    (tmp_path / "half.part").write_bytes(b"half")

    stored.drop(tmp_path, but={"2"})

    assert stored.read(tmp_path, "1", "v1") is None
    assert stored.read(tmp_path, "2", "v1") is not None
    assert len(list(tmp_path.iterdir())) == 1
