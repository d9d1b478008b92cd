"""Performs what a scenario calls outside: once, within its time, to addresses that are anybody's to reach.

Of a call that was under way when its worker died nobody knows whether it did its work. What may be done twice is
sent again; anything else is told as unknown, and the scenario has a branch for it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

import msgspec

from besedka import outbound
from besedka.dialogue import effects, templates
from besedka.dialogue.events import CallFailed, CallReturned
from besedka.turns.ledger import Closing, Known, Opening
from besedka.turns.models import Call

_REPEATABLE = {"GET", "HEAD", "PUT", "DELETE"}  # RFC 9110, section 9.2.2
_IDEMPOTENCY = "idempotency-key"  # an author who sets it says that the target takes the same one only once

Open = Callable[[Opening], Awaitable[Known]]
Close = Callable[[Closing], Awaitable[bool]]
Event = CallReturned | CallFailed


class Books(msgspec.Struct, frozen=True):
    """Where calls are written down: `ledger.open_many` and `close_many` behind a batcher."""

    open: Open
    close: Close


async def _never_sent(opening: Opening) -> Known:
    return Known(Call.Status.SENT, 1)


async def _forgotten(closing: Closing) -> bool:
    return True


FORGETFUL = Books(_never_sent, _forgotten)  # where nobody takes a turn up again


async def perform(
    call: effects.Call, *, walk: str, conversation_id: int, secrets: Mapping[str, str], books: Books
) -> Event:
    """Make the call, if it was not made before; what came of it. Raises what the books raise.

    `walk` names this walk and this turn of it, the same again when the turn begins anew.
    """
    key = _key(walk, call)
    parts = urlsplit(call.url)
    known = await books.open(Opening(key, conversation_id, call.method, parts.hostname or ""))
    if known.status == Call.Status.DONE:
        return CallReturned(call.key, known.code or 0, known.body)
    if known.status != Call.Status.SENT:
        return CallFailed(call.key, known.reason, unknown=known.status == Call.Status.UNKNOWN)
    if known.attempts > 1 and not _may_be_repeated(call):
        event: Event = CallFailed(call.key, "its worker died while it was under way", unknown=True)
    else:
        event = await _send(call, key, secrets)
    await books.close(_closing(key, event))
    return event


async def _send(call: effects.Call, key: str, secrets: Mapping[str, str]) -> Event:
    try:
        outbound.check_url(call.url)
        headers = _headers(call, key, secrets)
        body = templates.with_secrets(call.json, secrets)
        form = {name: str(templates.with_secrets(one, secrets)) for name, one in (call.form or {}).items()}
    except (outbound.AddressRefused, templates.Unfit) as refused:
        return CallFailed(call.key, str(refused))
    content = json.dumps(body, ensure_ascii=False).encode() if body is not None else None
    if content is not None:
        headers.setdefault("content-type", "application/json")
    try:
        async with asyncio.timeout(call.timeout_s):
            response = await outbound.client().request(
                call.method,
                call.url,
                headers=headers,
                content=content,
                data=form or None,
                timeout=outbound.TIMEOUT,
            )
    except outbound.AddressRefused as refused:
        return CallFailed(call.key, str(refused))
    except outbound.NOT_SENT as failed:
        return CallFailed(call.key, f"no connection: {type(failed).__name__}")
    except TimeoutError:
        return CallFailed(call.key, f"no reply in {call.timeout_s:g} s", unknown=not _may_be_repeated(call))
    except outbound.FAILURES as failed:
        return CallFailed(call.key, type(failed).__name__, unknown=not _may_be_repeated(call))
    return _read(call, response)


def _read(call: effects.Call, response: outbound.Response) -> Event:
    """The reply, its body read as JSON where it says that it is JSON, or looks like it."""
    says_json = "json" in response.headers.get("content-type", "")
    text = response.text
    try:
        body: Any = _storable(json.loads(text)) if text.strip() else None
    except (ValueError, RecursionError):
        if says_json and 200 <= response.status_code < 300:
            return CallFailed(call.key, "the reply says that it is JSON, and is not")
        body = _storable(text)
    return CallReturned(call.key, response.status_code, body)


def _storable(value: Any) -> Any:
    """The same without what no database takes: zero bytes, halves of characters, numbers without end."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_storable(one) for one in value]
    return value


def _headers(call: effects.Call, key: str, secrets: Mapping[str, str]) -> dict[str, str]:
    headers = {}
    for name, value in call.headers.items():
        filled = templates.with_secrets(value, secrets)
        headers[name.lower()] = str(filled)
        if any(character < " " or character == "\x7f" for character in headers[name.lower()]):
            raise templates.Unfit(f"the value of {name} would have a control character")
    if call.method not in _REPEATABLE:
        headers.setdefault(_IDEMPOTENCY, key[:32])
    return {name: value.encode("utf-8").decode("latin-1") for name, value in headers.items()}


def _may_be_repeated(call: effects.Call) -> bool:
    return call.method in _REPEATABLE or any(name.lower() == _IDEMPOTENCY for name in call.headers)


def _key(walk: str, call: effects.Call) -> str:
    sent = [walk, call.key, call.method, call.url, dict(call.headers), call.json, call.form and dict(call.form)]
    return sha256(json.dumps(sent, sort_keys=True, default=str).encode()).hexdigest()


def _closing(key: str, event: Event) -> Closing:
    if isinstance(event, CallReturned):
        return Closing(key, Call.Status.DONE, event.status, event.body)
    status = Call.Status.UNKNOWN if event.unknown else Call.Status.FAILED
    return Closing(key, status, reason=event.reason)
