from datetime import UTC, datetime

import knowledge_files
import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.utils import timezone

from besedka.accounts.models import User
from besedka.knowledge import imports, rows
from besedka.knowledge.admin import PassageAdmin, SourceAdmin
from besedka.knowledge.models import Import, Passage, Source

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
REQUEST = RequestFactory().get("/")
ADD = "/admin/knowledge/source/add/"


@pytest.fixture(autouse=True)
def in_english(settings):
    settings.LANGUAGE_CODE = "en"


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
        assert not kind(model, admin.site).has_change_permission(REQUEST)
    assert not PassageAdmin(Passage, admin.site).has_add_permission(REQUEST)


def test_a_deleted_passage_is_told_by_its_source_and_comes_back_with_the_file(db):
    source("Shop")

    PassageAdmin(Passage, admin.site).delete_model(REQUEST, Passage.objects.get(question="a?"))

    assert list(Passage.objects.values_list("question", flat=True)) == ["b?"]
    assert Source.objects.get().version == 2
    assert imports.import_csv("question,answer\na?,A\nb?,B\n", title="Shop", now=NOW).added == 1


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def upload(who: Client, content: bytes, name: str = "shop.csv", **fields: str) -> str:
    response = who.post(ADD, {"file": SimpleUploadedFile(name, content), "title": "Shop", **fields}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_a_file_is_imported_and_the_lines_left_out_are_shown(working):
    who = staff("add_source", "view_source", "view_passage")
    form = who.get(ADD).content.decode()

    page = upload(who, b"question,answer\na,A\nb,\n", url="https://shop.example/")

    assert 'type="file"' in form
    assert "20 MB" in form
    assert "1 added, 0 changed, 0 removed, 0 as they were" in page
    assert "answer is empty" in page
    assert Source.objects.get().url == "https://shop.example/"
    assert LogEntry.objects.get().change_message == "1 added, 0 changed, 0 removed"


@pytest.mark.parametrize("kind", knowledge_files.KINDS)
def test_every_format_is_taken(working, kind: str):
    page = upload(staff("add_source"), knowledge_files.of(kind), f"shop.{kind}")

    assert "2 added" in page


def test_a_title_that_is_there_is_updated_and_its_link_kept(working):
    who = staff("add_source")
    upload(who, b"question,answer\na,A\n", url="https://shop.example/")

    page = upload(who, b"question,answer\na,B\n")

    assert "0 added, 1 changed" in page
    assert Source.objects.get().url == "https://shop.example/"


@pytest.mark.parametrize(
    ("name", "content", "url", "told"),
    [
        ("shop.png", b"\x89PNG", "", "none of the formats we read"),
        ("shop.pdf", b"%PDF-1.4 broken", "", "The file is broken"),
        ("shop.csv", b"question,answer\nb,\n", "", "answer is empty"),
        ("shop.csv", b"question,answer\na,A\n", "javascript:alert(1)", "A link has to begin with"),
        ("shop.csv", b"x" * (rows.MAX_BYTES + 1), "", "at most 20 MB are taken"),
        ("<b>.png", b"\x89PNG", "", "&lt;b&gt;.png"),
    ],
)
def test_what_cannot_be_imported_is_told(working, name: str, content: bytes, url: str, told: str):
    page = upload(staff("add_source"), content, name, url=url)

    assert told in page
    assert not Source.objects.exists()


def test_the_list_of_imports_leads_to_what_each_of_them_did(working):
    who = staff("add_source", "view_source")
    upload(who, b"question,answer\na,A\nb,\n")

    listed = who.get("/admin/knowledge/import/").content.decode()
    address = f"/admin/knowledge/import/{Import.objects.get().pk}/change/"

    assert address in listed
    assert "shop.csv" in listed
    assert "answer is empty" in who.get(address).content.decode()


def test_an_import_that_goes_on_is_shown_with_its_progress(db):
    who = staff("view_source")
    now = timezone.now()
    lease = {"lease_key": "somebody", "held_until": now}
    asked = Import.objects.create(
        title="Shop",
        name="a.pdf",
        size=1,
        created_at=now,
        state="running",
        stage="reading",
        done=3,
        of=10,
        **lease,
    )

    page = who.get(f"/admin/knowledge/import/{asked.pk}/change/").content.decode()

    assert '<progress aria-label="Progress" max="10" value="3">' in page
    assert "the file is being read" in page
    assert f'data-import="/api/v1/imports/{asked.pk}"' in page


def test_who_may_only_add_sees_their_own_imports_and_no_others(db):
    who, now = staff("add_source"), timezone.now()
    other = Import.objects.create(title="Theirs", name="theirs.csv", size=1, created_at=now)

    listed = who.get("/admin/knowledge/import/").content.decode()

    assert "theirs.csv" not in listed
    assert who.get(f"/admin/knowledge/import/{other.pk}/change/").status_code == 404
    assert who.post(f"/admin/knowledge/import/{other.pk}/delete/").status_code in (302, 403)
    assert Import.objects.exists()


def test_whoever_may_not_add_imports_nothing(working):
    who = staff("view_source", "change_source", "delete_source")

    assert who.get(ADD).status_code == 403
    assert who.post(ADD, {"file": SimpleUploadedFile("a.csv", b"question,answer\na,A\n")}).status_code == 403
    assert Client().get(ADD).status_code == 302
    assert not Source.objects.exists()


def test_the_list_of_sources_leads_to_the_import(db):
    page = staff("add_source", "view_source").get("/admin/knowledge/source/").content.decode()

    assert f'href="{ADD}"' in page
