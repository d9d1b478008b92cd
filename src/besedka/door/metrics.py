"""`/metrics` for Prometheus: what all processes here count, and how much the database says there is to do."""

import asyncio
import hmac
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from starlette.responses import Response

from besedka.conversations import mirror, tallies
from besedka.conversations.tallies import Tally
from besedka.desk import outside
from besedka.door.admission import Caller
from besedka.figures import processes
from besedka.problems import NotFound, Problem

CHANNELS = (outside.TELEGRAM, mirror.CHANNEL)
BEAT = "1 while a beat process says when to keep house; only where there is a broker."
KEPT_S = 1.0  # that long what the database said is good for whoever asks next
PATIENCE_S = 3.0  # a database that has not answered by then is left out


class MetricsTokenInvalid(Problem):
    """The figures are for who shows the token of `BESEDKA_METRICS_TOKEN`, as `Authorization: Bearer …`."""

    code = "metrics_token_invalid"
    status = 401

    def headers(self) -> dict[str, str]:
        """RFC 9110 §11.6.1."""
        return {"WWW-Authenticate": "Bearer"}


class _Look:
    """The last look into the database; one at a time, however many ask."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tally: Tally | None = None
        self.at = -KEPT_S
        self.asking: threading.Thread | None = None  # may hang


_look = _Look()


async def get_metrics(caller: Caller) -> Response:
    """`GET /metrics`: every figure. Raises `NotFound` where nobody may see them, `MetricsTokenInvalid`."""
    admit(caller.header(b"authorization"))
    text = await asyncio.to_thread(lambda: processes.text(_beside()))
    return Response(text, headers={"Content-Type": processes.FORMAT, "Cache-Control": "no-store"})


def admit(authorization: str | None) -> None:
    """Let in who shows the token. Raises `NotFound` where there is none to show, `MetricsTokenInvalid`."""
    if not settings.METRICS_TOKEN:
        raise NotFound()
    shown = (authorization or "").encode()
    if not hmac.compare_digest(shown, f"Bearer {settings.METRICS_TOKEN}".encode()):
        raise MetricsTokenInvalid()


def forget() -> None:
    """Look again, whenever the last look was."""
    _look.at = -KEPT_S


def _beside() -> Iterator[Metric]:
    """What no process counts: the database's tally, and room on the disk."""
    tally = _tally()
    answers = GaugeMetricFamily(
        "besedka_database_up", "1 where the database said in time how much there is to do."
    )
    answers.add_metric([], float(tally is not None))
    yield answers
    if tally is not None:
        yield from _told(tally, timezone.now())
    free = GaugeMetricFamily("besedka_disk_free_bytes", "Room in BESEDKA_HOME.")
    free.add_metric([], shutil.disk_usage(settings.HOME).free)
    yield free


def _told(tally: Tally, now: datetime) -> Iterator[Metric]:
    owners = GaugeMetricFamily("besedka_conversations", "Open conversations, by who answers.", labels=["owner"])
    for owner in ("bot", "queue", "operator"):
        owners.add_metric([owner], tally.owners.get(owner, 0))
    yield owners
    for name, what, since in (
        ("due_turn", "turn of a bot that is due and that nobody works on", tally.oldest_due),
        ("waiting_contact", "contact who waits for a person", tally.oldest_waiting),
    ):
        oldest = GaugeMetricFamily(f"besedka_oldest_{name}_seconds", f"Age of the oldest {what}; 0: none.")
        oldest.add_metric([], _age_s(since, now))
        yield oldest
    unsent = GaugeMetricFamily(
        "besedka_oldest_unsent_delivery_seconds",
        "Age of the oldest delivery that has not gone out; 0: none.",
        labels=["channel"],
    )
    there = GaugeMetricFamily(
        "besedka_outbox",
        "Deliveries that wait, are on their way, or are parked until somebody sends them again.",
        labels=["channel", "state"],
    )
    for channel in CHANNELS:
        unsent.add_metric([channel], _age_s(tally.oldest_unsent.get(channel), now))
        for state in ("waiting", "sending", "parked"):
            there.add_metric([channel, state], tally.deliveries.get((channel, state), 0))
    yield unsent
    yield there
    if settings.CELERY_BROKER_URL:
        beat = GaugeMetricFamily("besedka_beat_leads", BEAT)
        beat.add_metric([], float("beat" in tally.posts))
        yield beat


def _age_s(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def _tally() -> Tally | None:
    """What the database says, as of a second ago at most; None where it does not say it in time.

    In a thread with a connection of its own: one that hangs must not hold us up, and is not asked a second time.
    """
    with _look.lock:
        if time.monotonic() - _look.at >= KEPT_S and (_look.asking is None or not _look.asking.is_alive()):
            said: list[Tally] = []
            _look.asking = threading.Thread(target=_ask, args=(said,), name="metrics", daemon=True)
            _look.asking.start()
            _look.asking.join(PATIENCE_S)
            _look.tally, _look.at = (said[0] if said else None), time.monotonic()
        return _look.tally


def _ask(said: list[Tally]) -> None:
    try:
        said.append(tallies.now(CHANNELS))
    except Error:
        pass  # it is away, or took too long: figures without it are better than none
    finally:
        connection.close()
