"""What a client that names no cursor is handed, once: nothing twice, and nothing to nobody."""

import asyncio
from typing import Any

import inside
import make
import pytest
from django.db import OperationalError
from inside import Inside

from besedka.conversations import cursors, log
from besedka.conversations.log import Append
from besedka.conversations.models import Cursor
from besedka.door import readers

pytestmark = pytest.mark.django_db(transaction=True)

POLL = "/api/v1/message"


@pytest.fixture
def token() -> str:
    """A visitor to whom a bot has said three things."""
    token = make.token()
    address = make.address(make.inbox(is_default=True), token)
    said = make.say(address, "hello")
    for text in ("one", "two", "three"):
        make.say(said.conversation_id, text, author="bot")
    return token


async def poll(door: Inside, token: str, *, method: str = "GET", **options: object) -> list[str]:
    answer = await door.ask(method, POLL, token, **options)
    return [message["message"] for message in answer.body["messages"]] if answer.status else []


def test_each_message_is_handed_out_once(token):
    async def act(door: Inside) -> list[list[str]]:
        return [await poll(door, token), await poll(door, token)]

    assert inside.with_door(act) == [["one", "two", "three"], []]


def test_what_a_client_missed_that_had_hung_up_is_handed_to_the_next(token):
    async def act(door: Inside) -> list[list[str]]:
        return [await poll(door, token, events=(inside.GONE,)), await poll(door, token)]

    assert inside.with_door(act) == [[], ["one", "two", "three"]]


def test_what_a_held_client_missed_that_hung_up_is_handed_to_the_next():
    token = make.token()
    address = make.address(make.inbox(is_default=True), token)
    conversation_id = make.say(address, "hello").conversation_id

    async def act(door: Inside) -> list[object]:
        async with asyncio.timeout(5):
            answer = await door.ask("GET", f"{POLL}?wait=20", token, events=(inside.GONE,))
        await door.door.writer.submit(log.append_many, Append("bot", "late", conversation_id=conversation_id))
        return [answer.status, await poll(door, token)]

    assert inside.with_door(act) == [0, ["late"]]


def test_a_head_takes_nothing_along(token):
    async def act(door: Inside) -> list[object]:
        return [(await door.ask("HEAD", POLL, token)).status, await poll(door, token)]

    assert inside.with_door(act) == [200, ["one", "two", "three"]]


def test_two_clients_at_once_lose_nothing(token):
    async def act(door: Inside) -> list[list[str]]:
        return list(await asyncio.gather(*(poll(door, token) for _ in range(5)), poll(door, token)))

    handed = inside.with_door(act)

    assert ["one", "two", "three"] in handed
    assert all(messages in ([], ["one", "two", "three"]) for messages in handed)


def test_who_read_before_the_cursor_moved_and_answers_after_it_hands_nothing_out_again(token, monkeypatch):
    look = readers.look_until_news

    async def act(door: Inside) -> list[list[str]]:
        has_read, may_answer = asyncio.Event(), asyncio.Event()

        async def look_and_wait(*given: Any) -> object:
            seen = await look(*given)
            has_read.set()
            await may_answer.wait()
            return seen

        with monkeypatch.context() as slow:
            slow.setattr(readers, "look_until_news", look_and_wait)
            late = asyncio.create_task(poll(door, token))
            await has_read.wait()
        first = await poll(door, token)
        may_answer.set()
        return [first, await late]

    assert inside.with_door(act) == [["one", "two", "three"], []]


def test_a_long_log_is_handed_out_whole_and_in_order():
    token = make.token()
    address = make.address(make.inbox(is_default=True), token)
    authors = ["contact"] * 150 + ["bot", "contact", "system"] * 60
    log.append_many([Append(author, str(n), address=address) for n, author in enumerate(authors)])

    async def act(door: Inside) -> list[str]:
        return [text for _ in range(6) for text in await poll(door, token)]

    assert inside.with_door(act) == [str(n) for n, author in enumerate(authors) if author != "contact"]
    assert Cursor.objects.get().seq == len(authors)


def test_the_cursor_of_another_client_is_not_touched(token):
    async def act(door: Inside) -> list[list[str]]:
        await door.ask("GET", "/api/v1/conversation/messages", token)
        await door.ask("GET", f"{POLL}?after=0", token)
        return [await poll(door, token)]

    assert inside.with_door(act) == [["one", "two", "three"]]


def test_a_cursor_that_cannot_be_stored_breaks_nothing_and_loses_nothing(token, monkeypatch):
    """The messages may come again: that is all."""

    def away(moves: list[cursors.Move]) -> list[None]:
        raise OperationalError("the database is gone")

    async def act(door: Inside) -> list[list[str]]:
        with monkeypatch.context() as fault:
            fault.setattr(cursors, "move_many", away)
            first = await poll(door, token)
        return [first, await poll(door, token), await poll(door, token)]

    assert inside.with_door(act) == [["one", "two", "three"], ["one", "two", "three"], []]
