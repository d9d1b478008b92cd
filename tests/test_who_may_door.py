"""Who may what at the door: every route, method and WebSocket, as everybody. What has no line here fails."""

import json
from collections.abc import Mapping
from typing import Any

import make
import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from everyone import PEOPLE, people, seat
from inside import GONE, Inside, Socket, with_door
from starlette.routing import WebSocketRoute
from test_house import WHO_MAY, door_paths

from besedka.accounts import tickets
from besedka.conversations import ownership, rooms
from besedka.door import app, sockets

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN, OTHER = "the-visitor-of-this-conversation", "somebody-who-never-wrote"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OK = range(200, 300)
NO_BODY: dict[str, Any] = {}

# By route and method: the status for who has no chat token, one that nobody has used, and the visitor's.
WITH_TOKEN = (400, OK, OK)
EVERYBODY = (OK, OK, OK)
TAKEN_IN = (400, 400, 400)  # everybody is heard; what the test says is no sense
WITH_KEY = (404, 404, 404)  # whoever knows a file's key
SHUT = (404, 404, 404)  # unless it has a token; see `test_metrics.py`
WITH_TICKET = (401, 401, 401)  # see `DESK`
PASSED_ON = {("/message", "POST")}  # Django's to answer; its table says who may
TABLE = {
    "/api/v1/gpt": {"POST": WITH_TOKEN},
    "/gpt": {"POST": WITH_TOKEN},
    "/api/v1/message": {"GET": WITH_TOKEN},
    "/message": {"GET": WITH_TOKEN},
    "/api/v1/conversation": {"GET": WITH_TOKEN},
    "/api/v1/conversation/messages": {"GET": WITH_TOKEN, "POST": WITH_TOKEN},
    "/api/v1/conversation/stream": {"GET": WITH_TOKEN},
    "/api/v1/conversation/handoff": {"POST": WITH_TOKEN},
    "/api/v1/conversation/files": {"POST": WITH_TOKEN},
    "/files/{key}": {"GET": WITH_KEY},
    "/api/v1/widget": {"GET": EVERYBODY},
    "/api/v1/desk/files": {"POST": WITH_TICKET},
    "/api/bots/{bot_id}/chat": {"POST": TAKEN_IN},
    "/metrics": {"GET": SHUT},
}
BODIES = {
    "/api/v1/gpt": {"message": "hello"},
    "/gpt": {"message": "hello"},
    "/api/v1/conversation/messages": {"text": "hello"},
}
# By role: what comes of a ticket of theirs. A stranger shows none.
DESK_FILES = dict.fromkeys(PEOPLE, 201) | {"contact": 403, "author": 403, "author2": 403, "elsewhere": 404}
DESK_FILES |= {"stranger": 401}
SOCKETS: dict[str, dict[str, str | int]] = {
    "/ws/desk": {
        **dict.fromkeys(PEOPLE, "ready"),
        "stranger": 4401,
        "contact": 4403,
        "author": 4403,
        "author2": 4403,
    },
    # The room is the contact's.
    "/ws/chat/{room}": {
        **dict.fromkeys(PEOPLE, "message"),
        "stranger": 4401,
        "author": 4404,
        "author2": 4404,
        "elsewhere": 4404,
    },
    # No account opens a visitor's conversation, only its chat token.
    "/ws/visitor": {**dict.fromkeys((*PEOPLE, "stranger"), 4401), "visitor": "ready"},
}


def test_every_route_and_method_of_the_door_stands_in_a_table():
    there = {
        route.path.rstrip("/"): {*route.endpoint.handlers} - {"HEAD"}
        for route in app.routes()
        if not isinstance(route, WebSocketRoute)
    }

    assert there == {path: {*methods} for path, methods in TABLE.items()}
    assert door_paths() == {*TABLE, *SOCKETS} == {path for path in WHO_MAY if path.startswith("/")}


def fits(status: int, allowed: Any) -> bool:
    return status in allowed if isinstance(allowed, range) else status == allowed


def set_up() -> tuple[dict[str, Any], int, int]:
    """Everybody, a visitor's conversation that waits, and the contact's room."""
    everybody = people()
    inbox, elsewhere = make.inbox(is_default=True), make.inbox()
    seat(everybody, [inbox.pk, rooms.inbox_id()], elsewhere.pk)
    said = make.say(make.address(inbox, TOKEN), "the visitor's own words")
    ownership.ask_for_person_many([make.address(inbox, TOKEN)])
    room = rooms.open_room(everybody["contact"].pk, "contact")
    make.say(room, "hello")
    return everybody, said.conversation_id, room


def ticket_of(everybody: Mapping[str, Any], caller: str) -> str:
    return tickets.issue(everybody[caller].pk) if caller in everybody else "none"


def test_every_route_of_the_door_lets_in_who_may_and_nobody_else():
    set_up()
    wrong: list[str] = []

    async def try_all(inside: Inside) -> None:
        for path, methods in TABLE.items():
            where = path.replace("{key}", "0" * 32).replace("{bot_id}", "999999")
            for method in METHODS:
                if (path, method) in PASSED_ON:
                    continue
                what = json.dumps(BODIES.get(path, NO_BODY)).encode()
                events = ({"type": "http.request", "body": what, "more_body": False},)
                if path.endswith("/stream"):
                    events = (*events, 0.3, GONE)  # type: ignore[assignment]
                for who, (token, allowed) in enumerate(
                    zip((None, OTHER, TOKEN), methods.get(method, (405,) * 3), strict=True)
                ):
                    headers = {"content-type": "text/plain"} if path.endswith("/files") else {}
                    answer = await inside.ask(method, where, token, events=events, headers=headers)
                    if not fits(answer.status, allowed):
                        wrong.append(f"{method} {where} as {who}: {answer.status}, not {allowed}")

    with_door(try_all)

    assert wrong == []


@pytest.mark.parametrize("path", ["/api/v1/conversation/messages", "/api/v1/conversation"])
def test_a_token_shows_its_own_conversation_only(path):
    set_up()

    async def look(inside: Inside) -> list[Any]:
        return [(await inside.ask("GET", path, token)).body for token in (OTHER, TOKEN, TOKEN[:-1], TOKEN.upper())]

    other, own, *like_it = with_door(look)

    assert other == like_it[0] == like_it[1] != own
    assert "the visitor's own words" not in json.dumps([other, *like_it])


def test_files_of_the_desk_take_an_operator_of_the_inbox():
    everybody, conversation, _ = set_up()
    shown = {caller: ticket_of(everybody, caller) for caller in DESK_FILES}

    async def bring_all(inside: Inside) -> dict[str, int]:
        events = ({"type": "http.request", "body": b"a contract", "more_body": False},)
        where = f"/api/v1/desk/files?conversation={conversation}&name=contract.txt"
        return {
            caller: (
                await inside.ask(
                    "POST", where, None, events=events, headers={"ticket": ticket, "content-type": "text/plain"}
                )
            ).status
            for caller, ticket in shown.items()
        }

    assert with_door(bring_all) == DESK_FILES


@pytest.mark.parametrize("path", SOCKETS)
def test_every_socket_lets_in_who_may_and_nobody_else(path, monkeypatch):
    monkeypatch.setattr(sockets, "HELLO_S", 0.2)
    everybody, _, room = set_up()
    expected = SOCKETS[path]
    where = path.replace("{room}", str(room))
    shown = {caller: ticket_of(everybody, caller) for caller in expected}

    async def come_all(inside: Inside) -> dict[str, str | int]:
        met = {}
        for caller, ticket in shown.items():
            headers = {"chat-token": TOKEN} if caller == "visitor" else {}
            met[caller] = await Socket(inside, where, ticket, headers).settled()
        return met

    assert with_door(come_all) == expected


def test_a_room_that_is_not_there_is_refused_as_anothers_is():
    everybody, _, room = set_up()
    shown = [ticket_of(everybody, "author") for _ in range(3)]

    async def come(inside: Inside) -> list[Any]:
        frames = []
        for where, ticket in zip((room, room + 1, 999_999_999), shown, strict=True):
            socket = Socket(inside, f"/ws/chat/{where}/", ticket)
            code = await socket.settled()
            frames.append((code, [{**frame, "request_id": ""} for frame in socket.frames]))
        return frames

    anothers, *missing = with_door(come)

    assert anothers[0] == 4404
    assert missing == [anothers, anothers]


def test_a_ticket_ends_with_the_rights_it_was_given_with():
    """The account changed since: through the models the ticket is gone, past them its holder is looked at anew."""
    everybody, _, _ = set_up()
    anna = everybody["operator"]
    ticket = tickets.issue(anna.pk)

    async def come(inside: Inside) -> str | int:
        def change() -> None:
            try:
                anna.is_author = False
                anna.save()
            finally:
                connection.close()

        await sync_to_async(change, thread_sensitive=False)()
        return await Socket(inside, "/ws/desk", ticket).settled()

    assert with_door(come) == 4401
