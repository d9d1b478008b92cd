"""Contract §4: what the clients of the old ads rely on, over HTTP only."""

import base64
import json
import re
from typing import Any

import httpx2
import make
import pictures
import pytest
import running

pytestmark = pytest.mark.xdist_group("site")

EXECUTE = "/api/v1/execute"
SLASHES = ["", "/"]
AD = {
    "title": "Щенок таксы",
    "description": "Привит, приучен",
    "kind": "Dog",
    "breed": "Такса",
    "age": 1,
    "gender": "M",
    "location": "Москва",
    "price": 16000,
}
PNG = base64.b64encode(pictures.of("PNG", size=(600, 400))).decode()


@pytest.fixture(scope="module")
def tokens(site) -> dict[str, str]:
    """Access tokens of two authors and of the administrator."""
    names = {"author": make.token(), "other": make.token()}
    site.shell(
        "from besedka.accounts.models import User\n"
        + "\n".join(
            f"User.objects.create_user('{name}', password='{running.PASSWORD}')" for name in names.values()
        )
    )
    return {who: sign_in(site, name) for who, name in {**names, "admin": "admin"}.items()}


def sign_in(site: running.Server, name: str) -> str:
    pair = httpx2.post(f"{site.url}/api/token/", json={"username": name, "password": running.PASSWORD}).json()
    return str(pair["access"])


def call(
    site: running.Server, method: str, body: Any = None, token: str | None = None, path: str = EXECUTE
) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx2.Client(timeout=30) as client:
        if body is None:
            return client.request(method, site.url + path, headers=headers)
        return client.request(method, site.url + path, json=body, headers=headers)


def listed(site: running.Server) -> dict[int, dict[str, Any]]:
    return {ad["id"]: ad for ad in call(site, "GET").json()}


@pytest.mark.parametrize("slash", SLASHES)
def test_an_ad_is_published_listed_changed_and_withdrawn(site, tokens, slash):
    token, path = tokens["author"], EXECUTE + slash

    made = call(site, "POST", AD, token, path)
    ad_id = made.json()["id"]
    shown = listed(site)[ad_id]
    changed = call(site, "PATCH", {"id": ad_id, "price": 1000}, token, path)
    gone = call(site, "DELETE", {"id": ad_id}, token, path)

    assert (made.status_code, changed.status_code, gone.status_code) == (201, 200, 200)
    assert {name: shown[name] for name in AD} == AD
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", shown["created_at"])
    assert {name: changed.json()[name] for name in AD} == {**AD, "price": 1000}
    assert ad_id not in listed(site)


@pytest.mark.parametrize("slash", SLASHES)
def test_everybody_sees_all_ads(site, tokens, slash):
    made = [call(site, "POST", {**AD, "title": str(number)}, tokens["author"]).json()["id"] for number in range(3)]

    response = call(site, "GET", path=EXECUTE + slash)

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json")
    assert [ad["id"] for ad in response.json() if ad["id"] in made] == made


def test_a_picture_in_base64_is_served_without_a_sign_in(site, tokens):
    made = call(site, "POST", {**AD, "image": PNG}, tokens["author"]).json()

    for address in (made["image"], made["thumbnail"]):
        served = httpx2.get(address)
        assert address.startswith(site.url)
        assert served.status_code == 200
        assert served.headers["content-type"] == "image/webp"
        assert served.headers["x-content-type-options"] == "nosniff"
        assert pictures.opened(served.content).format == "WEBP"


def test_a_picture_of_ten_megabytes_arrives(site, tokens):
    large = base64.b64encode(pictures.of("PNG", size=(3000, 1100), compress_level=0)).decode()

    response = call(site, "POST", {**AD, "image": large}, tokens["author"])

    assert len(large) > 13_000_000
    assert response.status_code == 201


def test_a_picture_is_not_needed(site, tokens):
    assert call(site, "POST", AD, tokens["author"]).json()["image"] is None


@pytest.mark.parametrize("image", ["!", "data:text/html;base64,PGI+", PNG[: len(PNG) // 2], "", 5])
def test_what_is_no_picture_is_refused(site, tokens, image):
    response = call(site, "POST", {**AD, "image": image}, tokens["author"])

    assert (response.status_code, response.json()["code"]) == (400, "image_invalid")


@pytest.mark.parametrize("missing", sorted(AD))
def test_every_field_is_needed(site, tokens, missing):
    body = {name: value for name, value in AD.items() if name != missing}

    response = call(site, "POST", body, tokens["author"])

    assert response.status_code == 400
    assert [fault["field"] for fault in response.json()["errors"]] == [missing]


WRONG = [
    *((field, value) for field in AD for value in (None, [], {}, True, "")),
    *((field, 5) for field in ("title", "description", "kind", "breed", "gender", "location")),
    *((field, "a\0b") for field in ("title", "description", "kind", "breed", "gender", "location")),
    *((field, value) for field in ("age", "price") for value in (-1, 1.5, 10**20, 1e300, "1", "много", "\0")),
    ("title", " "),
    ("title", "я" * 201),
    ("description", "я" * 10_001),
    ("breed", "я" * 101),
    ("location", "я" * 201),
    ("kind", "Horse"),
    ("kind", "dog"),
    ("gender", "X"),
    ("gender", "m"),
    ("age", 101),
    ("price", 1_000_000_001),
]


def is_refused_by_field(response: httpx2.Response, field: str) -> None:
    """400, in JSON, that says which field and why."""
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
    told = response.json()
    if "errors" in told:
        assert [fault["field"] for fault in told["errors"]] == [field]
        assert all(fault["reason"] for fault in told["errors"])
    else:  # what no database could keep
        assert told["detail"].startswith(f"`{field}`: ")


def test_a_wrong_value_is_refused_by_its_field_and_nothing_has_changed(site, tokens):
    made = call(site, "POST", {**AD, "title": "Не тронь"}, tokens["author"]).json()
    before = listed(site)

    for field, value in WRONG:
        is_refused_by_field(call(site, "POST", {**AD, field: value}, tokens["author"]), field)
        is_refused_by_field(call(site, "PATCH", {"id": made["id"], field: value}, tokens["author"]), field)

    assert listed(site) == before


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5000])
@pytest.mark.parametrize("field", ["age", "price", "id"])
def test_a_number_that_is_none_is_refused(site, tokens, field, number):
    fields = {**AD, "id": 1}
    body = json.dumps(fields).replace(f'"{field}": {fields[field]}', f'"{field}": {number}')
    headers = {"Authorization": f"Bearer {tokens['author']}", "content-type": "application/json"}

    for method in ("PATCH", "DELETE") if field == "id" else ("POST", "PATCH"):
        response = httpx2.request(method, site.url + EXECUTE, content=body.encode(), headers=headers)
        assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")


def test_longest_and_largest_values_are_taken_as_they_are(site, tokens):
    most = {
        "title": "😀" * 200,
        "description": "я\n" * 5_000,
        "breed": "я" * 100,
        "location": "я" * 200,
        "age": 100,
        "price": 1_000_000_000,
    }
    most["description"] = most["description"][:-1] + "."
    least = {"age": 0, "price": 0, "title": "я"}

    for fields in (most, least):
        made = call(site, "POST", {**AD, **fields}, tokens["author"])
        assert made.status_code == 201
        shown = listed(site)[made.json()["id"]]
        assert {name: shown[name] for name in fields} == fields


def test_what_is_not_the_authors_to_say_is_passed_over(site, tokens):
    foreign = {"created_by": 1, "created_at": "2000-01-01T00:00:00Z", "version": 9, "words": "x", "unknown": {}}

    made = call(site, "POST", {**AD, **foreign, "id": 1}, tokens["author"]).json()
    changed = call(site, "PATCH", {**foreign, "id": made["id"], "price": 3}, tokens["author"]).json()

    assert made["id"] != 1
    assert (changed["created_by"], changed["price"]) == (made["created_by"], 3)
    assert (changed["created_at"], changed["version"]) == (made["created_at"], 2)


@pytest.mark.parametrize(
    ("method", "body"), [("POST", AD), ("PATCH", {"id": 1, "price": 1}), ("DELETE", {"id": 1})]
)
def test_who_is_not_signed_in_changes_nothing(site, method, body):
    assert call(site, method, body).status_code == 401
    assert call(site, method, body, "no.such.token").status_code == 401


def test_only_the_author_and_staff_may_change_and_withdraw(site, tokens):
    ad_id = call(site, "POST", AD, tokens["author"]).json()["id"]

    others = [
        call(site, "PATCH", {"id": ad_id, "price": 1}, tokens["other"]),
        call(site, "DELETE", {"id": ad_id}, tokens["other"]),
    ]
    staff = [
        call(site, "PATCH", {"id": ad_id, "price": 2}, tokens["admin"]),
        call(site, "DELETE", {"id": ad_id}, tokens["admin"]),
    ]

    assert [answer.status_code for answer in others] == [403, 403]
    assert [answer.status_code for answer in staff] == [200, 200]


NO_ID = [None, "", "x", "\0", [], {}, True, -1, 0, 1.5, 10**20, "9" * 400]


def test_a_change_needs_an_id_and_a_field(site, tokens):
    ad_id = call(site, "POST", AD, tokens["author"]).json()["id"]
    before = listed(site)[ad_id]
    wrong = [
        {"id": ad_id},
        {"price": 1},
        {},
        [],
        {"id": ad_id, "unknown": 1},
        *({"id": x, "price": 1} for x in NO_ID),
    ]

    for body in wrong:
        response = call(site, "PATCH", body, tokens["author"])
        assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json"), body
    assert call(site, "PATCH", {"id": 10**15, "price": 1}, tokens["author"]).status_code == 404
    assert listed(site)[ad_id] == before


@pytest.mark.parametrize("field", sorted(AD))
def test_any_field_may_be_changed_alone(site, tokens, field):
    ad_id = call(site, "POST", AD, tokens["author"]).json()["id"]
    value = {"kind": "Cat", "gender": "F", "age": 9, "price": 9}.get(field, "другое")

    changed = call(site, "PATCH", {"id": ad_id, field: value}, tokens["author"])

    assert changed.status_code == 200
    assert {name: listed(site)[ad_id][name] for name in AD} == {**AD, field: value}


def test_a_withdrawal_needs_an_id_and_nothing_else(site, tokens):
    ad_id = call(site, "POST", AD, tokens["author"]).json()["id"]
    wrong = [{"id": ad_id, "price": 1}, {"id": ad_id, "x": None}, {}, [], *({"id": x} for x in NO_ID)]

    for body in wrong:
        response = call(site, "DELETE", body, tokens["author"])
        assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json"), body
    assert call(site, "DELETE", {"id": 10**15}, tokens["author"]).status_code == 404
    assert ad_id in listed(site)


def test_a_picture_is_changed_alone_and_taken_away_alone(site, tokens):
    ad_id = call(site, "POST", AD, tokens["author"]).json()["id"]

    shown = call(site, "PATCH", {"id": ad_id, "image": PNG}, tokens["author"]).json()["image"]
    taken = call(site, "PATCH", {"id": ad_id, "image": None}, tokens["author"])

    assert shown.startswith(site.url)
    assert (taken.status_code, taken.json()["image"]) == (200, None)
    assert httpx2.get(shown).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/json; charset=nonsense"])
def test_another_kind_of_body_is_told_in_json(site, tokens, method, media_type):
    headers = {"Authorization": f"Bearer {tokens['author']}", "content-type": media_type}

    response = httpx2.request(method, site.url + EXECUTE, content=b"<ad/>", headers=headers)

    assert response.status_code in (400, 415)
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["PUT", "TRACE", "LOCK"])
def test_there_are_four_methods(site, tokens, method):
    response = call(site, method, AD, tokens["author"])

    assert (response.status_code, response.headers["content-type"]) == (405, "application/problem+json")


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"null", b'"x"'])
def test_a_body_that_is_no_json_object_is_told_in_json(site, tokens, method, content):
    headers = {
        "Authorization": f"Bearer {tokens['author']}",
        "content-type": "application/json",
        "Accept": "application/json",
    }

    response = httpx2.request(method, site.url + EXECUTE, content=content, headers=headers)

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


def test_the_page_of_ads_shows_what_was_published(site, tokens):
    made = call(site, "POST", {**AD, "title": "Тот самый пёс"}, tokens["author"]).json()

    found = httpx2.get(f"{site.url}/ads/?search=тот самый", headers={"Accept": "text/html"})
    one = httpx2.get(f"{site.url}/ads/{made['id']}/", headers={"Accept": "text/html"})

    assert "Тот самый пёс" in found.text
    assert "Тот самый пёс" in one.text
