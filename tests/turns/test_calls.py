"""What a scenario calls outside is called once, within its limits, and never reaches what is ours."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import make
import pytest
from django.db import connection
from target import Target, running

from besedka.dialogue import effects
from besedka.dialogue.events import CallFailed, CallReturned
from besedka.turns import calls, ledger
from besedka.turns.calls import Books, Event
from besedka.turns.models import Call


@pytest.fixture
def target(settings) -> Iterator[Target]:
    """A target that this installation may reach."""
    with running() as server:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.server_port}"]
        yield server


@pytest.fixture
def conversation_id(transactional_db) -> int:
    """A conversation in which a scenario calls."""
    return make.conversation().pk


def call(url: str, method: str = "GET", **fields: Any) -> effects.Call:
    return effects.Call(
        key=fields.get("key", "1"),
        method=method,
        url=url,
        headers=fields.get("headers", {}),
        json=fields.get("json"),
        form=fields.get("form"),
        timeout_s=fields.get("timeout_s", 5),
    )


def perform(
    of: effects.Call, conversation_id: int, *, walk: str = "w", secrets: dict[str, str] | None = None
) -> Event:
    """Make the call as a turn does."""

    async def opened(opening: ledger.Opening) -> ledger.Known:
        return (await asyncio.to_thread(_and_close, ledger.open_many, opening))[0]

    async def closed(closing: ledger.Closing) -> bool:
        return (await asyncio.to_thread(_and_close, ledger.close_many, closing))[0]

    return asyncio.run(
        calls.perform(
            of, walk=walk, conversation_id=conversation_id, secrets=secrets or {}, books=Books(opened, closed)
        )
    )


def _and_close(work: Any, item: Any) -> Any:
    try:
        return work([item])
    finally:
        connection.close()


def test_the_reply_comes_back_and_is_written_down(target, conversation_id):
    event = perform(call(f"{target.url}/orders?x=1", "POST", json={"a": "б"}), conversation_id)

    assert event == CallReturned("1", 200, {"id": 5})
    method, path, headers, body = target.asked[0]
    assert (method, path, json.loads(body)) == ("POST", "/orders?x=1", {"a": "б"})
    assert headers["content-type"] == "application/json"
    assert Call.objects.get().status == "done"


def test_a_form_is_sent_as_a_form(target, conversation_id):
    perform(call(target.url, "POST", form={"a": "1 & 2"}), conversation_id)

    assert target.asked[0][3] == b"a=1+%26+2"


def test_a_call_that_was_made_is_not_made_again(target, conversation_id):
    made = call(target.url, "POST", json={"n": 1})

    events = [perform(made, conversation_id) for _ in range(3)]

    assert events == [CallReturned("1", 200, {"id": 5})] * 3
    assert len(target.asked) == 1


def test_another_walk_makes_its_own_call(target, conversation_id):
    perform(call(target.url, "POST"), conversation_id, walk="one")
    perform(call(target.url, "POST"), conversation_id, walk="other")

    assert len(target.asked) == 2


@pytest.mark.parametrize(
    ("method", "headers", "sent_again"),
    [
        ("GET", {}, True),
        ("PUT", {}, True),
        ("DELETE", {}, True),
        ("POST", {}, False),
        ("PATCH", {}, False),
        ("POST", {"Idempotency-Key": "order-{order}"}, True),
    ],
)
def test_after_a_crash_only_what_may_be_done_twice_is_sent_again(
    target, conversation_id, method, headers, sent_again
):
    made = call(target.url, method, headers=headers)
    ledger.open_many([ledger.Opening(calls._key("w", made), conversation_id, method, "127.0.0.1")])  # and died

    event = perform(made, conversation_id)

    assert len(target.asked) == int(sent_again)
    if not sent_again:
        assert isinstance(event, CallFailed)
        assert event.unknown
        assert Call.objects.get().status == "unknown"
        assert perform(made, conversation_id) == event


def test_what_may_not_be_done_twice_carries_a_key_that_stays_the_same(target, conversation_id):
    made = call(target.url, "POST")
    perform(made, conversation_id)
    Call.objects.all().delete()
    perform(made, conversation_id)

    first, second = (asked[2]["idempotency-key"] for asked in target.asked)
    assert first == second


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/", "http://localhost/", "http://169.254.169.254/", "http://[::1]/", "http://10.0.0.1/", "file:///etc/passwd"],
)  # fmt: skip
def test_what_is_ours_is_not_reached(target, conversation_id, url):
    event = perform(call(url), conversation_id)

    assert isinstance(event, CallFailed)
    assert not event.unknown
    assert target.asked == []


def test_a_redirect_is_not_followed_and_takes_no_secret_along(target, conversation_id):
    target.reply = (302, {"Location": f"{target.url}/elsewhere"}, b"")

    event = perform(
        call(target.url, headers={"Authorization": "Bearer \ue000KEY\ue001"}),
        conversation_id,
        secrets={"KEY": "s3"},
    )

    assert isinstance(event, CallReturned)
    assert event.status == 302
    assert [asked[1] for asked in target.asked] == ["/"]
    assert target.asked[0][2]["authorization"] == "Bearer s3"


def test_secrets_are_not_written_down(target, conversation_id):
    perform(call(target.url, headers={"X-Key": "\ue000KEY\ue001"}), conversation_id, secrets={"KEY": "s3cr3t"})

    assert "s3cr3t" not in str(Call.objects.values().get())


def test_a_secret_that_is_not_there_fails_the_call_before_it_is_sent(target, conversation_id):
    event = perform(call(target.url, headers={"X-Key": "\ue000NONE\ue001"}), conversation_id)

    assert event == CallFailed("1", "there is no secret NONE")
    assert target.asked == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((200, {"Content-Type": "application/json"}, b"<html>"), "JSON"),
        ((200, {}, b"x" * 3_000_000), "AnswerTooLarge"),
        (
            (200, {"Content-Encoding": "gzip", "Content-Type": "text/plain"}, b"\x1f\x8b" + b"0" * 50),
            "AnswerTooLarge",
        ),
        ((200, {f"X-{at}": "a" * 900 for at in range(200)}, b"{}"), "RemoteProtocolError"),
    ],
)
def test_a_reply_that_is_too_much_or_not_what_it_says_fails_the_call(target, conversation_id, reply, reason):
    target.reply = reply

    event = perform(call(target.url), conversation_id)

    assert isinstance(event, CallFailed)
    assert reason in event.reason


def test_a_reply_that_drips_ends_with_the_time_that_the_author_gave(target, conversation_id):
    target.reply, target.slow_s = (200, {}, b"x" * 900_000), 0.4
    start = time.monotonic()

    event = perform(call(target.url, "POST", timeout_s=1), conversation_id)

    assert isinstance(event, CallFailed)
    assert event.unknown  # it may have done its work
    assert time.monotonic() - start < 3


def test_a_reply_with_what_no_database_takes_is_kept_without_it(target, conversation_id):
    target.reply = (200, {}, rb'{"a": "x\u0000y\ud800", "n": 1e999, "l": [NaN]}')

    event = perform(call(target.url), conversation_id)

    assert event == CallReturned("1", 200, {"a": "xy?", "n": None, "l": [None]})


def test_a_reply_that_is_no_json_is_kept_as_text(target, conversation_id):
    target.reply = (200, {"Content-Type": "text/plain"}, "привет".encode())

    assert perform(call(target.url), conversation_id) == CallReturned("1", 200, "привет")
