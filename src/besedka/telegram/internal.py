"""The HTTP interface of the process that talks to Telegram: the others wake it. No content comes this way.

Whoever calls shows the installation's secret before anything else is looked at; without a secret in the settings
nothing listens. What is to be sent stands in the outbox: a call that is lost costs a second, and no message.
"""

import asyncio
import contextlib
import hmac
import logging
import secrets
import socket
from collections.abc import Iterator

import msgspec
import uvicorn
from django.conf import settings
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from besedka.conversations import signals
from besedka.conversations.batcher import Batcher
from besedka.problems import BodyTooLarge, Invalid, MethodNotAllowed, NotFound, Problem
from besedka.telegram import checks, health, sender, updates

logger = logging.getLogger(__name__)

WAKE, HEALTH = "/wake", "/health"
METHODS = {WAKE: ("POST",), HEALTH: ("GET", "HEAD")}
MAX_BODY = 1_024  # bytes: nothing in it is read
BODY_S = 5
AT_ONCE = 50  # connections
AGAIN_S = 10  # until we try again to listen where another process does


class BotSecretInvalid(Problem):
    """Only the other parts of this installation may call here."""

    code = "bot_secret_invalid"
    status = 401


class Interface:
    """Two addresses: `POST /wake` lets what waits be sent now, `GET /health` says how it goes."""

    def __init__(self, reader: Batcher) -> None:
        """The reader, to look up how it goes."""
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            response = await self._answer(Request(scope, receive))
        except Problem as problem:
            body = msgspec.json.encode(problem.as_json(secrets.token_hex(8)))
            response = Response(body, problem.status, problem.headers(), "application/problem+json")
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        shown = request.headers.get("authorization", "")
        if not hmac.compare_digest(shown.encode(), f"Bearer {settings.BOT_SECRET}".encode()):
            raise BotSecretInvalid
        path = request.url.path.rstrip("/")
        allowed = METHODS.get(path)
        if allowed is None:
            raise NotFound
        if request.method not in allowed:
            raise MethodNotAllowed(allowed=allowed)
        await _read(request)
        if path == WAKE:
            signals.deliver({"deliver": sender.CHANNELS, updates.KIND: [updates.TOPIC]})
            return Response(status_code=204)
        state = await self._reader.submit(health.state_many, None)
        return Response(msgspec.json.encode({"status": "ok", "telegram": state}), media_type="application/json")


async def serve(reader: Batcher) -> None:
    """Answer at `BOT_HOST:BOT_PORT`, for ever, until cancelled; where another process does, wait for it to end.

    A secret that can be guessed is none: then nothing listens.
    """
    if len(settings.BOT_SECRET) < checks.SHORTEST:
        logger.error("BOT_SECRET is shorter than %d characters: nobody can call us", checks.SHORTEST)
        return
    told = False
    while True:
        try:
            listening = socket.create_server((settings.BOT_HOST, settings.BOT_PORT), family=_family())
        except OSError as error:
            if not told:
                logger.warning("nobody can call us at %s:%d: %s", settings.BOT_HOST, settings.BOT_PORT, error)
            told = True
            await asyncio.sleep(AGAIN_S)
        else:
            with contextlib.closing(listening):
                await _serve(reader, listening)


class _Server(uvicorn.Server):
    """uvicorn's own, which leaves the signals of the process to those who have them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None."""
        yield


async def _serve(reader: Batcher, listening: socket.socket) -> None:
    config = uvicorn.Config(
        Interface(reader),
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        ws="none",
        limit_concurrency=AT_ONCE,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


async def _read(request: Request) -> None:
    """Take the body in and forget it. Raises `BodyTooLarge`, also where its length was said to be another."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:12]) > MAX_BODY:
        raise BodyTooLarge(limit_bytes=MAX_BODY)
    came = 0
    try:
        async with asyncio.timeout(BODY_S):
            async for piece in request.stream():
                came += len(piece)
                if came > MAX_BODY:
                    raise BodyTooLarge(limit_bytes=MAX_BODY)
    except TimeoutError:
        raise Invalid(f"The body did not arrive within {BODY_S} seconds.") from None


def _family() -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in settings.BOT_HOST else socket.AF_INET
