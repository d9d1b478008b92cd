"""Signals wake, the database tells: "conversation 7 has something new". They carry no content and may be lost.

One hub in a process. Whoever waits is on the list before it reads the log, so that a message is in the log already
or wakes it. A topic is a conversation's id, or an address that has no conversation yet.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Topic = int | str
Kinds = Mapping[str, Iterable[Topic]]

RIGHTS = "rights"  # the kind of signal that says so of somebody's


class Woken:
    """One that waits for signals on a topic."""

    __slots__ = ("_kinds", "_waiting", "hears")

    def __init__(self, hears: frozenset[str]) -> None:
        self.hears = hears
        self._kinds: set[str] = set()
        self._waiting: asyncio.Future[None] | None = None

    def wake(self, kind: str) -> None:
        """Let `wait` return, now or as soon as it is called."""
        self._kinds.add(kind)
        self._end_wait()

    def _end_wait(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def wait(self, timeout_s: float) -> set[str]:
        """The kinds of signals since the last time; an empty set after `timeout_s` seconds without any."""
        if not self._kinds:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            timer = loop.call_later(timeout_s, self._end_wait)
            try:
                await self._waiting
            finally:
                timer.cancel()
                self._waiting = None
        kinds, self._kinds = self._kinds, set()
        return kinds


class Hub:
    """Who listens to what, in this process."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.listeners: dict[Topic, list[Woken]] = {}
        self.subscribers: dict[str, list[Callable[[list[Topic]], None]]] = {}
        self.relays: list[Callable[[Kinds], None]] = []


_hub = Hub()


def attach(loop: asyncio.AbstractEventLoop) -> None:
    """Listeners live on this loop; signals from other threads hop to it."""
    _hub.loop = loop


def detach() -> None:
    """Nobody listens any more: signals go nowhere but to the other processes."""
    _hub.loop = None
    _hub.listeners.clear()
    _hub.subscribers.clear()
    _hub.relays.clear()


def send_many(kinds: Kinds) -> None:
    """Wake whoever listens, here and in the other processes. From any thread, at best after a commit."""
    for relay in _hub.relays:
        relay(kinds)
    deliver(kinds)


def topic_of_user(user_id: int) -> Topic:
    """The topic of what this person may do."""
    return f"user:{user_id}"


def tell_of_rights(user_ids: Iterable[int], **_: Any) -> None:
    """These people may do more or less than before: who keeps a connection of theirs open looks again."""
    send_many({RIGHTS: [topic_of_user(user_id) for user_id in user_ids]})


def deliver(kinds: Kinds) -> None:
    """Wake whoever listens in this process, from any thread."""
    loop = _hub.loop
    if loop is None or loop.is_closed():
        return
    wanted = {kind: list(topics) for kind, topics in kinds.items() if topics}
    if wanted:
        with contextlib.suppress(RuntimeError):  # the loop was closed this very moment: nobody is left to wake
            loop.call_soon_threadsafe(_wake, wanted)


@contextlib.contextmanager
def listen(topic: Topic, hears: frozenset[str]) -> Iterator[Woken]:
    """Be on the list for these kinds of signals on a topic. To be called on the hub's loop."""
    with listen_to_all((topic,), hears) as woken:
        yield woken


@contextlib.contextmanager
def listen_to_all(topics: Iterable[Topic], hears: frozenset[str]) -> Iterator[Woken]:
    """As `listen`, on several topics at once."""
    woken = Woken(hears)
    lists = [(topic, _hub.listeners.setdefault(topic, [])) for topic in topics]
    for _, waiting in lists:
        waiting.append(woken)
    try:
        yield woken
    finally:
        for topic, waiting in lists:
            waiting.remove(woken)
            if not waiting and _hub.listeners.get(topic) is waiting:
                del _hub.listeners[topic]


def subscribe(kind: str, callback: Callable[[list[Topic]], None]) -> None:
    """Call `callback`, on the hub's loop, with the topics of each signal of this kind."""
    _hub.subscribers.setdefault(kind, []).append(callback)


def relay_to(relay: Callable[[Kinds], None]) -> None:
    """Let `relay` bring every signal sent here to the other processes. It must return at once and not raise."""
    _hub.relays.append(relay)


def listened() -> list[Topic]:
    """What somebody in this process listens to."""
    return list(_hub.listeners)


def _wake(kinds: dict[str, list[Topic]]) -> None:
    for kind, topics in kinds.items():
        for callback in _hub.subscribers.get(kind, ()):
            callback(topics)
        for topic in topics:
            for woken in _hub.listeners.get(topic, ()):
                if kind in woken.hears:
                    woken.wake(kind)
