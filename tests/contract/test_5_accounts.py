"""Contract §5: registration and sign-in, over HTTP only."""

import re

import httpx2
import make
import pytest
import running

pytestmark = pytest.mark.xdist_group("site")

REGISTER, LOGIN = "/auth/register/", "/auth/login/"
SLASHES = ["", "/"]


def person() -> dict[str, str]:
    return {"username": make.token(), "first_name": "Анна", "password": running.PASSWORD}


@pytest.mark.parametrize("slash", SLASHES)
def test_somebody_registers_and_signs_in_everywhere_at_once(site, slash):
    account = person()
    pair = {name: account[name] for name in ("username", "password")}

    registered = httpx2.post(site.url + REGISTER.rstrip("/") + slash, json=account, timeout=30)
    with httpx2.Client(base_url=site.url, timeout=30) as browser:
        session = browser.post(LOGIN.rstrip("/") + slash, json=pair)
        own = browser.get("/api/bots/").status_code
    token = httpx2.post(f"{site.url}/api/token/", json=pair, timeout=30).json()["access"]
    basic = httpx2.get(f"{site.url}/api/bots/", auth=(pair["username"], pair["password"]), timeout=30)

    assert registered.status_code == 201
    assert registered.json() == {"username": account["username"], "first_name": "Анна"}
    assert (session.status_code, own, basic.status_code) == (200, 200, 200)
    assert session.json() == registered.json()
    headers = {"Authorization": f"Bearer {token}"}
    made = httpx2.post(f"{site.url}/api/bots/", json={"name": "Мой бот"}, headers=headers, timeout=30)
    assert made.status_code == 201


@pytest.mark.parametrize("slash", SLASHES)
def test_a_browser_registers_in_a_form_and_is_led_to_the_form_for_signing_in(site, slash):
    account = person()
    with httpx2.Client(base_url=site.url, timeout=30, headers={"Accept": "text/html"}) as browser:
        form = browser.get(REGISTER.rstrip("/") + slash)
        filled = {**account, "csrfmiddlewaretoken": token_in(form.text)}
        registered = browser.post(REGISTER.rstrip("/") + slash, data=filled)
        page = browser.get(registered.headers["Location"])
        pair = {"username": account["username"], "password": account["password"]}
        signed_in = browser.post(LOGIN, data={**pair, "csrfmiddlewaretoken": token_in(page.text)})

    assert form.status_code == 200
    assert (registered.status_code, registered.headers["Location"]) == (302, LOGIN)
    assert account["username"] in page.text
    assert signed_in.status_code == 302
    assert "sessionid" in browser.cookies


def test_a_wrong_password_is_refused_as_a_problem(site):
    refused = httpx2.post(site.url + LOGIN, json={"username": "admin", "password": "wrong"}, timeout=30)

    assert refused.status_code == 401
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "not_authenticated"


def token_in(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None
    return found[1]
