"""What happens at the edges of what we bear: too slow, too fast, and no database."""

import asyncio
import time
from typing import Any

import inside
import make
import pytest
from django.db import OperationalError
from inside import Inside

from besedka.conversations import log, visits
from besedka.conversations.models import Contact, Conversation, Message
from besedka.door import limits

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGES = "/api/v1/conversation/messages"
HELLO = ({"type": "http.request", "body": '{"text": "Привет!"}'.encode(), "more_body": False},)
REST = {"type": "http.request", "body": b'lo"}', "more_body": False}
HALF = {"type": "http.request", "body": b'{"text": "hel', "more_body": True}


@pytest.fixture(autouse=True)
def _inbox() -> None:
    make.inbox_with_bot(is_default=True)


async def settled() -> None:
    """Nothing is due any more."""

    def due() -> bool:
        try:
            return Conversation.objects.filter(due_at__isnull=False).exists()
        finally:
            inside.connection.close()

    async with asyncio.timeout(10):
        while await asyncio.to_thread(due):
            await asyncio.sleep(0.02)


def test_a_body_that_takes_too_long_is_cut_and_no_other(monkeypatch):
    monkeypatch.setattr(limits, "BODY_S", 0.2)

    async def act(door: Inside) -> tuple[inside.Answer, inside.Answer, int]:
        slow = asyncio.create_task(door.ask("POST", MESSAGES, make.token(), events=(HALF,)))
        await asyncio.sleep(0.05)
        quick = await door.ask("POST", MESSAGES, make.token(), events=HELLO)
        async with asyncio.timeout(5):
            return await slow, quick, len(door.door.reading)

    slow, quick, left = inside.with_door(act)

    assert (slow.status, slow.body["code"], quick.status) == (400, "invalid", 201)
    assert left == 0


def test_a_body_that_came_while_we_stood_still_ourselves_is_taken(monkeypatch):
    monkeypatch.setattr(limits, "BODY_S", 0.2)

    async def act(door: Inside) -> inside.Answer:
        asking = asyncio.create_task(door.ask("POST", MESSAGES, make.token(), events=(HALF, 2.4, REST)))
        await asyncio.sleep(0.05)
        time.sleep(2.5)  # the process is held
        return await asking

    assert inside.with_door(act).status == 201


def test_a_body_that_ends_too_early_is_not_stored():
    async def act(door: Inside) -> inside.Answer:
        return await door.ask("POST", MESSAGES, make.token(), events=(HALF, inside.GONE))

    assert inside.with_door(act).status == 400
    assert not Contact.objects.exists()


@pytest.mark.parametrize(("method", "events"), [("POST", HELLO), ("GET", inside.WHOLE)])
def test_without_a_database_the_client_is_told_when_to_come_again(monkeypatch, method, events):
    def away(items: list[Any]) -> None:
        raise OperationalError("the database is gone: password=secret")

    async def act(door: Inside) -> tuple[inside.Answer, inside.Answer]:
        with monkeypatch.context() as fault:
            fault.setattr(log, "append_many", away)
            fault.setattr(visits, "look_many", away)
            refused = await door.ask(method, MESSAGES, "the-same-token", events=events)
        return refused, await door.ask("POST", MESSAGES, "the-same-token", events=HELLO)

    refused, later = inside.with_door(act)

    headers = dict(refused.events[0]["headers"])
    assert (refused.status, refused.body["code"], later.status) == (503, "unavailable", 201)
    assert int(headers[b"retry-after"]) >= 1
    assert "secret" not in str(refused.body)


def test_a_bug_of_ours_is_told_as_one_and_shows_nothing_of_it(monkeypatch):
    def broken(items: list[Any]) -> None:
        raise ValueError("SELECT secret FROM users")

    async def act(door: Inside) -> tuple[inside.Answer, inside.Answer]:
        with monkeypatch.context() as fault:
            fault.setattr(visits, "look_many", broken)
            told = await door.ask("GET", MESSAGES, "the-same-token")
        return told, await door.ask("GET", MESSAGES, "the-same-token")

    told, later = inside.with_door(act)

    assert (told.status, told.body["code"], later.status) == (500, "internal_error", 200)
    assert "secret" not in str(told.body)


def test_a_token_at_twenty_a_second_is_slowed_and_what_was_taken_is_all_reacted_to_in_order():
    token = make.token()

    async def act(door: Inside) -> list[inside.Answer]:
        answers = []
        for number in range(100):
            body = f'{{"text": "Привет {number}", "client_id": "{number}"}}'.encode()
            event = {"type": "http.request", "body": body, "more_body": False}
            answers.append(await door.ask("POST", MESSAGES, token, events=(event,)))
            await asyncio.sleep(0.01)
        await settled()
        return answers

    answers = inside.with_door(act, rate_limits=True)

    taken = [answer.body for answer in answers if answer.status == 201]
    refused = [dict(answer.events[0]["headers"]) for answer in answers if answer.status == 429]
    conversation = Conversation.objects.get()
    own = list(Message.objects.filter(author="contact").order_by("seq").values_list("seq", "client_id"))
    assert 60 <= len(taken) <= 65
    assert len(taken) + len(refused) == 100
    assert all({b"retry-after", b"ratelimit", b"ratelimit-policy"} <= headers.keys() for headers in refused)
    assert own == [(message["seq"], message["client_id"]) for message in taken]
    assert conversation.reacted_seq == conversation.heard_seq == own[-1][0]
    assert Message.objects.get(seq=conversation.last_seq).author != "contact"


def test_guessing_tokens_is_slowed():
    async def act(door: Inside) -> list[int]:
        paths = [MESSAGES, "/message", "/api/v1/message/", "/api/v1/conversation"]
        return [(await door.ask("GET", paths[n % 4], make.token())).status for n in range(350)]

    statuses = inside.with_door(act, rate_limits=True)

    assert statuses[:300] == [200] * 300
    assert statuses.count(429) >= 40


@pytest.mark.parametrize("path", ["/gpt", "/message", MESSAGES, "/api/v1/conversation", "/api/v1/widget"])
def test_where_there_is_no_inbox_nobody_is_let_in(path):
    async def act(door: Inside) -> inside.Answer:
        method = "POST" if path == "/gpt" else "GET"
        return await door.ask(method, f"{path}?inbox=pk_none", make.token(), events=HELLO)

    answer = inside.with_door(act)

    assert (answer.status, answer.body["code"]) == (404, "inbox_unknown")
