"""What only an installation of several processes has: a broker, workers, beat, Flower; and who sees figures."""

import importlib
import math
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.db import Error

from besedka.conversations import posts
from besedka.project.doctor.findings import Finding, doubtful, fine, told, wrong
from besedka.web.checks import LOOPBACK

PATIENCE_S = 3.0  # that workers have to say that they are there
BEGINNING_S = 15.0  # that a process may need which was started just now
SHORTEST = 12  # characters of Flower's password


def broker() -> Iterator[Finding]:
    """It answers, and each queue has a worker that does."""
    if not settings.CELERY_BROKER_URL:
        yield fine("broker", "not used: who serves runs the turns")
        return
    if find_spec("celery") is None:
        yield wrong("broker", "Celery is not installed", "pip install 'besedka[scale]'")
        return
    celery: Any = importlib.import_module("besedka.project.celery")  # only who has a broker loads its client
    try:
        with celery.app.connection_for_write(settings.CELERY_BROKER_URL) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=PATIENCE_S)
            kind = connection.transport.driver_type
    except Exception as error:  # kombu's own, and those of whichever client it uses
        advice = "Look at CELERY_BROKER_URL, and whether the broker runs and lets us in."
        yield wrong("broker", told(error), advice)
        return
    yield fine("broker", f"{kind} answers")
    yield from _workers(celery)


def beat() -> Iterator[Finding]:
    """Somebody says when it is time to keep house."""
    if not settings.CELERY_BROKER_URL:
        return
    try:
        is_led = _soon(lambda: posts.is_held("beat"))
    except Error:  # a part of its own has said so
        return
    if is_led:
        yield fine("beat", "it ticks")
    else:
        yield wrong("beat", "nobody says when to keep house", "Start it: besedka beat")


def flower() -> Iterator[Finding]:
    """Nobody sees the workers without a password that cannot be guessed."""
    if not settings.FLOWER_PASSWORD:
        yield fine("flower", "not used: it starts with a FLOWER_PASSWORD only")
    elif len(settings.FLOWER_PASSWORD) < SHORTEST:
        advice = f"Take {SHORTEST} characters or more."
        yield wrong("flower", "its password is short, and it does not start", advice)
    elif settings.FLOWER_HOST not in LOOPBACK:
        advice = "Let it listen on 127.0.0.1, or put a proxy with a certificate before it."
        yield doubtful("flower", "its password travels in the clear", advice)
    else:
        yield fine("flower", "it asks for its password, and listens on this machine only")


def metrics() -> Iterator[Finding]:
    """Nobody sees figures without the token."""
    if not settings.METRICS_TOKEN:
        yield fine("metrics", "shut: there is no BESEDKA_METRICS_TOKEN")
    elif settings.METRICS_PORT and settings.HOST not in LOOPBACK:
        advice = "Let only your Prometheus reach it."
        yield doubtful("metrics", f"the token travels in the clear to port {settings.METRICS_PORT}", advice)
    else:
        yield fine("metrics", "they ask for their token")


def _workers(celery: Any) -> Iterator[Finding]:
    def look() -> bool:
        heard.update(celery.app.control.inspect(timeout=PATIENCE_S).active_queues() or {})
        for queue in serving:
            serving[queue] = sum(queue in {one["name"] for one in queues} for queues in heard.values())
        return all(serving.values())

    heard: dict[str, Any] = {}
    serving = dict.fromkeys(celery.QUEUES, 0)
    _soon(look)
    for queue, count in serving.items():
        if count:
            yield fine("workers", f"{queue}: {count} of {len(heard)}")
        else:
            advice = f"Start one: besedka worker --queues {queue}"
            yield wrong("workers", f"nobody who answers within {math.ceil(PATIENCE_S)} s serves {queue}", advice)


def _soon(look: Callable[[], bool]) -> bool:
    """What is looked for is there, now or as soon as what was started just now has begun."""
    until = time.monotonic() + BEGINNING_S
    while not (found := look()) and time.monotonic() < until:
        time.sleep(1)
    return found
