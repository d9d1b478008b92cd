import make
import pytest

from besedka.web import pages

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def inbox():
    return make.inbox(is_default=True)


@pytest.mark.parametrize("path", ["/", "/demo/", "/demo"])
@pytest.mark.parametrize(("language", "word"), [("ru", "чат"), ("en", "chat")])
def test_a_page_speaks_the_language_of_the_browser(client, inbox, path, language, word):
    response = client.get(path, headers={"Accept": "text/html", "Accept-Language": language})

    page = response.content.decode()
    assert response.status_code == 200
    assert f'<html lang="{language}">' in page
    assert word in page.lower()
    assert f'data-inbox="{inbox.public_key}"' in page


def test_a_language_that_was_chosen_is_remembered(client):
    client.get("/?lang=en", headers={"Accept": "text/html", "Accept-Language": "ru"})

    again = client.get("/", headers={"Accept": "text/html", "Accept-Language": "ru"})

    assert again.headers["Content-Language"] == "en"


def test_programs_get_addresses_instead_of_a_page(client):
    response = client.get("/", headers={"Accept": "application/json"})

    assert response.json()["documentation"].endswith("/swagger/")


@pytest.mark.parametrize("path", ["/", "/demo/", "/nothing"])
def test_our_pages_run_our_scripts_only_and_stand_in_nobodys_frame(client, path):
    headers = client.get(path, headers={"Accept": "text/html"}).headers

    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["/health/", "/health", "/health/ready/", "/health/ready"])
def test_health_is_told_without_a_sign_in(client, path):
    response = client.get(path)

    assert response.status_code == 200
    assert response.json()["status"] in ("ok", "degraded")


def test_the_loader_is_for_pages_of_any_site(client):
    response = client.get("/widget.js")

    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert b"besedka-widget" in response.content


def test_a_loader_that_was_not_built_is_told(client, monkeypatch, tmp_path):
    monkeypatch.setattr(pages, "LOADER", tmp_path / "widget.js")

    response = client.get("/widget.js")

    assert (response.status_code, response.json()["code"]) == (503, "not_built")


ROOTS = {
    "/api/": {"v1", "bots", "desk", "documentation"},
    "/api/v1/": {"gpt", "messages", "ads"},
    "/api/root/": {"bots", "scenarios", "steps", "executions"},
    "/api/v1/desk/": {"conversations", "search"},
}


@pytest.mark.parametrize("path", [*ROOTS, *(path.rstrip("/") for path in ROOTS)])
def test_a_root_lists_what_there_is_for_people_and_for_programs(client, path):
    page = client.get(path, headers={"Accept": "text/html", "Accept-Language": "en"})
    listing = client.get(path, headers={"Accept": "*/*"})

    found = listing.json()
    assert ROOTS[path.rstrip("/") + "/"] <= set(found)
    assert page.headers["Content-Type"].startswith("text/html")
    assert all(address.removeprefix("http://testserver") in page.content.decode() for address in found.values())
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert all("Accept" in answer.headers["Vary"] for answer in (page, listing))


@pytest.mark.parametrize("path", ROOTS)
def test_every_address_that_a_root_lists_is_there(client, path):
    for address in client.get(path).json().values():
        answer = client.get(address)
        behind = answer.status_code == 404 and address.removeprefix("http://testserver").startswith("/api/v1/")
        asks_who = address.endswith("/message/") and answer.json()["code"] == "token_invalid"
        assert answer.status_code in (200, 401, 403, 405) or behind or asks_who  # the door's own are not here


@pytest.mark.parametrize("path", ["/", *ROOTS])
def test_the_same_address_is_a_page_or_json_by_what_is_asked_for(client, path):
    kinds = {
        accept: client.get(path, headers={"Accept": accept}).headers["Content-Type"].partition(";")[0]
        for accept in ("text/html", "application/json", "*/*", "image/png")
    }

    assert kinds.pop("text/html") == "text/html"
    assert set(kinds.values()) == {"application/json"}


def test_the_description_of_the_api_knows_the_door(client):
    schema = client.get("/api/schema/", headers={"Accept": "application/json"}).json()

    assert {"/gpt", "/api/v1/gpt", "/api/v1/conversation/messages", "/api/v1/"} <= set(schema["paths"])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("get", "/nothing", 404, "not_found"), ("post", "/api/v1/", 405, "method_not_allowed")],
)
def test_programs_get_problems(client, method, path, status, code):
    response = getattr(client, method)(path, headers={"Accept": "application/json"})

    problem = response.json()
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["request_id"] == response.headers["X-Request-ID"]


def test_people_get_a_page_that_names_the_request(client):
    response = client.get("/nothing", headers={"Accept": "text/html", "Accept-Language": "ru"})

    assert response.status_code == 404
    assert "Здесь ничего нет" in response.content.decode()


def test_who_signs_in_without_a_page_in_mind_comes_to_the_admin(client, db):
    make.administrator("root", password="a long password")

    signed_in = client.post("/admin/login/", {"username": "root", "password": "a long password"})

    assert signed_in["Location"] == "/admin/"
