"""Requests to Django come with their bodies, or not at all."""

import asyncio
import json
from typing import Any

import pytest

from besedka.door import arriving, limits
from besedka.door.arriving import Arriving


def piece(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def ask(*events: dict[str, Any], length: bytes | None = b"10") -> tuple[list[bytes], list[dict[str, Any]]]:
    """What the app behind was given, and what the caller was sent; after the last event nothing comes."""
    given: list[bytes] = []
    sent: list[dict[str, Any]] = []
    waiting = list(events)

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        more, whole = True, b""
        while more:
            event = await receive()
            whole, more = whole + event["body"], event["more_body"]
        given.append(whole)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    headers = [] if length is None else [(b"content-length", length)]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(Arriving(behind)(scope, receive, send))
    return given, sent


def code(sent: list[dict[str, Any]]) -> tuple[int, str]:
    return sent[0]["status"], json.loads(sent[1]["body"])["code"]


@pytest.mark.parametrize("size", [0, 1, arriving.PIECE, arriving.PIECE * 2, arriving.IN_MEMORY + 1])
def test_a_body_arrives_as_it_was_sent(size):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    given, sent = ask(piece(body[: size // 2], more=True), piece(body[size // 2 :]))

    assert given == [body]
    assert sent == []


def test_a_request_without_a_body_is_handed_on_at_once():
    assert ask(piece(b""), length=None) == ([b""], [])


def test_a_body_that_never_ends_is_refused_before_anybody_waits_for_it(monkeypatch):
    monkeypatch.setattr(limits, "BODY_S", 0.1)

    given, sent = ask(piece(b"{", more=True))

    assert given == []
    assert code(sent) == (400, "invalid")


def test_a_body_larger_than_any_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "LARGEST", 10)

    given, sent = ask(piece(b"12345678", more=True), piece(b"9012"))

    assert given == []
    assert code(sent) == (413, "body_too_large")


def test_who_hangs_up_before_the_end_is_not_answered():
    assert ask(piece(b"{", more=True), {"type": "http.disconnect"}) == ([], [])
