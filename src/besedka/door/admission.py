"""Who is let in: token, inbox and origin of a request; and how its answer leaves, refusals included."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from besedka.conversations import contacts
from besedka.conversations.contacts import Address
from besedka.conversations.inboxes import Reception
from besedka.door import limits
from besedka.door.house import Door
from besedka.door.limits import TooLong
from besedka.figures import counted
from besedka.problems import BodyTooLarge, Invalid, MethodNotAllowed, Problem, request_id

T = TypeVar("T")
Handler = Callable[["Caller"], Awaitable[Response]]

MAX_SEQ = 2**31 - 1  # that the databases can hold; whoever asks beyond has everything
HUNG_UP = 499  # the status of an answer that nobody waits for, in figures
FILE_KEY = re.compile(r"[0-9a-f]{32}")
_ALLOWED_HEADERS = "chat-token, content-type, idempotency-key, last-event-id"
_EXPOSED_HEADERS = "retry-after, ratelimit, ratelimit-policy, x-request-id"
_VISIBLE_ASCII = frozenset(range(0x21, 0x7F))


class TokenInvalid(Problem):
    """A chat token is 8 to 100 visible ASCII characters in the header `chat-token`."""

    code = "token_invalid"


class OriginNotAllowed(Problem):
    """Pages of this site may not talk to this inbox."""

    code = "origin_not_allowed"
    status = 403


class InboxUnknown(Problem):
    """There is no inbox with this key."""

    code = "inbox_unknown"
    status = 404


class UnsupportedMediaType(Problem):
    """This address takes JSON in UTF-8 with `Content-Type: application/json`."""

    code = "unsupported_media_type"
    status = 415


class Gone(Exception):
    """The caller has hung up: there is nobody to answer."""


class Caller:
    """One request to the visitors' side: the inbox it is for, the address it comes from."""

    __slots__ = ("door", "headers", "reception", "request", "too_slow")

    def __init__(self, request: HTTPConnection, door: Door) -> None:
        self.request = request
        self.door = door
        self.headers: dict[bytes, bytes] = dict(request.scope["headers"])
        self.reception: Reception | None = None
        self.too_slow = False

    def header(self, name: bytes) -> str | None:
        """A header's value; None when it is not there."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def enter(self) -> Reception:
        """The inbox it is for. Raises `InboxUnknown`, `OriginNotAllowed`."""
        query = self.request.scope["query_string"]
        reception = self.door.directory.find(self.request.query_params.get("inbox") if query else None)
        if reception is None:
            raise InboxUnknown()
        origin = self.header(b"origin")
        if origin is not None and not reception.admits(origin) and not is_own(self.request, origin):
            raise OriginNotAllowed(origin=origin)
        self.reception = reception
        return reception

    def address(self) -> Address:
        """Who it is, and in which inbox. Raises `TokenInvalid`, `InboxUnknown`, `OriginNotAllowed`."""
        reception = self.reception or self.enter()
        return contacts.address(reception.id, valid_token(self.headers.get(b"chat-token")))

    @property
    def network(self) -> str:
        """Whose requests count together."""
        client = self.request.scope["client"]
        forwarded = self.header(b"x-forwarded-for") or ""
        return limits.network_of(client[0] if client else "", forwarded, self.door.trusted_proxies)

    @property
    def site(self) -> str:
        """Our own address as the caller knows it, as https://chat.example."""
        forwarded = (self.header(b"x-forwarded-proto") or "") if self.door.trusted_proxies else ""
        scheme = "https" if forwarded == "https" else str(self.request.scope["scheme"]).replace("ws", "http")
        return f"{scheme}://{self.header(b'host') or ''}"

    def count_write(self, address: Address) -> None:
        """Count one act of this contact. Raises `RateLimited`."""
        rates = self.door.rates
        if rates.on:
            rates.messages.take(address.known_as)
            rates.address_messages.take(self.network)
            if self.door.conversation_of(address) is None:
                rates.strangers.take(self.network)

    def count_upload(self) -> None:
        """Count one file. Raises `RateLimited`."""
        if self.door.rates.on:
            self.door.rates.uploads.take(self.network)

    def count_read(self) -> None:
        """Count one read. Raises `RateLimited`."""
        if self.door.rates.on:
            self.door.rates.reads.take(self.network)

    def count_guess(self) -> None:
        """Count one read under a token that nobody has. Raises `RateLimited`."""
        if self.door.rates.on:
            self.door.rates.guesses.take(self.network)

    def count_connection(self) -> None:
        """Count one connection that stays open. Raises `RateLimited`."""
        if self.door.rates.on:
            self.door.rates.connections.take(self.network)

    def number(self, name: str, *, upto: int) -> int | None:
        """A query parameter that is a whole number from 0 on; larger ones count as `upto`. Raises `Invalid`."""
        text = self.request.query_params.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit()):
            raise Invalid(f"`{name}` is a whole number from 0 on.", field=name)
        return min(int(text[:12]), upto) if len(text) <= 12 else upto

    async def hung_up(self) -> None:
        """Return when the caller has hung up."""
        while (await self.request.receive())["type"] != "http.disconnect":  # type: ignore[attr-defined]
            pass

    async def json(self, kind: type[T]) -> T:
        """The body as a value of `kind`. Raises `UnsupportedMediaType`, `BodyTooLarge`, `Invalid`."""
        media = (self.header(b"content-type") or "").lower().replace(" ", "").replace('"', "")
        if (
            media not in ("application/json", "application/json;charset=utf-8")
            or b"content-encoding" in self.headers
        ):
            raise UnsupportedMediaType()
        return decode(await self._body(), kind)

    async def _body(self) -> bytes:
        length = self.headers.get(b"content-length")
        if length is not None and (not length.isdigit() or int(length[:12]) > limits.BODY_SIZE):
            raise BodyTooLarge(limit_bytes=limits.BODY_SIZE)
        try:
            return await self._whole_body()
        except asyncio.CancelledError:
            if self.too_slow:
                raise Invalid(f"The body did not arrive within {limits.BODY_S} seconds.") from None
            raise

    async def _whole_body(self) -> bytes:
        self.door.reading[self] = (time.monotonic(), asyncio.current_task())
        try:
            body, more = b"", True
            while more:
                event = await self.request.receive()  # type: ignore[attr-defined]
                if event["type"] == "http.disconnect":
                    raise Invalid("The body ended too early.")
                body += event.get("body", b"")
                more = event.get("more_body", False)
                if len(body) > limits.BODY_SIZE:
                    raise BodyTooLarge(limit_bytes=limits.BODY_SIZE)
            return body
        finally:
            del self.door.reading[self]


async def cut_slow_bodies(door: Door) -> None:
    """End every request whose body has been on its way for too long, and was so a look ago.

    One look at all of them now and then: a timer for each would cost a twelfth of the whole request. Two, since
    after a time in which we stood still ourselves what has arrived by then is read after the first.
    """
    latest = time.monotonic() - limits.BODY_S
    late = {caller for caller, (since, _) in door.reading.items() if since < latest}
    for caller in late & door.late:
        _, task = door.reading[caller]
        if task is not None:
            caller.too_slow = True
            task.cancel()
    door.late = late


def decode(body: bytes | str, kind: type[T]) -> T:
    """JSON as a value of `kind`. Of a name that stands twice the last counts; unknown names are passed over.

    Raises `Invalid` with the field at fault.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        field = path.strip(".`") or _missing_field(reason)
        raise Invalid(f"`{field}`: {reason}." if field else f"{reason}.", field=field or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("The body is not JSON in UTF-8.") from None


def _missing_field(reason: str) -> str:
    return reason.split("`")[1] if reason.startswith("Object missing required field") else ""


def valid_text(text: str, field: str) -> str:
    """The text of a message, as it is. Raises `Invalid` or `TooLong`, naming the field."""
    if not text or text.isspace():
        raise Invalid(f"`{field}` is empty.", field=field)
    if len(text) > limits.TEXT_LENGTH:
        raise TooLong(f"`{field}` is longer than {limits.TEXT_LENGTH} characters.", field=field)
    if "\0" in text:
        raise Invalid(f"`{field}` contains a NUL character.", field=field)
    return text


def valid_message(text: str, file: str | None, field: str) -> str:
    """The text of a message; one that carries a file need have none. Raises as `valid_text`, also for the key."""
    if file is None:
        return valid_text(text, field)
    if not FILE_KEY.fullmatch(file):
        raise Invalid("`file` is a key that an upload was answered with.", field="file")
    return "" if not text or text.isspace() else valid_text(text, field)


def valid_client_id(client_id: str | None, field: str) -> str | None:
    """A sender's id of a message, or None. Raises `Invalid`, naming the field."""
    if client_id is None:
        return None
    visible = client_id.isascii() and client_id.isprintable() and " " not in client_id
    if not (visible and 1 <= len(client_id) <= limits.CLIENT_ID_LENGTH):
        raise Invalid(f"`{field}` is 1 to {limits.CLIENT_ID_LENGTH} visible ASCII characters.", field=field)
    return client_id


def valid_token(token: bytes | None) -> str:
    """A chat token. Raises `TokenInvalid`."""
    if token is None or not 8 <= len(token) <= 100 or not _VISIBLE_ASCII.issuperset(token):
        raise TokenInvalid()
    return token.decode("ascii")


class ForVisitors:
    """An address of the visitors' side: one handler a method, CORS, problems instead of exceptions."""

    def __init__(self, **handlers: Handler) -> None:
        self.route = counted.OTHER  # the path that it is called by in figures
        self.handlers = {method.upper(): handler for method, handler in handlers.items()}
        if "GET" in self.handlers:
            self.handlers["HEAD"] = self.handlers["GET"]
        self.methods = ", ".join((*self.handlers, "OPTIONS"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and count it."""
        began, status = time.perf_counter(), 500
        try:
            status = await self._answer(scope, receive, send)
        finally:
            method = scope["method"] if scope["method"] in self.handlers else counted.OTHER
            counted.answered(self.route, method, status, time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer it; with which status."""
        caller = Caller(Request(scope, receive, send), scope["app"].state.door)
        handler = self.handlers.get(scope["method"])
        try:
            if handler is not None:
                response = await handler(caller)
                response.raw_headers.append((b"x-request-id", request_id().encode()))
            elif scope["method"] == "OPTIONS":
                response = Response(status_code=204, headers={"Allow": self.methods})
            else:
                raise MethodNotAllowed(allowed=[*self.handlers, "OPTIONS"])
        except Problem as problem:
            response = render(problem)
        except Gone:
            return HUNG_UP
        if b"origin" in caller.headers:
            _share(caller, response, self.methods)
        await response(scope, receive, send)
        return response.status_code


def render(problem: Problem) -> Response:
    """A refusal as RFC 9457 has it, with an id that the caller can quote."""
    return Response(
        msgspec.json.encode(problem.as_json(request_id())),
        status_code=problem.status,
        media_type="application/problem+json",
        headers={**problem.headers(), "X-Request-ID": request_id()},
    )


def json_response(content: Any, status: int = 200) -> Response:
    """JSON that no cache keeps."""
    return Response(
        msgspec.json.encode(content),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def has_account(scope: Scope) -> bool:
    """Whether a request shows an account, right or wrong, and no chat token."""
    headers = dict(scope["headers"])
    if b"chat-token" in headers:
        return False
    return b"authorization" in headers or f"{settings.SESSION_COOKIE_NAME}=".encode() in headers.get(
        b"cookie", b""
    )


def _share(caller: Caller, response: Response, methods: str) -> None:
    """Tell a browser which page may read this (Fetch standard, §3.2); there are no credentials."""
    origin = caller.header(b"origin") or ""
    known = caller.reception
    if known is None and caller.request.scope["query_string"]:
        known = caller.door.directory.find(caller.request.query_params.get("inbox"))
    origins = known.allowed_origins if known else caller.door.directory.origins
    response.headers["Vary"] = "Origin"
    if "*" in origins or origin in origins:
        response.headers["Access-Control-Allow-Origin"] = "*" if "*" in origins else origin
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
        if caller.request.scope.get("method") == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = methods
            response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
            response.headers["Access-Control-Max-Age"] = "600"


def is_own(request: HTTPConnection, origin: str) -> bool:
    """Whether the page comes from this very service."""
    _, _, host = origin.partition("://")
    return host == request.headers.get("host")
