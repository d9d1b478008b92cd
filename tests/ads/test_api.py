"""Ads over HTTP. The addresses are `besedka.ads.urls`, wherever they are included."""

import json
import re

import make
import pictures
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from besedka.ads import access, images, urls
from besedka.ads.models import Ad

pytestmark = [pytest.mark.django_db, pytest.mark.urls("besedka.ads.urls")]
ADS = "/api/v1/ads/"
EXECUTE = "/api/v1/execute"
PNG = pictures.base64_of(pictures.of("PNG"))
HUGE = "9" * 20


@pytest.fixture
def anna():
    return make.operator("anna")


@pytest.fixture
def boris():
    return make.operator("boris")


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, method: str, path: str, body: object = None, **headers: str):
    raw = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.generic(method, path, raw, content_type="application/json", headers=headers)


def publish(client: Client, **fields: object):
    return send(client, "POST", ADS, {**make.AD, **fields})


def is_problem(response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code), response.content
    assert response["Content-Type"] == "application/problem+json"


def test_an_ad_is_published_read_changed_and_withdrawn(anna):
    author, stranger = signed_in(anna), Client()

    made = publish(author)
    one = made["Location"].removeprefix("http://testserver")
    replaced = send(author, "PUT", one, {**make.AD, "price": 5})
    changed = send(author, "PATCH", one, {"title": "Кот"})
    read = stranger.get(one)
    gone = send(author, "DELETE", one)

    assert made.status_code == 201
    assert {name: made.json()[name] for name in make.AD} == make.AD
    assert made.json()["created_by"] == anna.pk
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", made.json()["created_at"])
    assert (replaced.status_code, replaced.json()["price"]) == (200, 5)
    assert (changed.status_code, read.json()["title"], read.json()["version"]) == (200, "Кот", 3)
    assert (gone.status_code, stranger.get(one).status_code) == (204, 404)


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_slash_at_the_end_may_be_left_out(anna, slash):
    author = signed_in(anna)

    made = send(author, "POST", ADS.rstrip("/") + slash, make.AD)
    one = f"{ADS}{made.json()['id']}{slash}"

    assert made.status_code == 201
    assert Client().get(ADS.rstrip("/") + slash).status_code == 200
    assert send(author, "PATCH", one, {"price": 1}).status_code == 200
    assert send(author, "POST", EXECUTE + slash, make.AD).status_code == 201
    assert send(author, "DELETE", one).status_code == 204


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_only_the_author_and_staff_may_change_or_withdraw(anna, boris, method):
    one = f"{ADS}{make.ad(anna).pk}/"
    staff = make.operator("staff")
    staff.is_staff = True
    staff.save()

    is_problem(send(Client(), method, one, make.AD), 401, "not_authenticated")
    is_problem(send(signed_in(boris), method, one, make.AD), 403, "permission_denied")
    assert Ad.objects.get().version == 1
    assert send(signed_in(staff), method, one, make.AD).status_code in (200, 204)


def test_a_stranger_publishes_nothing():
    is_problem(publish(Client()), 401, "not_authenticated")
    is_problem(send(Client(), "POST", EXECUTE, make.AD), 401, "not_authenticated")


def test_a_form_from_another_site_is_refused(anna):
    author = signed_in(anna)
    author.handler.enforce_csrf_checks = True

    assert publish(author).status_code == 403
    assert author.post(ADS, {**make.AD, "image": SimpleUploadedFile("a.png", b"x")}).status_code == 403


def test_what_is_not_the_authors_to_say_is_passed_over(anna, boris):
    ad, author = make.ad(anna), signed_in(anna)
    foreign = {
        "id": 77,
        "created_by": boris.pk,
        "owner": boris.pk,
        "version": 9,
        "words": "x",
        "picture": "x",
        "created_at": "2000-01-01T00:00:00Z",
        "is_staff": True,
    }

    changed = send(author, "PATCH", f"{ADS}{ad.pk}/", {**foreign, "price": 7}).json()
    made = publish(author, **foreign).json()

    assert (changed["id"], changed["created_by"], changed["version"], changed["price"]) == (ad.pk, anna.pk, 2, 7)
    assert (made["created_by"], made["version"], made["image"]) == (anna.pk, 1, None)
    assert made["id"] != 77
    assert not Ad.objects.filter(created_at__year=2000).exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, None) for field in make.AD),
        *((field, ["x"]) for field in make.AD),
        *((field, {"a": 1}) for field in make.AD),
        *((field, "") for field in make.AD),
        *((field, True) for field in make.AD),
        ("title", "x" * 201),
        ("title", 5),
        ("description", "x" * 10_001),
        ("kind", "Horse"),
        ("kind", "dog"),
        ("gender", "m"),
        ("age", -1),
        ("age", 101),
        ("age", 1.5),
        ("age", "1"),
        ("age", 1e300),
        ("price", -1),
        ("price", 1_000_000_001),
        ("price", int(HUGE)),
        ("price", "дорого"),
    ],
)
@pytest.mark.parametrize("path", [ADS, EXECUTE])
def test_what_is_no_ad_is_refused_by_the_name_of_its_field(anna, path, field, value):
    refused = send(signed_in(anna), "POST", path, {**make.AD, field: value})

    is_problem(refused, 400, "invalid")
    assert {fault["field"] for fault in refused.json()["errors"]} == {field}
    assert not Ad.objects.exists()


@pytest.mark.parametrize("missing", make.AD)
def test_all_but_the_picture_is_needed(anna, missing):
    body = {name: value for name, value in make.AD.items() if name != missing}

    assert send(signed_in(anna), "POST", ADS, body).json()["errors"][0]["field"] == missing


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        '"x"',
        "5",
        '{"title": "a\\u0000b"}',
        '{"title": "\\ud800"}',
        '{"age": NaN}',
        '{"age": 1e400}',
        '{"price": ' + "9" * 5000 + "}",
        b'{"title": "\xff"}',
        "[" * 60_000,
    ],
    ids=range(13),
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", ADS), ("POST", EXECUTE), ("PATCH", EXECUTE), ("DELETE", EXECUTE)]
)
def test_a_body_that_is_no_ad_is_refused(anna, method, path, body):
    is_problem(send(signed_in(anna), method, path, body), 400, "invalid")


@pytest.mark.parametrize(
    "text", ["\u202eqap", "a\u200bb", "e" + "\u0301" * 199, "😀" * 200, "a\u2028b", "<script>x</script>"]
)
def test_a_text_is_kept_as_it_is(anna, text):
    assert publish(signed_in(anna), title=text).json()["title"] == text


def test_the_state_that_was_read_is_the_one_that_is_changed(anna):
    author = signed_in(anna)
    one = f"{ADS}{make.ad(anna).pk}/"
    etag = author.get(one)["ETag"]

    won = send(author, "PATCH", one, {"price": 1}, **{"If-Match": etag})
    lost = send(author, "PATCH", one, {"price": 2}, **{"If-Match": etag})
    lost_too = [send(author, method, one, make.AD, **{"If-Match": etag}) for method in ("PUT", "DELETE")]
    any_state = send(author, "PATCH", one, {"price": 3}, **{"If-Match": "*"})
    one_of_two = send(author, "PATCH", one, {"price": 4}, **{"If-Match": f'"x", {any_state["ETag"]}'})

    assert won.status_code == 200
    assert won["ETag"] != etag
    for answer in (lost, *lost_too):
        is_problem(answer, 412, "changed_meanwhile")
    assert (any_state.status_code, one_of_two.json()["price"]) == (200, 4)


@pytest.mark.parametrize("given", ["", "nonsense", 'W/"1-1"', '"unclosed'])
def test_a_state_that_never_was_is_nobodys(anna, given):
    one = f"{ADS}{make.ad(anna).pk}/"

    is_problem(send(signed_in(anna), "PATCH", one, {"price": 1}, **{"If-Match": given}), 412, "changed_meanwhile")


def test_what_has_not_changed_is_not_sent_again(anna):
    one = f"{ADS}{make.ad(anna).pk}/"
    first = Client().get(one)

    again = Client().get(one, headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])


@pytest.mark.parametrize("ad_id", ["0", "999999999999999999", HUGE, "9" * 5000, "-1", "abc", "1.5"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_ad_that_is_not_there_is_not_found(anna, method, ad_id):
    assert send(signed_in(anna), method, f"{ADS}{ad_id}/", {"price": 1}).status_code == 404


def test_the_list_goes_from_page_to_page_with_its_filters(anna):
    for number in range(5):
        make.ad(anna, title=f"Щенок {number}", price=number)
    make.ad(anna, kind="Cat")

    first = Client().get(ADS, {"search": "щенок", "ordering": "price", "page_size": 3, "kind": "Dog"}).json()
    second = Client().get(first["next"]).json()

    assert [ad["price"] for ad in first["results"] + second["results"]] == [0, 1, 2, 3, 4]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("created_by__password__startswith=a", "created_by__password__startswith"),
        ("price__gt=1", "price__gt"),
        ("order_by=price", "order_by"),
        ("id=1", "id"),
        ("ordering=-created_by__password", "ordering"),
        ("search=%00", "search"),
        ("kind=Horse", "kind"),
        ("page_size=1e9", "page_size"),
        ("cursor=abc", "cursor"),
        ("price_min=-0", "price_min"),
    ],
)
def test_a_filter_that_is_none_is_refused(query, field):
    refused = Client().get(f"{ADS}?{query}")

    is_problem(refused, 400, "invalid")
    assert refused.json()["field"] == field


def test_a_list_takes_two_questions(anna, django_assert_num_queries):
    for _ in range(5):
        make.ad(anna)

    with django_assert_num_queries(2):
        assert len(Client().get(ADS).json()["results"]) == 5


def test_a_picture_comes_in_json_and_is_replaced_and_taken_away(anna, media):
    author = signed_in(anna)

    made = publish(author, image=PNG).json()
    one = f"{ADS}{made['id']}/"
    kept = send(author, "PUT", one, make.AD).json()
    removed = send(author, "PATCH", one, {"image": None}).json()

    assert re.fullmatch(r"http://testserver/media/ads/[0-9a-f]{32}\.webp", made["image"])
    assert made["thumbnail"] == made["image"].replace(".webp", "-small.webp")
    assert kept["image"] == made["image"]
    assert (removed["image"], removed["thumbnail"]) == (None, None)


def test_a_picture_comes_as_a_file(anna, media):
    author = signed_in(anna)

    made = author.post(ADS, {**make.AD, "image": SimpleUploadedFile("dog.jpg", pictures.with_gps())})
    without = author.post(ADS, {**make.AD, "image": ""})
    [kept] = media.glob("*[0-9a-f].webp")

    assert (made.status_code, made.json()["age"]) == (201, 1)
    assert made.json()["image"].endswith(kept.name)
    assert b"SecretCamera" not in kept.read_bytes()
    assert (without.status_code, without.json()["image"]) == (201, None)


@pytest.mark.parametrize(
    "image", ["", "!", "data:text/html;base64,PGI+", PNG[:-8], PNG[:40], 5, [], {}, True, "😀"]
)
@pytest.mark.parametrize("path", [ADS, EXECUTE])
def test_what_is_no_picture_is_refused_and_leaves_nothing(anna, media, path, image):
    refused = send(signed_in(anna), "POST", path, {**make.AD, "image": image})

    is_problem(refused, 400, "image_invalid")
    assert refused.json()["field"] == "image"
    assert not Ad.objects.exists()
    assert not media.exists()


def test_a_picture_beside_other_faults_leaves_no_file(anna, media):
    refused = publish(signed_in(anna), image=PNG, age=-1)

    is_problem(refused, 400, "invalid")
    assert not media.exists()


@pytest.mark.parametrize("name", ["x.html", "x.png.html", "x.svg"])
def test_a_file_that_is_called_otherwise_is_refused(anna, media, name):
    file = SimpleUploadedFile(name, pictures.of("PNG"), content_type="image/png")

    is_problem(signed_in(anna).post(ADS, {**make.AD, "image": file}), 400, "image_invalid")


def test_a_path_in_place_of_a_file_is_never_opened(anna, media):
    is_problem(signed_in(anna).post(ADS, {**make.AD, "image": "/etc/passwd"}), 400, "image_invalid")


def test_a_body_that_is_too_large_is_refused_unread(anna, monkeypatch):
    author = signed_in(anna)
    large = send(author, "POST", ADS, {**make.AD, "image": "A" * images.MAX_BASE64, "more": "A" * access.AROUND})
    monkeypatch.setattr("besedka.pictures.MAX_BYTES", 100)
    file = SimpleUploadedFile("a.png", b"x" * access.AROUND)

    is_problem(large, 413, "body_too_large")
    is_problem(author.post(ADS, {**make.AD, "image": file}), 413, "body_too_large")


def test_a_picture_of_ten_megabytes_fits_into_json(anna):
    noise = pictures.base64_of(b"x" * images.MAX_BYTES)

    is_problem(publish(signed_in(anna), image=noise), 400, "image_invalid")


def test_another_kind_of_body_is_refused(anna):
    response = signed_in(anna).generic("POST", ADS, "title=x", content_type="text/plain")

    is_problem(response, 415, "unsupported_media_type")


def test_the_old_endpoint_takes_an_id_and_at_least_one_field(anna):
    author, ad = signed_in(anna), make.ad(anna)

    changed = send(author, "PATCH", EXECUTE, {"id": ad.pk, "price": 1000})

    assert (changed.status_code, changed.json()["price"]) == (200, 1000)
    for body in ({"id": ad.pk}, {"id": ad.pk, "other": 1}, {"price": 1}, {"id": "x", "price": 1}, {"id": True}):
        is_problem(send(author, "PATCH", EXECUTE, body), 400, "invalid")
    is_problem(send(author, "PATCH", EXECUTE, {"id": ad.pk + 1, "price": 1}), 404, "not_found")
    is_problem(send(author, "PATCH", EXECUTE, {"id": int(HUGE), "price": 1}), 400, "invalid")


def test_the_old_endpoint_withdraws_by_an_id_and_nothing_else(anna, boris):
    author, ad = signed_in(anna), make.ad(anna)

    for body in ({"id": ad.pk, "price": 1}, {}, {"id": None}, {"id": [ad.pk]}, {"id": -1}):
        is_problem(send(author, "DELETE", EXECUTE, body), 400, "invalid")
    is_problem(send(signed_in(boris), "DELETE", EXECUTE, {"id": ad.pk}), 403, "permission_denied")
    is_problem(send(Client(), "DELETE", EXECUTE, {"id": ad.pk}), 401, "not_authenticated")

    assert send(author, "DELETE", EXECUTE, {"id": ad.pk}).status_code == 200
    is_problem(send(author, "DELETE", EXECUTE, {"id": ad.pk}), 404, "not_found")


@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_old_endpoint_lists_all_piece_by_piece(anna, monkeypatch, count):
    monkeypatch.setattr("besedka.ads.legacy.AT_ONCE", 3)
    made = [make.ad(anna, title="«Щенок»").pk for _ in range(count)]

    listed = json.loads(Client().get(EXECUTE).getvalue())

    assert [ad["id"] for ad in listed] == made
    assert {ad["title"] for ad in listed} <= {"«Щенок»"}


def test_a_browser_is_shown_the_list():
    page = Client().get(ADS, headers={"Accept": "text/html"})

    assert page.status_code == 200


def test_the_schema_describes_it_without_a_warning():
    before = GENERATOR_STATS._warn_cache.copy(), GENERATOR_STATS._error_cache.copy()

    schema = SchemaGenerator(patterns=urls.urlpatterns).get_schema(request=None, public=True)

    assert (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache) == before
    assert set(schema["paths"][ADS]) == {"get", "post"}
    assert set(schema["paths"][ADS + "{ad_id}/"]) == {"get", "put", "patch", "delete"}
    assert set(schema["paths"][EXECUTE + "/"]) == {"get", "post", "patch", "delete"}
