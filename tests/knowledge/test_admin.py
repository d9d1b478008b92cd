from datetime import UTC, datetime

from django.contrib import admin
from django.test import RequestFactory

from besedka.knowledge import imports
from besedka.knowledge.admin import PassageAdmin, SourceAdmin
from besedka.knowledge.models import Passage, Source

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
REQUEST = RequestFactory().get("/")


def source(title: str) -> int:
    return imports.import_csv("question,answer\na?,A\nb?,B\n", title=title, now=NOW).source_id


def test_sources_are_listed_with_their_passages_counted_in_one_query(db, django_assert_num_queries):
    for number in range(5):
        source(f"Source {number}")
    sources = SourceAdmin(Source, admin.site)

    with django_assert_num_queries(1):
        counts = [sources.passage_count(one) for one in sources.get_queryset(REQUEST)]

    assert counts == [2] * 5


def test_nothing_that_came_from_a_file_is_edited_here():
    for model, kind in ((Source, SourceAdmin), (Passage, PassageAdmin)):
        shown = kind(model, admin.site)

        assert not shown.has_add_permission(REQUEST)
        assert not shown.has_change_permission(REQUEST)


def test_a_deleted_passage_is_told_by_its_source_and_comes_back_with_the_file(db):
    source("Shop")

    PassageAdmin(Passage, admin.site).delete_model(REQUEST, Passage.objects.get(question="a?"))

    assert list(Passage.objects.values_list("question", flat=True)) == ["b?"]
    assert Source.objects.get().version == 2
    assert imports.import_csv("question,answer\na?,A\nb?,B\n", title="Shop", now=NOW).added == 1
