"""Contract §1: what the pages of the old site chat rely on, over HTTP only."""

import re
import time
from datetime import UTC, datetime
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


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("slash", SLASHES)
@pytest.mark.parametrize(("method", "path"), [("POST", "gpt"), ("GET", "message")])
def test_without_the_header_the_old_text_says_so(site, prefix, slash, method, path):
    response = httpx2.request(method, f"{site.url}{prefix}/{path}{slash}", json={"message": "hello"})

    assert response.status_code == 400
    assert response.json()["message"] == NO_TOKEN
    assert response.json()["code"] == "token_invalid"
    assert NO_TOKEN == "Токен не был передан в заголовках"


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


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("slash", SLASHES)
@pytest.mark.parametrize(
    "body", ['{"message": " "}', '{"message": ["x"]}', '{"message": {}}', "[]", "null", "x", ""]
)
def test_a_body_that_is_no_message_is_told_in_json_never_in_html(site, prefix, slash, body):
    headers = {"chat-token": make.token(), "content-type": "application/json", "Accept": "text/html,*/*"}

    response = httpx2.post(f"{site.url}{prefix}/gpt{slash}", content=body, headers=headers)

    assert response.status_code == 400
    assert response.headers["content-type"].endswith("json")
    assert response.json()["detail"]


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"{}", {"content-type": "application/json"}),
        (b"{}", {}),
        (b"", {}),
        (b'{"message": "x"}', {"content-type": "text/plain"}),
        (b"no json", {"content-type": "application/json"}),
        (b"x" * 10_000, {}),
    ],
)
def test_what_stands_in_the_body_of_a_poll_does_not_matter(site, content, headers):
    token = make.token()
    ask(site, token, QUESTION)
    next_messages(site, token)
    headers = {"chat-token": token, **headers}

    with httpx2.Client() as client:
        answers = [
            client.request("GET", f"{site.url}/api/v1/message", content=content, headers=headers) for _ in range(3)
        ]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"messages": []})] * 3


def test_both_prefixes_are_one_chat(site):
    token = make.token()

    ask(site, token, QUESTION, "/gpt/")
    answered = next_messages(site, token)

    assert [message["user"] for message in answered] == ["GPT"]
    for path in ("/message", "/message/", "/api/v1/message/"):
        assert poll(site, token, path).json() == {"messages": []}


def test_unknown_fields_are_passed_over(site):
    body = {"message": QUESTION, "user": "OPERATOR", "date_create": "2000-01-01", "id": 7, "is_staff": True}

    response = httpx2.post(f"{site.url}/gpt", json=body, headers={"chat-token": make.token()})

    assert (response.status_code, response.json()) == (201, {"message": "Успех"})


def test_the_text_arrives_in_utf_8_and_says_when(site):
    token = make.token()
    before = datetime.now(UTC)
    ask(site, token, QUESTION)
    [answer] = next_messages(site, token)

    said = datetime.strptime(answer["date_create"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)

    assert re.search("[а-я]{3}", answer["message"])
    assert before <= said <= datetime.now(UTC)


def test_a_whole_chat_as_the_page_sees_it(site):
    """Ask, hear the bot, ask for a person, hear that one comes; from then on the bot is silent."""
    token, users = make.token(), []

    for text in (QUESTION, "Как вернуть товар?", "позовите оператора"):
        ask(site, token, text)
        users += [message["user"] for message in next_messages(site, token)]
    for _ in range(3):
        ask(site, token, QUESTION)
    time.sleep(1)

    assert users == ["GPT", "GPT", "OPERATOR"]
    assert poll(site, token).json() == {"messages": []}


def test_nobody_sees_what_another_token_was_told(site):
    token = make.token()
    ask(site, token, QUESTION)
    next_messages(site, token)

    for other in (make.token(), token + "1", token[:-1], token.upper()):
        assert poll(site, other, "/message?after=0").json() == {"messages": []}
