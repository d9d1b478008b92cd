"""Contract §4: what the clients of the old ads rely on, over HTTP only."""

import base64
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


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", "Horse"), ("gender", "X"), ("age", "old"), ("price", 1.5), ("title", 5), ("title", "a\0b")],
)
def test_a_wrong_value_is_refused(site, tokens, field, value):
    response = call(site, "POST", {**AD, field: value}, tokens["author"])

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert field in response.text


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


def test_a_change_needs_an_id_and_a_field(site, tokens):
    ad_id = call(site, "POST", AD, tokens["author"]).json()["id"]

    for body in ({"id": ad_id}, {"price": 1}, {}, [], {"id": "x", "price": 1}, {"id": ad_id, "unknown": 1}):
        assert call(site, "PATCH", body, tokens["author"]).status_code == 400
    assert call(site, "PATCH", {"id": 10**15, "price": 1}, tokens["author"]).status_code == 404


def test_a_withdrawal_needs_an_id_and_nothing_else(site, tokens):
    ad_id = call(site, "POST", AD, tokens["author"]).json()["id"]

    for body in ({"id": ad_id, "price": 1}, {}, [], {"id": None}):
        assert call(site, "DELETE", body, tokens["author"]).status_code == 400
    assert call(site, "DELETE", {"id": 10**15}, tokens["author"]).status_code == 404
    assert ad_id in listed(site)


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
