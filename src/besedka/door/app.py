"""The front door: a list of routes, and Django behind it for all the rest."""

import functools
import logging
import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketClose

from besedka.conversations import wire
from besedka.door import admission
from besedka.door.admission import ForVisitors, render
from besedka.door.desk_acts import post_file as post_file_of_operator
from besedka.door.desk_socket import desk_socket
from besedka.door.files import get_file, post_file
from besedka.door.house import Door
from besedka.door.legacy_bots import post_chat
from besedka.door.legacy_chat import get_message, post_gpt
from besedka.door.legacy_rooms import room_socket
from besedka.door.metrics import get_metrics
from besedka.door.sockets import visitor_socket
from besedka.door.streams import get_stream
from besedka.door.visitors import get_conversation, get_messages, get_widget, post_handoff, post_message
from besedka.figures import counted
from besedka.problems import NotFound, Problem, begin_request

logger = logging.getLogger("besedka.access")

API = "/api/v1"
LEGACY_PREFIXES = (API, "")  # the site chat's clients use both


class Broken(Problem):
    """Something went wrong here; it is in our log."""

    code = "internal_error"
    status = 500


class OfVisitors(Route):
    """An address that people with an account have, too: who writes there, or shows one, is Django's to serve."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route, where it is a visitor who asks."""
        match, child = super().matches(scope)
        if match is not Match.NONE and (scope["method"] == "POST" or admission.has_account(scope)):
            return Match.NONE, {}
        return match, child


def routes() -> list[BaseRoute]:
    """Every route of the door, each with and without its trailing slash. The busiest come first."""
    endpoints = [
        *((f"{prefix}/gpt", ForVisitors(post=post_gpt)) for prefix in LEGACY_PREFIXES),
        *((f"{prefix}/message", ForVisitors(get=get_message)) for prefix in LEGACY_PREFIXES),
        (f"{API}/conversation/messages", ForVisitors(get=get_messages, post=post_message)),
        (f"{API}/conversation/files", ForVisitors(post=post_file)),
        (f"{wire.FILES}{{key}}", ForVisitors(get=get_file)),
        (f"{API}/conversation/stream", ForVisitors(get=get_stream)),
        (f"{API}/conversation/handoff", ForVisitors(post=post_handoff)),
        (f"{API}/conversation", ForVisitors(get=get_conversation)),
        (f"{API}/widget", ForVisitors(get=get_widget)),
        (f"{API}/desk/files", ForVisitors(post=post_file_of_operator)),
        ("/api/bots/{bot_id}/chat", ForVisitors(post=post_chat)),
        ("/metrics", ForVisitors(get=get_metrics)),
    ]
    http = [_route(path + slash, endpoint) for path, endpoint in endpoints for slash in ("", "/")]
    sockets = [
        ("/ws/visitor", _counted("visitor", visitor_socket)),
        ("/ws/desk", _counted("desk", desk_socket)),
        ("/ws/chat/{room}", _counted("room", room_socket)),
    ]
    return [*http, *(WebSocketRoute(path + slash, endpoint) for path, endpoint in sockets for slash in ("", "/"))]


def _counted(kind: str, serve: Callable[[WebSocket], Awaitable[None]]) -> Callable[[WebSocket], Awaitable[None]]:
    """The same endpoint; its connections are counted while they last."""
    held = counted.CONNECTIONS.labels(kind)

    @functools.wraps(serve)
    async def endpoint(ws: WebSocket) -> None:
        with held.track_inprogress():
            await serve(ws)

    return endpoint


def _route(path: str, endpoint: ForVisitors) -> Route:
    endpoint.route = path.rstrip("/")
    return (OfVisitors if path.rstrip("/") == "/message" else Route)(path, endpoint)


def make_door(door: Door, *, behind: ASGIApp, lifespan: Lifespan[Starlette], access_log: bool = False) -> ASGIApp:
    """The whole site as one ASGI app: our routes, and `behind` for every other path."""
    app = Starlette(
        routes=[*routes(), Mount("/", behind)],
        lifespan=lifespan,
        exception_handlers={Exception: _broken},
    )
    app.router.redirect_slashes = False
    app.router.default = _nowhere
    app.state.door = door
    return Numbered(AccessLog(app) if access_log else app)


class Numbered:
    """Every request, and every connection of a WebSocket, has an id of ours from its first moment on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve. The server runs each request as a task, with a context of its own: the id ends with it."""
        begin_request()
        await self.app(scope, receive, send)


class AccessLog:
    """One line a request: method, path, status, milliseconds. No query, no header: secrets travel there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, then write the line."""
        began = time.perf_counter()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.close"):
                status = message.get("status") or message.get("code", 0)
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            if scope["type"] != "lifespan":
                took_ms = (time.perf_counter() - began) * 1000
                path = (
                    f"{wire.FILES}…" if scope["path"].startswith(wire.FILES) else scope["path"]
                )  # a key opens it
                logger.info("%s %s %d %.1f ms", scope.get("method", "WS"), path, status, took_ms)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """No path of ours or of Django's, as one with a line break in it."""
    if scope["type"] == "websocket":
        await WebSocketClose(code=4404)(scope, receive, send)
    else:
        await render(NotFound())(scope, receive, send)


async def _broken(request: Request, error: Exception) -> Response:
    return render(Broken())
