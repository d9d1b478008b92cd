"""Contract §1: what the pages of the old site chat rely on, over HTTP only."""

import re
import time
from typing import Any

import httpx2
import make
import pytest
import running

pytestmark = pytest.mark.xdist_group("site")

PREFIXES = ["/api/v1", ""]
SLASHES = ["", "/"]
NO_TOKEN = "Токен не был передан в заголовках"
QUESTION = "Сколько стоит доставка?"


def ask(site: running.Server, token: str, text: Any, path: str = "/api/v1/gpt") -> httpx2.Response:
    return httpx2.post(site.url + path, json={"message": text}, headers={"chat-token": token})


def poll(site: running.Server, token: str, path: str = "/api/v1/message") -> httpx2.Response:
    """As the page does it: with a JSON body on a GET."""
    headers = {"chat-token": token, "content-type": "application/json"}
    return httpx2.request("GET", site.url + path, content="{}", headers=headers)


def next_messages(site: running.Server, token: str) -> list[dict[str, str]]:
    for _ in range(100):
        if messages := poll(site, token).json()["messages"]:
            return messages
        time.sleep(0.05)
    raise AssertionError("no message came")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("slash", SLASHES)
def test_a_question_is_taken_at_once_and_answered_by_gpt(site, prefix, slash):
    token = make.token()

    stored = ask(site, token, QUESTION, f"{prefix}/gpt{slash}")
    [answer] = next_messages(site, token)

    assert (stored.status_code, stored.json()) == (201, {"message": "Успех"})
    assert set(answer) == {"message", "date_create", "user"}
    assert answer["user"] == "GPT"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", answer["date_create"])


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("slash", SLASHES)
def test_an_unknown_token_gets_an_empty_list(site, prefix, slash):
    response = poll(site, make.token(), f"{prefix}/message{slash}")

    assert (response.status_code, response.json()) == (200, {"messages": []})


def test_a_message_is_handed_out_once(site):
    token = make.token()
    ask(site, token, QUESTION)

    first = next_messages(site, token)
    second = poll(site, token).json()["messages"]

    assert len(first) == 1
    assert second == []


def test_answers_come_oldest_first(site):
    token = make.token()
    for text in ("Привет!", QUESTION):
        ask(site, token, text)
        time.sleep(0.3)

    dates = [message["date_create"] for message in next_messages(site, token)]

    assert len(dates) == 2
    assert dates == sorted(dates)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/v1/gpt"), ("GET", "/api/v1/message"), ("GET", "/message/")]
)
def test_without_the_header_the_old_text_says_so(site, method, path):
    response = httpx2.request(method, site.url + path, json={"message": "hello"})

    assert response.status_code == 400
    assert response.json()["message"] == NO_TOKEN
    assert response.json()["code"] == "token_invalid"


@pytest.mark.parametrize("body", [{}, {"message": ""}, {"message": "   "}, {"message": None}, {"message": 5}])
def test_what_is_no_message_is_refused_and_nothing_is_stored(site, body):
    token = make.token()

    response = httpx2.post(f"{site.url}/gpt", json=body, headers={"chat-token": token})

    assert response.status_code == 400
    assert response.json()["field"] == "message"
    assert httpx2.get(f"{site.url}/api/v1/conversation", headers={"chat-token": token}).json()["last_seq"] == 0


def test_who_waits_for_a_person_hears_nothing_of_the_bot(site):
    token = make.token()
    ask(site, token, "позовите оператора")
    [notice] = next_messages(site, token)

    ask(site, token, QUESTION)
    time.sleep(0.5)

    assert notice["user"] == "OPERATOR"
    assert poll(site, token).json()["messages"] == []


def test_a_page_of_another_origin_may_send_the_token(site):
    preflight = httpx2.options(
        f"{site.url}/api/v1/gpt",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "chat-token,content-type",
        },
    )

    allowed = preflight.headers["Access-Control-Allow-Headers"]
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "chat-token" in allowed
    assert "content-type" in allowed
    assert "Access-Control-Allow-Credentials" not in preflight.headers


def test_a_post_is_never_answered_with_a_redirect(site):
    for path in ("/gpt", "/gpt/", "/api/v1/gpt", "/api/v1/gpt/"):
        assert ask(site, make.token(), "hello", path).status_code == 201


def test_with_a_cursor_reading_consumes_nothing(site):
    token = make.token()
    ask(site, token, QUESTION)
    next_messages(site, token)

    first = poll(site, token, "/message?after=0").json()
    again = poll(site, token, "/message?after=0").json()

    assert first == again
    assert [message["seq"] for message in first["messages"]] == [2]


def test_the_addresses_of_the_service_are_there(site):
    root = httpx2.get(f"{site.url}/api/v1/", headers={"Accept": "text/html"})
    admin = httpx2.get(f"{site.url}/admin/", follow_redirects=True)
    swagger = httpx2.get(f"{site.url}/swagger/", headers={"Accept": "text/html"})

    assert (root.status_code, admin.status_code, swagger.status_code) == (200, 200, 200)
    assert root.headers["content-type"].startswith("text/html")
