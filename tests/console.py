"""An operator's console without a browser: the desk's WebSocket, spoken by hand."""

import contextlib
import itertools
import json
import time
from typing import Any

from authors import Author
from running import Server
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

MAKE = """
from besedka.accounts.models import User
from besedka.desk.models import Operator
user = User.objects.create_user({name!r}, password={password!r}, first_name={first!r})
Operator.objects.create(user=user, is_enabled=True, is_supervisor={supervisor!r})
print(user.pk)
"""
PASSWORD = "a long password"
_numbers = itertools.count(1)


def operator(site: Server, name: str, *, supervisor: bool = False) -> "Colleague":
    """An enabled operator of this site."""
    code = MAKE.format(name=name, password=PASSWORD, first=name.title(), supervisor=supervisor)
    return Colleague(site, name, int(site.shell(code)))


class Colleague:
    """A person who may sit at the desk."""

    def __init__(self, site: Server, name: str, user_id: int) -> None:
        self.site, self.name, self.user_id = site, name, user_id
        self.author = Author(site, name, PASSWORD)

    def ticket(self) -> str:
        """A new ticket."""
        uuid: str = self.author.get("/api/ws_token/")["uuid"]
        return uuid

    def sit_down(self, ticket: str | None = None, **options: Any) -> "Desk":
        """A console that is connected and greeted."""
        return Desk(self.connect(ticket, **options))

    def connect(self, ticket: str | None = None, **options: Any) -> ClientConnection:
        """A bare connection."""
        address = self.site.url.replace("http", "ws")
        return connect(f"{address}/ws/desk?uuid={ticket or self.ticket()}", open_timeout=10, **options)


class Desk:
    """One connection; frames that nobody asked for are kept until somebody does."""

    def __init__(self, connecting: ClientConnection) -> None:
        self.connecting = connecting
        self.socket = connecting.__enter__()
        self.kept: list[dict[str, Any]] = []
        self.ready = self.hears("ready")

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *_: object) -> None:
        self.connecting.__exit__(None, None, None)

    def hears(self, kind: str, timeout_s: float = 10, **like: Any) -> dict[str, Any]:
        """The next frame of this kind with these values."""
        until = time.monotonic() + timeout_s
        for frame in self.kept:
            if frame["type"] == kind and like.items() <= frame.items():
                self.kept.remove(frame)
                return frame
        while True:
            frame = json.loads(self.socket.recv(timeout=max(0.01, until - time.monotonic())))
            if frame["type"] == kind and like.items() <= frame.items():
                return frame
            self.kept.append(frame)

    def asks(self, kind: str, **fields: Any) -> dict[str, Any]:
        """What a command is answered with: its `done` or its `error`."""
        command_id = fields.pop("id", f"command-{next(_numbers)}")
        self.socket.send(json.dumps({"type": kind, "id": command_id, **fields}))
        while True:
            for frame in self.kept:
                if frame["type"] in ("done", "error") and frame.get("id") == command_id:
                    self.kept.remove(frame)
                    return frame
            self.kept.append(json.loads(self.socket.recv(timeout=10)))

    def tells(self, **frame: Any) -> None:
        """A frame without an answer."""
        self.socket.send(json.dumps(frame))

    def is_shown_out(self, timeout_s: float = 10) -> int:
        """The code with which the server hangs up."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until and self.socket.close_code is None:
            with contextlib.suppress(ConnectionClosed, TimeoutError):
                self.socket.recv(timeout=1)
        return self.socket.close_code or 0
