"""Whatever a client sends, it gets a clear answer: 2xx or 4xx, with a stable code."""

import socket

import httpx2
import make
import pytest
import running

pytestmark = pytest.mark.xdist_group("site")

WRITE = "/api/v1/conversation/messages"
JSON = {"content-type": "application/json"}


def send(site: running.Server, content: bytes | str, headers: dict[str, str] | None = None) -> httpx2.Response:
    given = {"chat-token": make.token(), **JSON, **(headers or {})}
    return httpx2.post(site.url + WRITE, content=content, headers=given, timeout=20)


def is_problem(response: httpx2.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert "Traceback" not in response.text


@pytest.mark.parametrize("token", ["", "1234567", "a" * 101, "a" * 8192, "tab\there", "a b c d e"])
def test_a_bad_token_is_refused(site, token):
    response = httpx2.post(site.url + WRITE, json={"text": "hello"}, headers={"chat-token": token})

    is_problem(response, 400, "token_invalid")


def test_a_token_that_is_not_ascii_is_refused(site):
    headers = {b"chat-token": "токен-длинный".encode()}

    response = httpx2.post(site.url + WRITE, json={"text": "hello"}, headers=headers)

    is_problem(response, 400, "token_invalid")


@pytest.mark.parametrize("token", ["a" * 8, "a" * 100, "with_:and/~!"])
def test_a_good_token_is_taken(site, token):
    response = httpx2.post(site.url + WRITE, json={"text": "hello"}, headers={"chat-token": token})

    assert response.status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "null",
        "[]",
        '"x"',
        "5",
        *(f'{{"text": {value}}}' for value in ("null", "true", "{}", "[]", '""', '"  "')),
    ],
)
def test_a_body_that_is_no_message_is_refused(site, body):
    is_problem(send(site, body), 400, "invalid")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"text": "a"} x',
        b'{"text": "\xff"}',
        b'{"text": "\\ud800"}',
        b'{"text": "\\udc00"}',
        b'{"text": "a\\u0000b"}',
        b'{"text": NaN}',
        b'{"text": "a", "n": NaN}',
        b"[" * 60_000,
        b'{"text": "a", "deep": ' + b"[" * 30_000,
        '{"text": "a"}'.encode("utf-16"),
    ],
)
def test_what_is_no_json_or_no_text_is_refused(site, body):
    is_problem(send(site, body), 400, "invalid")


@pytest.mark.parametrize(
    ("length", "status"),
    [(1, 201), (4_000, 201), (4_001, 400)],
)
def test_the_length_counts_in_code_points(site, length, status):
    assert send(site, f'{{"text": "{"🐈" * length}"}}').status_code == status


def test_a_body_of_ten_megabytes_is_refused_at_once(site):
    is_problem(send(site, b'{"text": "' + b"a" * 10_000_000 + b'"}'), 413, "body_too_large")


def test_a_body_that_lies_about_its_length_is_cut(site):
    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        head = (
            f"POST {WRITE} HTTP/1.1\r\nHost: x\r\nchat-token: {make.token()}\r\nContent-Type: application/json\r\n"
        )
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            connection.sendall(b"8000\r\n" + b"a" * 0x8000 + b"\r\n")
        answer = connection.recv(1000)

    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": ""},
        {"content-type": "text/xml"},
        {"content-type": "text/plain"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json; charset=nonsense"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-encoding": "gzip"},
    ],
)
def test_another_media_type_is_refused(site, headers):
    is_problem(send(site, '{"text": "a"}', headers), 415, "unsupported_media_type")


def test_of_a_name_that_stands_twice_the_last_counts_and_unknown_ones_are_passed_over(site):
    many = ", ".join(f'"k{number}": 1' for number in range(3_000))

    response = send(site, f'{{"text": "first", {many}, "text": "last", "n": {"9" * 5_000}}}')

    assert (response.status_code, response.json()["text"]) == (201, "last")


@pytest.mark.parametrize(
    "text", ["\u202eevil", "a\u200bb", "e" + "\u0301" * 1_000, "a\u2028b", "'; DROP TABLE", "%s%d{}"]
)
def test_odd_texts_come_back_as_they_were_sent(site, text):
    headers = {"chat-token": make.token()}

    httpx2.post(site.url + WRITE, json={"text": text}, headers=headers)

    stored = httpx2.get(site.url + WRITE, headers=headers).json()["messages"][0]
    assert stored["text"] == text


@pytest.mark.parametrize("parameter", ["after", "wait"])
@pytest.mark.parametrize("value", ["abc", "-1", "1e9", "1.5", "٣", "", "%00", "NaN"])
def test_a_number_that_is_none_is_refused(site, parameter, value):
    response = httpx2.get(f"{site.url}{WRITE}?{parameter}={value}", headers={"chat-token": make.token()})

    is_problem(response, 400, "invalid")
    assert response.json()["field"] == parameter


@pytest.mark.parametrize("value", ["99999999999999999999", "9" * 5_000, "2147483648"])
def test_a_cursor_beyond_everything_gives_nothing(site, value):
    response = httpx2.get(f"{site.url}{WRITE}?after={value}", headers={"chat-token": make.token()})

    assert (response.status_code, response.json()) == (200, {"messages": []})


@pytest.mark.parametrize("client_id", ["", " ", "a b", "я", "a" * 256, "a\u0000"])
def test_a_bad_client_id_is_refused(site, client_id):
    headers = {"chat-token": make.token()}

    response = httpx2.post(site.url + WRITE, json={"text": "a", "client_id": client_id}, headers=headers)

    is_problem(response, 400, "invalid")
    assert response.json()["field"] == "client_id"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_another_method_is_refused_with_the_list_of_those_that_are_taken(site, method):
    response = httpx2.request(method, site.url + WRITE, headers={"chat-token": make.token()})

    is_problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_head_is_a_get_without_its_body(site):
    response = httpx2.head(site.url + WRITE, headers={"chat-token": make.token()})

    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/v1/nothing", "/gpt/gpt", "/ws/visitor", "/%00", "//gpt", "/GPT"]
)
def test_an_unknown_route_is_told_as_a_problem(site, path):
    response = httpx2.get(site.url + path, headers={"Accept": "application/json"})

    is_problem(response, 404, "not_found")


def test_a_browser_gets_a_page_instead(site):
    response = httpx2.get(f"{site.url}/nothing", headers={"Accept": "text/html"})

    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")


def test_an_unknown_inbox_is_told(site):
    headers = {"chat-token": make.token()}

    is_problem(httpx2.get(f"{site.url}{WRITE}?inbox=pk_none", headers=headers), 404, "inbox_unknown")


def test_nothing_that_was_sent_here_broke_anything(site):
    """The last of this file: what the server wrote about all of the above."""
    log = site.log.read_text(errors="replace")

    assert "Traceback" not in log
    assert "internal_error" not in log
