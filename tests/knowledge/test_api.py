"""Sources over HTTP. The addresses are `besedka.knowledge.urls`, wherever they are included."""

import json

import knowledge_files
import pytest
from at_once import together
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from besedka.accounts.models import User
from besedka.knowledge import api, leases, rows, urls, workshop
from besedka.knowledge.models import Import, Passage, Source

pytestmark = [pytest.mark.usefixtures("working"), pytest.mark.urls("besedka.knowledge.urls")]
SOURCES = "/api/v1/sources/"


def client(*permissions: str, **fields: object) -> Client:
    """Somebody signed in; staff with all permissions if nothing else is said."""
    name = f"user-{User.objects.count()}"
    user = User.objects.create_user(name, **fields) if fields else User.objects.create_superuser(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    signed_in = Client()
    signed_in.force_login(user)
    return signed_in


def upload(who: Client, content: bytes | str, name: str = "shop.csv", **fields: str):
    raw = content.encode() if isinstance(content, str) else content
    return who.post(SOURCES, {"file": SimpleUploadedFile(name, raw), "title": "Shop", **fields})


def test_a_file_is_imported_listed_replaced_and_deleted():
    staff = client()

    made = upload(staff, "question,answer\na,A\nb,\n", url="https://shop.example/")
    again = upload(staff, "question,answer\na,AA\nc,C\n")
    listed = staff.get(SOURCES).json()
    deleted = staff.delete(f"{SOURCES}{made.json()['id']}/")

    counts = {"added": 1, "changed": 0, "removed": 0, "unchanged": 0, "refused": 1}
    errors = [{"line": 3, "reason": "answer is empty"}]
    assert (made.status_code, made.json()) == (201, {"id": listed[0]["id"], **counts, "errors": errors})
    assert (again.status_code, again.json()["added"], again.json()["changed"]) == (200, 1, 1)
    assert {**listed[0], "id": 0, "updated_at": ""} == {
        "id": 0,
        "title": "Shop",
        "kind": "csv",
        "url": "https://shop.example/",
        "passages": 2,
        "version": 2,
        "updated_at": "",
    }
    assert (deleted.status_code, Source.objects.count(), Passage.objects.count()) == (204, 0, 0)


def test_the_list_is_whole_until_a_page_is_asked_for(django_assert_num_queries):
    staff = client()
    for number in range(3):
        upload(staff, "question,answer\na,A\n", title=f"Shop {number}")

    with django_assert_num_queries(3):  # session, user, sources
        assert [source["title"] for source in staff.get(SOURCES).json()] == ["Shop 0", "Shop 1", "Shop 2"]
    page = staff.get(SOURCES, {"limit": 2, "offset": 1}).json()

    assert (page["count"], [source["title"] for source in page["results"]]) == (3, ["Shop 1", "Shop 2"])
    for odd in ("-1", "abc", "9" * 5000, "1e400", "0"):
        assert staff.get(SOURCES, {"limit": odd, "offset": odd}).status_code == 200


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_slash_at_the_end_may_be_left_out(slash: str):
    staff = client()
    source = Source.objects.get(pk=upload(staff, "question,answer\na,A\n").json()["id"])

    assert staff.get(f"/api/v1/sources{slash}").status_code == 200
    assert staff.delete(f"/api/v1/sources/{source.pk}{slash}").status_code == 204
    assert staff.delete(f"/api/v1/sources/{source.pk}{slash}").status_code == 404
    assert staff.delete(f"/api/v1/sources/{'9' * 18}{slash}").status_code == 404


def test_only_staff_may_and_each_only_what_the_admin_lets_them():
    source = upload(client(), "question,answer\na,A\n").json()["id"]
    strangers = [client(is_staff=False), client("add_source", "view_source", is_staff=False)]
    reader = client("view_source", is_staff=True)

    assert Client().get(SOURCES).status_code == upload(Client(), "question,answer\na,A\n").status_code == 401
    for who in [*strangers, client(is_staff=True)]:
        assert who.get(SOURCES).status_code == 403
        assert upload(who, "question,answer\na,A\n").status_code == 403
        assert who.delete(f"{SOURCES}{source}/").status_code == 403
    assert reader.get(SOURCES).status_code == 200
    assert upload(reader, "question,answer\na,A\n").status_code == 403
    assert upload(client("add_source", is_staff=True), "question,answer\na,A\n").status_code == 200


def test_a_form_from_another_site_is_refused():
    staff = client()
    staff.handler.enforce_csrf_checks = True

    assert upload(staff, "question,answer\na,A\n").status_code == 403
    assert not Source.objects.exists()


def test_a_path_in_a_body_is_never_opened():
    staff = client()
    body = {"file": {"filepath": "/etc/passwd"}, "title": "Shop"}

    as_json = staff.post(SOURCES, json.dumps(body), content_type="application/json")
    as_field = staff.post(SOURCES, {"file": "/etc/passwd", "title": "Shop"})

    assert (as_json.status_code, as_field.status_code) == (415, 400)
    assert not Source.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "fields", "status", "code"),
    [
        ("shop.exe", b"MZ", {}, 415, "knowledge_format_unknown"),
        ("shop.pdf", b"question,answer\na,A\n", {}, 415, "knowledge_format_unknown"),
        ("shop.pdf", b"%PDF-1.7 broken", {}, 400, "knowledge_file_broken"),
        ("shop.csv", b"a,b\n", {}, 400, "knowledge_columns_unknown"),
        ("shop.csv", b"question,answer\na,\n", {}, 400, "knowledge_empty"),
        ("shop.csv", b"question,answer\na,A\n", {"url": "javascript:1"}, 400, "knowledge_link_unfit"),
        ("shop.csv", b"question,answer\na,A\n", {"title": "a\nb"}, 400, "knowledge_title_unfit"),
        ("shop.csv", b"question,answer\na,A\n", {"title": ""}, 400, "invalid"),
        ("shop.csv", b"question,answer\na,A\n", {"title": "x" * 201}, 400, "invalid"),
        ("shop.csv", b"", {}, 400, "invalid"),
    ],
)
def test_every_refusal_has_its_code(name: str, content: bytes, fields: dict[str, str], status: int, code: str):
    refused = upload(client(), content, name, **fields)

    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused["Content-Type"] == "application/problem+json"
    assert not Source.objects.exists()


def test_a_body_that_is_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch):
    staff = client()
    monkeypatch.setattr(rows, "MAX_BYTES", 100)
    monkeypatch.setattr(api, "AROUND_THE_FILE", 1000)

    refused = upload(staff, b"question,answer\n" + b"a,A\n" * 500)
    little = upload(staff, b"question,answer\n" + b"a,A\n" * 50)

    assert [answer.json()["code"] for answer in (refused, little)] == ["knowledge_file_too_large"] * 2


def test_thousands_of_refused_lines_are_counted_and_not_all_told():
    told = upload(client(), "question,answer\na,A\n" + "b,\n" * 3000).json()

    assert (told["refused"], len(told["errors"])) == (3000, leases.TOLD_ERRORS)


def test_a_document_is_imported_over_http():
    for kind in knowledge_files.KINDS:
        assert upload(client(), knowledge_files.of(kind), f"shop.{kind}", title=kind).status_code == 201


def test_an_import_that_takes_long_is_answered_with_where_to_ask_for_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(api, "WAIT_S", 0.0)
    workshop.close()
    staff = client()

    handed_in = upload(staff, "question,answer\na,A\nb,\n")
    waiting = staff.get(handed_in["Location"])
    workshop.open_again()
    workshop.run_due()
    done = staff.get(handed_in["Location"] + "/").json()

    assert (handed_in.status_code, waiting.status_code) == (202, 200)
    assert handed_in.json() == waiting.json()
    assert {**waiting.json(), "id": 0, "created_at": ""} == {
        "id": 0,
        "title": "Shop",
        "name": "shop.csv",
        "state": "waiting",
        "progress": {"stage": "", "done": 0, "of": 0},
        "result": None,
        "problem": None,
        "created_at": "",
        "ended_at": None,
    }
    assert (done["state"], done["result"]["added"], done["result"]["refused"]) == ("done", 1, 1)
    assert done["ended_at"] >= done["created_at"]


def test_why_an_import_failed_is_told_as_a_request_would_have_been(monkeypatch: pytest.MonkeyPatch):
    staff = client()
    refused = upload(staff, "question,answer\na,\n").json()

    told = staff.get(f"/api/v1/imports/{Import.objects.get().pk}").json()

    assert (told["state"], told["result"]) == ("failed", None)
    assert told["problem"] == {key: value for key, value in refused.items() if key != "request_id"}


def test_who_may_only_add_sources_sees_their_own_imports_and_no_others():
    anna, boris = client("add_source", is_staff=True), client("add_source", is_staff=True)
    reader, nobody = client("view_source", is_staff=True), client(is_staff=True)
    upload(anna, "question,answer\na,A\n")
    where = f"/api/v1/imports/{Import.objects.get().pk}/"

    asked = [who.get(where).status_code for who in (anna, boris, reader, nobody, Client())]

    assert asked == [200, 404, 200, 403, 401]
    assert reader.get(f"/api/v1/imports/{'9' * 18}/").status_code == 404


def test_two_files_of_one_title_at_once_are_both_imported():
    signed_in = [client(), client()]

    answers = together(*[lambda who=who: upload(who, "question,answer\na,A\n") for who in signed_in])

    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert sorted(answer.json()["unchanged"] for answer in answers) == [0, 1]
    assert Passage.objects.count() == 1


def test_a_browser_is_shown_the_list():
    page = client().get(SOURCES, headers={"Accept": "text/html"})

    assert page.status_code == 200


def test_the_schema_describes_it_without_a_warning():
    before = GENERATOR_STATS._warn_cache.copy(), GENERATOR_STATS._error_cache.copy()

    schema = SchemaGenerator(patterns=urls.urlpatterns).get_schema(request=None, public=True)

    assert (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache) == before
    assert set(schema["paths"]["/api/v1/sources/"]) == {"get", "post"}
    assert set(schema["paths"]["/api/v1/sources/{source_id}/"]) == {"delete"}
    assert set(schema["paths"]["/api/v1/imports/{import_id}/"]) == {"get"}
