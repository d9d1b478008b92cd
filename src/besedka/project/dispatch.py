"""What is due is told to the workers through the broker: after the commit, with an id and nothing else.

Nobody waits for it. While the broker is away signals are dropped, and the sweeps of the workers find what is due.
"""

import logging
import queue
import threading
import time
from collections.abc import Iterable
from typing import Any

from kombu.exceptions import OperationalError

from besedka.conversations import signals
from besedka.conversations.signals import Kinds, Topic
from besedka.figures import counted
from besedka.knowledge import submissions
from besedka.knowledge.tasks import import_source
from besedka.project.celery import EXPIRES_S, app
from besedka.telegram.tasks import deliver
from besedka.turns.tasks import run_turns

logger = logging.getLogger(__name__)

TASKS = {"deliver": deliver, submissions.SIGNAL: import_source}  # by the kind of signal
DUE = "due"  # turns: one task for all that became due while the last one was sent
WAITING = 10_000  # signals that wait for the broker; the rest is dropped
PAUSE_S = 1.0  # after a broker that was away
ONCE_MORE = {"max_retries": 1, "interval_start": 0, "interval_step": 0}  # over a new connection
News = tuple[str, Topic]


class Dispatcher:
    """Brings signals of this process to the broker, in a thread of its own."""

    def __init__(self) -> None:
        """From now on it hears what is sent here."""
        self._queue: queue.SimpleQueue[News | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="dispatch", daemon=True)
        self._thread.start()
        signals.relay_to(self.hear)

    def hear(self, kinds: Kinds) -> None:
        """Something is due; from any thread."""
        for kind in (DUE, *TASKS):
            for topic in kinds.get(kind, ()):
                if self._queue.qsize() < WAITING:
                    self._queue.put((kind, topic))

    def stop(self) -> None:
        """Tell what was heard by now, and end; blocks until then."""
        self._queue.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        away = False
        while True:
            news = [self._queue.get()]
            while not self._queue.empty():
                news.append(self._queue.get())
            told = dict.fromkeys(one for one in news if one is not None)
            try:
                _send(told)
                counted.TASKS.labels("sent").inc(len(told))
                away = False
            except OperationalError as error:
                if not away:
                    logger.warning("the broker is away, sweeps find what is due: %s", error)
                counted.TASKS.labels("lost").inc(len(told))
                away = True
            if None in news:
                return
            if away:
                time.sleep(PAUSE_S)


def _send(news: Iterable[News]) -> None:
    due = [topic for kind, topic in news if kind == DUE]
    tasks: list[tuple[Any, Any]] = [(TASKS[kind], topic) for kind, topic in news if kind != DUE]
    if due:
        tasks.insert(0, (run_turns, due))
    with app.producer_or_acquire() as producer:
        for task, carried in tasks:
            task.apply_async((carried,), producer=producer, expires=EXPIRES_S, retry=True, retry_policy=ONCE_MORE)
