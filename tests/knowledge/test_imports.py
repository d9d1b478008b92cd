from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from besedka.knowledge import additions, imports, rows
from besedka.knowledge.models import Passage, Source

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
LATER = datetime(2026, 1, 3, 3, 4, tzinfo=UTC)
DEMO = Path(imports.__file__).parents[1] / "project" / "demo_shop.csv"


def file(*pairs: tuple[str, str]) -> str:
    return "question,answer\n" + "".join(f"{question},{answer}\n" for question, answer in pairs)


def counts(imported: imports.Imported) -> tuple[int, int, int, int]:
    return imported.added, imported.changed, imported.removed, imported.unchanged


def test_a_file_becomes_a_source_with_passages(db):
    imported = imports.import_csv(file(("a?", "A"), ("b?", "B")), title="Shop", now=NOW)

    source = Source.objects.get()
    assert (source.pk, source.title, source.version, source.created_at) == (imported.source_id, "Shop", 1, NOW)
    assert counts(imported) == (2, 0, 0, 0)
    assert list(source.passages.order_by("position").values_list("question", "answer")) == [
        ("a?", "A"),
        ("b?", "B"),
    ]


def test_the_same_file_again_changes_nothing(db):
    content = file(("a?", "A"), ("b?", "B"))
    imports.import_csv(content, title="Shop", now=NOW)
    before = list(Passage.objects.order_by("pk").values())

    again = imports.import_csv(content, title="Shop", now=LATER)

    assert counts(again) == (0, 0, 0, 2)
    assert list(Passage.objects.order_by("pk").values()) == before
    assert Source.objects.get().version == 1
    assert Source.objects.get().updated_at == NOW


def test_a_mended_file_changes_only_what_was_mended(db):
    imports.import_csv(file(("a?", "A"), ("b?", "B"), ("c?", "C")), title="Shop", now=NOW)
    ids = dict(Passage.objects.values_list("question", "pk"))

    mended = imports.import_csv(file(("d?", "D"), ("a?", "A"), ("b?", "BB")), title="Shop", now=LATER)

    assert counts(mended) == (1, 1, 1, 1)
    assert list(Passage.objects.order_by("position").values_list("question", "answer")) == [
        ("d?", "D"),
        ("a?", "A"),
        ("b?", "BB"),
    ]
    assert dict(Passage.objects.exclude(question="d?").values_list("question", "pk")) == {
        "a?": ids["a?"],
        "b?": ids["b?"],
    }
    assert Source.objects.get().version == 2
    assert Source.objects.get().updated_at == LATER


def test_the_same_question_with_two_answers_is_two_passages(db):
    content = file(("a?", "first"), ("b?", "B"), ("a?", "second"))

    imports.import_csv(content, title="Shop", now=NOW)
    again = imports.import_csv(content, title="Shop", now=LATER)

    assert counts(again) == (0, 0, 0, 3)
    assert set(Passage.objects.filter(question="a?").values_list("answer", flat=True)) == {"first", "second"}


def test_two_sources_keep_apart(db):
    imports.import_csv(file(("a?", "A")), title="One", now=NOW)

    other = imports.import_csv(file(("a?", "A")), title="Two", now=NOW)

    assert counts(other) == (1, 0, 0, 0)
    assert Passage.objects.count() == 2


def test_rows_left_out_are_told_and_the_others_are_there(db):
    imported = imports.import_csv("question,answer\na?,A\nb?,\n", title="Shop", now=NOW)

    assert imported.errors == [rows.Refused(3, "answer is empty")]
    assert Passage.objects.count() == 1


def test_a_refused_file_leaves_the_source_as_it_was(db):
    imports.import_csv(file(("a?", "A")), title="Shop", now=NOW)

    with pytest.raises(rows.NothingToImport):
        imports.import_csv("question,answer\n", title="Shop", now=LATER)

    assert Passage.objects.get().answer == "A"


@pytest.mark.parametrize("title", ["", "  ", "x" * 201, "a\0b", "a\nb"])
def test_a_title_that_does_not_fit_is_refused(title: str):
    with pytest.raises(imports.TitleUnfit):
        imports.import_csv(file(("a?", "A")), title=title, now=NOW)


def test_a_path_is_read(db, tmp_path: Path):
    path = tmp_path / "shop.csv"
    path.write_bytes(file(("где?", "здесь")).encode("cp1251"))

    imports.import_csv(path, title="Shop", now=NOW)

    assert Passage.objects.get().question == "где?"


def test_a_path_to_a_file_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(imports, "MAX_BYTES", 10)
    path = tmp_path / "shop.csv"
    path.write_bytes(b"x" * 11)

    with pytest.raises(rows.FileTooLarge):
        imports.import_csv(path, title="Shop", now=NOW)


def test_the_number_of_queries_does_not_grow_with_the_rows(db, django_assert_num_queries):
    old = file(*((f"q{number}", "old") for number in range(60)))
    new = file(*((f"q{number}", "new") for number in range(20, 80)))

    # savepoint, insert the source, lock it, read keys, upsert, version, release
    with django_assert_num_queries(7):
        imports.import_csv(old, title="Shop", now=NOW)
    # the same and one delete
    with django_assert_num_queries(8):
        imports.import_csv(new, title="Shop", now=LATER)
    # nothing to write
    with django_assert_num_queries(5):
        imports.import_csv(new, title="Shop", now=LATER)


def test_the_database_itself_refuses_a_second_passage_of_a_row_and_an_empty_answer(db):
    source_id = imports.import_csv(file(("a?", "A")), title="Shop", now=NOW).source_id
    key = Passage.objects.get().key

    for fields in ({"key": key, "answer": "A"}, {"key": "other", "answer": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Passage.objects.create(source_id=source_id, question="a?", digest="d", position=0, **fields)


def test_the_demo_shop_can_be_imported_whole(db):
    imported = imports.import_csv(DEMO, title="Demo", now=NOW)

    assert (imported.added, imported.errors) == (60, [])


def test_answers_that_people_wrote_are_not_replaced_by_a_file(db):
    source_id = additions.add("Demo", "где склад?", "на Лесной", now=NOW)
    title = Source.objects.get(pk=source_id).title

    with pytest.raises(imports.TitleTaken):
        imports.import_csv("question,answer\nчто?,то\n", title=title, now=NOW)

    assert [passage.answer for passage in Source.objects.get(pk=source_id).passages.all()] == ["на Лесной"]
