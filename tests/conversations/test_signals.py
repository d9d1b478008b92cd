import asyncio
import threading
from collections.abc import Iterator

import pytest

from besedka.conversations import signals

NEW = frozenset({"new"})


@pytest.fixture
def hub() -> Iterator[None]:
    yield
    signals.detach()


def test_who_listens_is_woken_from_any_thread(hub):
    async def run() -> set[str]:
        signals.attach(asyncio.get_running_loop())
        with signals.listen(7, NEW) as woken:
            threading.Thread(target=signals.send_many, args=({"new": [7, 8]},)).start()
            return await woken.wait(5)

    assert asyncio.run(run()) == {"new"}


def test_a_signal_between_listening_and_waiting_is_not_missed(hub):
    async def run() -> set[str]:
        signals.attach(asyncio.get_running_loop())
        with signals.listen(7, NEW) as woken:
            signals.send_many({"new": [7]})
            await asyncio.sleep(0.05)
            return await woken.wait(0.01)

    assert asyncio.run(run()) == {"new"}


def test_who_listens_to_news_is_not_woken_by_somebody_typing(hub):
    async def run() -> set[str]:
        signals.attach(asyncio.get_running_loop())
        with signals.listen(7, NEW) as woken:
            signals.send_many({"typing:bot": [7]})
            return await woken.wait(0.05)

    assert asyncio.run(run()) == set()


def test_waiting_ends_by_itself(hub):
    async def run() -> set[str]:
        signals.attach(asyncio.get_running_loop())
        with signals.listen(7, NEW) as woken:
            return await woken.wait(0.01)

    assert asyncio.run(run()) == set()


def test_who_has_left_is_forgotten(hub):
    async def run() -> list[signals.Topic]:
        signals.attach(asyncio.get_running_loop())
        with signals.listen(7, NEW), signals.listen("token:x:1", NEW):
            pass
        return signals.listened()

    assert asyncio.run(run()) == []


def test_without_a_loop_signals_go_nowhere_and_harm_nobody(hub):
    signals.send_many({"new": [1]})
