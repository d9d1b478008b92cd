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
