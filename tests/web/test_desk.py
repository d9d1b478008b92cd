"""The page of the desk: for operators only, in the reader's language, with nothing of others in it."""

import make
import pytest

from besedka.web import desk

pytestmark = pytest.mark.django_db
PAGE = {"Accept": "text/html", "Accept-Language": "ru"}


@pytest.fixture(autouse=True)
def built(monkeypatch, tmp_path):
    """The front end, as if it had been built."""
    for part in desk.PARTS:
        (tmp_path / part).write_text(part)
    monkeypatch.setattr(desk, "BUILT", tmp_path)
    return tmp_path


@pytest.fixture
def operator(client):
    """Somebody who sits at the desk, signed in."""
    person = make.administrator("anna")
    client.force_login(person)
    return person


@pytest.mark.parametrize("path", ["/desk/", "/desk"])
def test_who_is_not_signed_in_signs_in_and_comes_back(client, path):
    response = client.get(path)

    assert response.status_code == 302
    assert response["Location"].endswith(f"/auth/login/?next={path}")


@pytest.mark.parametrize(("language", "word"), [("ru", "Рабочее место"), ("en", "Desk")])
def test_the_desk_speaks_the_language_of_the_browser(client, operator, language, word):
    response = client.get("/desk/", headers={**PAGE, "Accept-Language": language})

    page = response.content.decode()
    assert f'<html lang="{language}">' in page
    assert word in page


def test_the_page_is_kept_by_nobody_and_runs_our_scripts_only(client, operator):
    headers = client.get("/desk/", headers=PAGE).headers

    assert "no-store" in headers["Cache-Control"]
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/desk/", "/admin/"])
def test_no_other_site_can_lay_the_desk_below_its_own_page(client, operator, path):
    headers = client.get(path, headers=PAGE).headers

    assert headers["X-Frame-Options"] == "DENY"
    if path == "/desk/":
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_a_new_build_has_a_new_address(client, operator, built):
    before = client.get("/desk/", headers=PAGE).content
    (built / "desk.css").write_text("changed")

    assert client.get("/desk/", headers=PAGE).content != before


def test_an_account_without_a_place_is_told_so_in_a_friendly_way(client):
    client.force_login(make.operator("stranger"))

    page = client.get("/desk/", headers=PAGE)
    program = client.get("/desk/", headers={"Accept": "application/json"})

    assert (page.status_code, program.status_code) == (403, 403)
    assert "администратора" in page.content.decode()
    assert program.json()["code"] == "permission_denied"


def test_a_desk_that_was_not_built_is_told(client, operator, built):
    (built / "desk.js").unlink()

    assert client.get("/desk/").json()["code"] == "not_built"
    assert "не собрана" in client.get("/desk/", headers=PAGE).content.decode()
