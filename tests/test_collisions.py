"""Two transactions that lock the same rows in reversed order: the database ends one, and it is done again."""

import threading
from collections.abc import Callable
from typing import Any

import make
import psycopg
import pytest
from at_once import together
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from besedka import collisions
from besedka.conversations.models import Inbox
from besedka.web.trying import Again

pytestmark = pytest.mark.django_db(transaction=True)

CROSSING = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")


def crossing(first: int, second: int, met: threading.Barrier) -> Callable[[], None]:
    """Work that changes both rows; all who meet there hold one row each and want the other's."""
    tries = []

    @transaction.atomic
    def work() -> None:
        for number, pk in enumerate((first, second)):
            inbox = Inbox.objects.select_for_update().get(pk=pk)
            Inbox.objects.filter(pk=pk).update(name=inbox.name + "+")
            if number == 0 and not tries:
                tries.append(1)
                met.wait(20)

    return work


def names(*inboxes: Inbox) -> list[str]:
    return [Inbox.objects.get(pk=inbox.pk).name for inbox in inboxes]


@CROSSING
def test_work_that_met_a_deadlock_is_done_again_and_changes_everything_once():
    one, other = make.inbox(name="one"), make.inbox(name="other")
    met = threading.Barrier(2)
    works = [crossing(one.pk, other.pk, met), crossing(other.pk, one.pk, met)]

    ended = together(*(lambda work=work: collisions.again(work) for work in works))

    assert ended == [None, None]
    assert names(one, other) == ["one++", "other++"]


@CROSSING
def test_a_request_that_met_a_deadlock_is_done_again_with_its_body():
    one, other = make.inbox(name="one"), make.inbox(name="other")
    met = threading.Barrier(2)
    works = [crossing(one.pk, other.pk, met), crossing(other.pk, one.pk, met)]

    def ask(work: Callable[[], None]) -> Any:
        def view(request: HttpRequest) -> HttpResponse:
            work()
            return HttpResponse(request.read())  # can be read once only, unless somebody keeps it

        request = RequestFactory().post("/", b'{"a": 1}', content_type="application/json")
        return Again(view).process_view(request, view, (), {})

    answers = together(*(lambda work=work: ask(work) for work in works))

    assert names(one, other) == ["one++", "other++"]
    assert [answer.content for answer in answers] == [b'{"a": 1}'] * 2


@CROSSING
def test_what_is_in_the_database_already_is_not_done_twice():
    one, other, kept = make.inbox(name="one"), make.inbox(name="other"), make.inbox(name="kept")
    met = threading.Barrier(2)
    works = [crossing(one.pk, other.pk, met), crossing(other.pk, one.pk, met)]

    def twofold(work: Callable[[], None]) -> None:
        Inbox.objects.create(name="mark")
        work()

    ended = together(*(lambda work=work: collisions.again(lambda: twofold(work)) for work in works))

    assert sorted(type(one) for one in ended if one is not None) == [OperationalError]
    assert names(one, other) == ["one+", "other+"]
    assert Inbox.objects.filter(name="mark").count() == 2
    assert names(kept) == ["kept"]


@CROSSING
def test_work_that_finds_by_itself_what_is_left_is_done_again_all_the_same():
    one, other = make.inbox(name="one"), make.inbox(name="other")
    met = threading.Barrier(2)
    works = [crossing(one.pk, other.pk, met), crossing(other.pk, one.pk, met)]

    def sweep(work: Callable[[], None]) -> None:
        Inbox.objects.filter(name="none").update(name="nobody")
        work()

    ended = together(*(lambda work=work: collisions.again(lambda: sweep(work), repeatable=True) for work in works))

    assert ended == [None, None]
    assert names(one, other) == ["one++", "other++"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only there a level is asked for by a transaction")
def test_a_transaction_that_could_not_be_serialized_is_done_again():
    inbox = make.inbox(name="")
    met, tries = threading.Barrier(2), []

    @transaction.atomic
    def work() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        seen = Inbox.objects.get(pk=inbox.pk).name
        if len(tries) < 2:
            tries.append(1)
            met.wait(20)
        Inbox.objects.filter(pk=inbox.pk).update(name=seen + "+")

    ended = together(*[lambda: collisions.again(work)] * 2)

    assert ended == [None, None]
    assert names(inbox) == ["++"]


def test_inside_of_a_transaction_nothing_is_done_again():
    tries = []

    def deadlock() -> None:
        tries.append(1)
        raise OperationalError(1213, "deadlock") from psycopg.errors.DeadlockDetected()

    with pytest.raises(OperationalError), transaction.atomic():
        collisions.again(deadlock)

    assert tries == [1]


def test_any_other_trouble_is_told_at_once():
    tries = []

    def away() -> None:
        tries.append(1)
        raise OperationalError(2006, "gone") from psycopg.OperationalError()

    with pytest.raises(OperationalError):
        collisions.again(away)

    assert tries == [1]


def test_who_meets_others_again_and_again_is_told_in_the_end():
    tries = []

    def deadlock() -> None:
        tries.append(1)
        raise OperationalError(1213, "deadlock") from psycopg.errors.DeadlockDetected()

    if connection.vendor == "sqlite":
        pytest.skip("SQLite knows no such error")
    with pytest.raises(OperationalError):
        collisions.again(deadlock)

    assert len(tries) == collisions.TRIES
