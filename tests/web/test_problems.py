import logging
import re

import httpx2
import make
import pytest
import running
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse, HttpResponseNotAllowed
from django.test import RequestFactory
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from besedka.conversations import inboxes
from besedka.problems import Problem
from besedka.project.logging import OneLine
from besedka.web import problems
from besedka.web.problems import wants_page

PAGE = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
JSON = {"Accept": "application/json"}


class Occupied(Problem):
    """Somebody sits here."""

    code = "occupied"
    status = 409


class Order(serializers.Serializer):
    count = serializers.IntegerField()
    goods = serializers.ListField(child=serializers.CharField(max_length=3))


def render(error: Exception) -> Response:
    response = problems.render_drf(error, {})
    assert response is not None
    return response


def test_a_problem_of_ours_keeps_its_code_and_its_details():
    response = render(Occupied(owner="anna"))

    assert response.status_code == 409
    assert response.content_type == "application/problem+json"
    assert response.data["type"] == "urn:besedka:problem:occupied"
    assert (response.data["code"], response.data["owner"]) == ("occupied", "anna")


def test_each_fault_of_a_form_is_named_with_its_field():
    order = Order(data={"count": "many", "goods": ["ball", "bed"]})
    with pytest.raises(exceptions.ValidationError) as refusal:
        order.is_valid(raise_exception=True)

    response = render(refusal.value)

    assert (response.status_code, response.data["code"]) == (400, "invalid")
    assert [fault["field"] for fault in response.data["errors"]] == ["count", "goods.0"]
    assert all(fault["reason"] for fault in response.data["errors"])


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (exceptions.ParseError(), 400, "invalid"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
        (exceptions.NotFound(), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.UnsupportedMediaType("text/x"), 415, "unsupported_media_type"),
        (exceptions.Throttled(), 429, "rate_limited"),
    ],
)
def test_what_the_framework_refuses_has_a_stable_code(error, status, code):
    response = render(error)

    assert (response.status_code, response.data["status"], response.data["code"]) == (status, status, code)


def test_whoever_asks_too_often_is_told_when_to_come_again():
    assert render(exceptions.Throttled(wait=7)).headers["Retry-After"] == "7"


@pytest.mark.parametrize("error", [ValueError("a bug"), Http404()])
def test_a_bug_and_a_missing_page_are_left_to_django(error):
    assert problems.render_drf(error, {}) is None


ODD = [
    "",
    ",",
    ";;;",
    "*/*",
    "text/*",
    "image/webp",
    "application/vnd.besedka+json;v=9",
    "text/html;q=0",
    "text/html;q=" + "9" * 5_000,
    "application/json;indent=" + "9" * 5_000,
    "a/b," * 3_000,
    "text/html\t;q = x",
    "/" * 100,
    "\u00e9/\u00e9",
]


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        ("text/html", True),
        (PAGE["Accept"], True),
        ("application/json, text/html", True),
        ("application/xhtml+xml", True),
        ("TEXT/HTML;Q=0.4", True),
        ("application/json, text/html;q=0.9", False),
        ("text/html;q=0", False),
        ("text/html;q=0.000", False),
        ("application/json, text/plain, */*", False),
        ("*/*", False),
        ("", False),
        ("x" * 50_000 + ",text/html", False),
    ],
)
def test_a_page_is_for_who_likes_html_at_least_as_well_as_json(rf, accept, page):
    assert wants_page(rf.get("/", headers={"Accept": accept})) is page


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/", "/api/v1/", "/api/root/", "/api/bots/", "/health/"])
@pytest.mark.parametrize("accept", ODD, ids=range(len(ODD)))
@pytest.mark.django_db
def test_no_wish_for_a_format_breaks_anything(client, path, accept):
    assert client.get(path, headers={"Accept": accept}).status_code < 500


def through(answer, **request):
    """What the outermost middleware makes of an answer."""
    return problems.plain_refusals(lambda asked: answer)(RequestFactory().get("/x", headers=request))


@pytest.mark.parametrize(
    ("language", "status", "title"),
    [
        ("ru", 400, "Этот запрос не прочесть"),
        ("en", 403, "You may not do this"),
        ("ru", 404, "Здесь ничего нет"),
        ("en", 405, "This is not how it is asked"),
        ("en", 413, "Too much at once"),
        ("ru", 429, "Чуть помедленнее"),
        ("en", 500, "Something went wrong here"),
        ("ru", 503, "Скоро вернёмся"),
        ("en", 418, "This request cannot be read"),
    ],
)
def test_each_refusal_is_a_page_for_people_and_problem_details_for_programs(language, status, title):
    class Refused(Problem):
        """No."""

    Refused.status = status

    page = through(problems.refuse(Refused(retry_after=7)), **PAGE, Cookie=f"lang={language}")
    details = through(problems.refuse(Refused(retry_after=7)), **JSON)

    text = page.content.decode()
    assert (page.status_code, details.status_code) == (status, status)
    assert page.headers["Content-Type"].startswith("text/html")
    assert f'<html lang="{language}">' in text
    assert title in text
    assert page.headers["X-Request-ID"] in text
    assert int(page.headers["Content-Length"]) == len(page.content)
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert details.headers["Content-Type"] == "application/problem+json"
    assert {page.headers["Retry-After"], details.headers["Retry-After"]} == {"7"}
    assert all("Accept" in answer.headers["Vary"] for answer in (page, details))


def test_an_empty_refusal_of_the_frameworks_says_what_it_is():
    refused = through(HttpResponseNotAllowed(["GET", "POST"]), **JSON)

    assert refused.headers["Allow"] == "GET, POST"
    assert b'"method_not_allowed"' in refused.content
    assert b'"not_found"' in through(HttpResponse(status=404), **JSON).content


def test_a_page_that_a_view_made_for_a_refusal_stays_as_it_is():
    assert through(HttpResponse("the form again", status=400), **PAGE).content == b"the form again"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (SuspiciousOperation("odd"), 400, "invalid"),
        (RequestDataTooBig(), 413, "body_too_large"),
        (ValueError("a bug: hunter2"), 500, "internal_error"),
        (OperationalError("no route to 10.1.2.3"), 503, "unavailable"),
        (InterfaceError("closed"), 503, "unavailable"),
    ],
)
def test_what_breaks_in_a_page_is_told_without_its_details(client, monkeypatch, caplog, error, status, code):
    def fail() -> None:
        raise error

    client.raise_request_exception = False
    monkeypatch.setattr(inboxes, "default_key", fail)
    monkeypatch.setattr(caplog.handler, "formatter", OneLine())

    page, details = client.get("/", headers=PAGE), client.get("/demo/", headers=JSON)

    assert (page.status_code, details.status_code, details.json()["code"]) == (status, status, code)
    assert ("Retry-After" in page.headers) is (status == 503)
    for answer in (page, details):
        assert b"hunter2" not in answer.content
        assert b"10.1.2.3" not in answer.content
        assert answer.headers["X-Request-ID"].encode() in answer.content
        assert status < 500 or f"[{answer.headers['X-Request-ID']}]" in caplog.text


@pytest.mark.django_db
def test_a_form_without_our_token_is_refused_in_words(client):
    client.handler.enforce_csrf_checks = True

    page = client.post("/admin/login/", {"username": "a"}, headers={**PAGE, "Accept-Language": "ru"})
    details = client.post("/admin/login/", {"username": "a"}, headers=JSON)

    assert page.status_code == 403
    assert "Форма устарела" in page.content.decode()
    assert details.json()["code"] == "csrf_failed"


def test_no_line_of_the_log_looks_like_one_of_another_request():
    begun = problems.begin_request()
    try:
        own = problems.request_id()
        line = OneLine().format(logging.LogRecord("x", logging.INFO, "", 0, "name\n[forged]", None, None))
    finally:
        problems.end_request(begun)

    assert line.endswith(f"[{own}]")
    assert "\n" not in line


class TestOverHttp:
    """What the whole server says, its door and Django behind it."""

    pytestmark = pytest.mark.xdist_group("site")

    @pytest.mark.parametrize("path", ["/", "/api/v1/conversation", "/api/bots/", "/health/", "/nothing", "/gpt"])
    def test_every_answer_has_an_id_that_the_client_cannot_choose(self, site, path):
        forged = {"X-Request-ID": "0123456789abcdef", "chat-token": make.token()}

        ids = [httpx2.get(site.url + path, headers=forged).headers["X-Request-ID"] for _ in range(2)]

        assert len(set(ids)) == 2
        assert "0123456789abcdef" not in ids
        assert all(re.fullmatch("[0-9a-f]{16}", one) for one in ids)

    @pytest.mark.parametrize("path", ["/message", "/nothing"])
    def test_the_log_has_a_refusal_under_its_id(self, site, path):
        refused = httpx2.get(site.url + path, headers=JSON)

        assert refused.json()["request_id"] == refused.headers["X-Request-ID"]
        running.wait_until(lambda: f"[{refused.headers['X-Request-ID']}]" in site.log.read_text(encoding="utf-8"))

    @pytest.mark.parametrize("path", ["/", "/demo/", "/api/", "/api/v1/", "/health/", "/widget.js", "/ads/"])
    def test_head_is_what_get_is_without_its_body(self, site, path):
        got = httpx2.get(site.url + path, headers=JSON)
        head = httpx2.head(site.url + path, headers=JSON)

        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["Content-Type"] == got.headers["Content-Type"]

    @pytest.mark.parametrize("path", ["/", "/demo/", "/api/v1/", "/api/bots/", "/admin/", "/nothing", "/gpt"])
    @pytest.mark.parametrize("method", ["TRACE", "PROPFIND"])
    def test_a_method_that_nobody_takes_is_refused_with_the_list(self, site, path, method):
        with running.raw(site) as line:
            status, headers, body = line.ask(method, path)

        assert status == 405
        assert headers["content-type"] == "application/problem+json"
        assert "GET" in headers["allow"] or "POST" in headers["allow"]
        assert b"request_id" in body

    @pytest.mark.parametrize("path", ["/", "/demo/", "/health/", "/api/v1/", "/gpt"])
    def test_options_says_what_is_taken(self, site, path):
        answer = httpx2.options(site.url + path)

        assert answer.status_code in (200, 204)
        assert "OPTIONS" in answer.headers["Allow"]

    @pytest.mark.parametrize(
        "path", ["/nothing", "/api/nothing/", "/admin/nothing/", "/swagger/nothing", "/%00", "/%ff"]
    )
    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
    def test_where_there_is_nothing_programs_are_told_so_in_json(self, site, path, method):
        told = httpx2.request(method, site.url + path, headers={"Accept": "*/*"})

        signs_in = told.status_code == 302 and path.startswith("/admin/")
        assert signs_in or told.status_code in (403, 404, 405)
        assert signs_in or told.headers["Content-Type"] == "application/problem+json"
