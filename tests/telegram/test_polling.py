"""Long polling over real HTTP: nothing is confirmed before it is kept, whatever goes wrong."""

import asyncio

import pytest
from telegram_server import CONFLICT, DOWN, EMPTY, NO_JSON, Does

from besedka.problems import Unavailable
from besedka.telegram import health, polling
from besedka.telegram.models import Update

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(polling, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(polling, "LONGEST_PAUSE_S", 0.05)


@pytest.fixture
def poll():
    """A poller, and how it said that it goes."""
    told = []

    async def poll(parts):
        await polling.poll(parts.client, parts.writer, told.append)

    poll.told = told
    return poll


def kept():
    return list(Update.objects.order_by("update_id").values_list("update_id", flat=True))


def test_what_comes_is_kept_once_and_confirmed(telegram, with_parts, until, poll):
    anna = telegram.person()
    before = [anna.writes(str(number))["update_id"] for number in range(250)]

    async def act(parts):
        await until(lambda: len(kept()) == 250)
        after = anna.writes("later")["update_id"]
        await until(lambda: len(kept()) == 251 and not telegram.waiting)
        return after

    after = with_parts(act, poll)

    assert kept() == [*before, after]
    assert poll.told[-1] == health.OK


@pytest.mark.parametrize("fault", [DOWN, EMPTY, NO_JSON, Does(cut=True), Does(500), Does(429, retry_after=0)])
def test_ten_failures_after_a_batch_neither_replay_nor_skip(telegram, with_parts, until, poll, fault):
    anna = telegram.person()
    first = anna.writes("first")["update_id"]

    async def act(parts):
        await until(lambda: kept() == [first])
        telegram.fails("getUpdates", *[fault] * 10)
        second = anna.writes("second")["update_id"]
        await until(lambda: kept() == [first, second])
        await until(lambda: not telegram.waiting)

    with_parts(act, poll)

    assert health.UNREACHABLE in poll.told


def test_a_conflict_is_tried_for_ever_and_told(telegram, with_parts, until, poll):
    telegram.always["getUpdates"] = CONFLICT

    async def act(parts):
        await until(lambda: len(telegram.of("getUpdates")) > 8)
        assert set(poll.told) == {health.CONFLICT}
        del telegram.always["getUpdates"]
        update_id = telegram.person().writes("hello")["update_id"]
        await until(lambda: kept() == [update_id])
        await until(lambda: poll.told[-1] == health.OK)

    with_parts(act, poll)


def test_a_lower_number_after_a_quiet_time_is_not_passed_over(telegram, with_parts, until, poll):
    anna = telegram.person()

    async def act(parts):
        telegram.bring({"message": anna.message(text="high")}, update_id=900_000)
        await until(lambda: kept() == [900_000])
        await until(lambda: not telegram.waiting and telegram.of("getUpdates")[-1].fields.get("offset") is None)
        telegram.bring({"message": anna.message(text="low")}, update_id=17)
        await until(lambda: kept() == [17, 900_000])

    polling_wait, polling.WAIT_S = polling.WAIT_S, 1
    try:
        with_parts(act, poll)
    finally:
        polling.WAIT_S = polling_wait


def test_an_update_that_nobody_can_read_is_kept_beside_the_others(telegram, with_parts, until, poll):
    telegram.bring_again({"no": "id"})
    odd = telegram.bring({"message": {"text": ["a", "list"]}})["update_id"]
    good = telegram.person().writes("hello")["update_id"]

    async def act(parts):
        await until(lambda: kept() == [odd, good])

    with_parts(act, poll)


def test_nothing_is_confirmed_while_the_database_is_away(telegram, with_parts, until, poll):
    update_id = telegram.person().writes("hello")["update_id"]

    async def act(parts):
        working, parts.writer.submit = parts.writer.submit, away
        await until(lambda: len(telegram.of("getUpdates")) > 3)
        assert len(telegram.waiting) == 1
        parts.writer.submit = working
        await until(lambda: kept() == [update_id])

    with_parts(act, poll)


def away(work, item, **how):
    done = asyncio.get_running_loop().create_future()
    done.set_exception(Unavailable())
    return done
