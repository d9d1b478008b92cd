import make
import pytest
from django.test import Client

from besedka.desk.models import Operator

pytestmark = pytest.mark.django_db
PAGE = "/auth/login/"


def fill_in(client, name, password="a long password", **fields):
    return client.post(PAGE, {"username": name, "password": password, **fields})


@pytest.fixture
def anna():
    """An operator who is no staff."""
    user = make.operator("anna")
    user.set_password("a long password")
    user.save()
    Operator.objects.create(user=user, is_enabled=True)
    return user


def test_an_operator_signs_in_and_sits_at_the_desk(client, anna):
    assert client.get("/desk/")["Location"] == "/auth/login/?next=/desk/"

    response = fill_in(client, "anna")

    assert (response.status_code, response["Location"]) == (302, "/desk/")
    assert client.get("/desk/").status_code in (200, 503)  # 503: nobody has built the page here


def test_everybody_goes_on_to_where_they_work(client):
    make.administrator(password="a long password")
    make.operator("carl").set_password("x")

    assert fill_in(client, "root")["Location"] == "/desk/"  # staff may sit at the desk


def test_who_wanted_a_page_gets_it_and_no_page_of_strangers(client, anna):
    assert fill_in(client, "anna", next="/ads/")["Location"] == "/ads/"
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        assert fill_in(client, "anna", next=elsewhere)["Location"] == "/desk/"


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "wrong"), ("nobody", "a long password"), ("a\0b", "x"), ("", "")]
)
def test_a_wrong_name_and_a_wrong_password_are_told_alike(client, anna, name, password):
    response = fill_in(client, name, password)

    assert response.status_code == 403
    assert "не подходят" in response.content.decode() or "do not fit" in response.content.decode()
    assert "_auth_user_id" not in client.session


def test_what_was_typed_is_shown_as_text(client):
    page = fill_in(client, '"><script>alert(1)</script>').content.decode()

    assert "<script>alert" not in page


def test_who_signs_out_is_out(client, anna):
    fill_in(client, "anna")

    assert client.get("/auth/logout/").status_code == 405
    assert client.post("/auth/logout")["Location"] == PAGE
    assert client.get("/desk/").status_code == 302


def test_a_page_of_strangers_signs_nobody_in_or_out(anna):

    client = Client(enforce_csrf_checks=True)

    assert fill_in(client, "anna").status_code == 403
    assert client.post("/auth/logout/").status_code == 403


def ask(client, path=PAGE, body=None, **headers):
    body = {"username": "anna", "password": "a long password"} if body is None else body
    return client.post(path, body, content_type="application/json", headers=headers)


def test_a_program_signs_in_and_out_with_json(anna):
    client = Client(enforce_csrf_checks=True)

    signed_in = ask(client)
    seen = client.get("/api/bots/")
    token = client.cookies["csrftoken"].value
    made = client.post(
        "/api/bots/", {"name": "B"}, content_type="application/json", headers={"X-CSRFToken": token}
    )
    signed_out = ask(client, "/auth/logout/", {})

    assert (signed_in.status_code, signed_in.json()) == (200, {"username": "anna", "first_name": ""})
    assert signed_in["Cache-Control"] == "no-store"
    assert (seen.status_code, made.status_code, signed_out.status_code) == (200, 201, 204)
    assert client.get("/api/bots/").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
    ],
)
@pytest.mark.parametrize("path", [PAGE, "/auth/logout/"])
def test_json_from_a_page_of_strangers_signs_nobody_in_or_out(client, anna, headers, path):
    if path != PAGE:
        client.force_login(anna)

    refused = ask(client, path, **headers)

    assert (refused.status_code, refused.json()["code"]) == (403, "cross_site")
    assert ("_auth_user_id" in client.session) is (path != PAGE)


def test_our_own_pages_may_use_json(client, anna):
    assert ask(client, **{"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("media", ["text/plain", "text/xml", "application/jsonx"])
def test_other_kinds_of_bodies_are_refused(client, anna, media):
    refused = client.post(PAGE, '{"username": "anna", "password": "a long password"}', content_type=media)

    assert (refused.status_code, refused["Content-Type"]) == (415, "application/problem+json")


@pytest.mark.parametrize(
    "body", [{}, {"username": "anna"}, {"username": None, "password": "x"}, {"username": [], "password": {}}]
)
def test_what_is_missing_is_named(client, anna, body):
    refused = ask(client, body=body)

    assert refused.status_code == 400
    assert {fault["field"] for fault in refused.json()["errors"]} <= {"username", "password"}


@pytest.mark.parametrize("path", [PAGE, "/auth/register/"])
@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"\xff=%ff&username=%00&password=%ff&first_name=%00", "application/x-www-form-urlencoded"),
        (b"--x", "multipart/form-data"),
        (b"--x\r\n\xff", "multipart/form-data; boundary=x"),
        (b"&".join(b"a=%d" % number for number in range(2_000)), "application/x-www-form-urlencoded"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(client, path, body, media):
    assert client.post(path, body, content_type=media).status_code in (400, 403)


@pytest.mark.parametrize("path", [PAGE, "/auth/register/", "/auth/logout/", "/api/token/"])
def test_json_is_answered_to_a_browser_too(client, anna, path):
    answer = ask(client, path, body={"username": "anna", "password": []}, Accept="text/html")

    assert answer.status_code in (200, 400)  # DRF shows people a page for a 204 too


def test_who_is_signed_in_can_sign_in_as_somebody_else(client, anna):
    client.force_login(make.operator("carl"))

    assert ask(client).status_code == 200
    assert client.session["_auth_user_id"] == str(anna.pk)
