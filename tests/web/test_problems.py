import pytest
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from besedka.problems import Problem
from besedka.web import problems


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
    assert response.data["request_id"] == response.headers["X-Request-ID"]


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


def test_a_bug_is_told_without_its_details(rf):
    page = problems.server_error(rf.get("/", headers={"Accept": "text/html"}))
    answer = problems.server_error(rf.get("/", headers={"Accept": "application/json"}))

    assert (page.status_code, answer.status_code) == (500, 500)
    assert page.headers["Content-Type"].startswith("text/html")
    assert b"internal_error" in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_a_database_we_live_and_are_not_ready(client, monkeypatch, error):
    def refuse() -> None:
        raise error("gone")

    monkeypatch.setattr(connection, "cursor", refuse)

    alive, ready = client.get("/health/"), client.get("/health/ready/")

    assert alive.status_code == 200
    assert (ready.status_code, ready.json()["code"]) == (503, "unavailable")
    assert ready.headers["Retry-After"]
