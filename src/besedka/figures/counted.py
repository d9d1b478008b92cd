"""What is counted while we work: every figure of a process that `/metrics` shows, in the words it shows it with.

A label has few values, known beforehand: no path, no id, no name that somebody typed.
"""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

disable_created_metrics()  # type: ignore[no-untyped-call]  # a line more for each figure, which nobody asks for

registry = CollectorRegistry()
ProcessCollector(registry=registry)
GCCollector(registry=registry)

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)  # seconds
SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)  # seconds, of what may wait for a model
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
MODELS = 50  # names of models that are told apart: bots' authors choose them
OTHER = "other"

CONNECTIONS = Gauge(
    "besedka_connections",
    "WebSockets (visitor, desk, room), streams and long polls that are held now.",
    ["kind"],
    registry=registry,
)
RATE_REFUSALS = Counter(
    "besedka_rate_refusals", "Requests refused because somebody asked too often.", ["limit"], registry=registry
)

BATCH_JOBS = Histogram(
    "besedka_batch_jobs", "Jobs that went to the database together.", ["batcher"], buckets=SIZES, registry=registry
)
BATCH_SECONDS = Histogram(
    "besedka_batch_seconds", "Seconds that such a batch took.", ["batcher"], buckets=QUICK, registry=registry
)
BATCH_WAITING = Gauge(
    "besedka_batch_waiting", "Jobs that wait for the next batch.", ["batcher"], registry=registry
)
DATABASE_RETRIES = Counter(
    "besedka_batch_retries", "Batches begun anew: the database was away, or had a deadlock.", registry=registry
)

SIGNALS = Counter(
    "besedka_signals",
    "Signals between processes: sent, received, or lost, which the sweep makes up for.",
    ["way"],
    registry=registry,
)

TASKS = Counter(
    "besedka_tasks",
    "Tasks told to the broker: sent, or lost while it was away; then workers look for themselves.",
    ["way"],
    registry=registry,
)
TURN_SECONDS = Histogram(
    "besedka_turn_seconds",
    "Seconds of a bot's turn: waiting (due, not claimed), thinking (model included), model (each call), commit.",
    ["stage"],
    buckets=SLOW,
    registry=registry,
)
TURNS = Counter(
    "besedka_turns",
    "Bots' turns that ended: answered, handed_off, silent or failed.",
    ["outcome"],
    registry=registry,
)
TURNS_RUNNING = Gauge("besedka_turns_running", "Bots' turns under way.", registry=registry)

MODEL_CALLS = Counter(
    "besedka_model_calls",
    "Calls of language models: answered, refused or failed.",
    ["provider", "model", "outcome"],
    registry=registry,
)
MODEL_SECONDS = Histogram(
    "besedka_model_seconds", "Seconds of such a call.", ["provider", "model"], buckets=SLOW, registry=registry
)
MODEL_TOKENS = Counter(
    "besedka_model_tokens", "Tokens that models read and wrote.", ["provider", "model", "way"], registry=registry
)
MODEL_COST = Counter(
    "besedka_model_cost", "Money for them, by the prices of the bots.", ["provider", "model"], registry=registry
)

DELIVERIES = Counter(
    "besedka_deliveries",
    "Tries to bring something outside: delivered, later, unclear, parked or lost (blocked by the recipient).",
    ["channel", "outcome"],
    registry=registry,
)

_models: set[tuple[str, str]] = set()
_answers: dict[tuple[str, str, int], list[float]] = {}


def answered(route: str, method: str, status: int, took_s: float) -> None:
    """Count one answer; for a route, from one thread at a time.

    On the way of every message, so it is plain numbers in a list: how many took how long, and the sum. With the
    library's own counters it took four times as long, and three hundredths of the request.
    """
    key = route, method, status
    row = _answers.get(key)
    if row is None:
        row = _answers[key] = [0.0] * (len(QUICK) + 2)
    row[bisect_left(QUICK, took_s)] += 1
    row[-1] += took_s


class _Answers(Collector):
    """What `answered` counted."""

    def collect(self) -> Iterable[Metric]:
        counts = CounterMetricFamily(
            "besedka_http_answers", "Answers to HTTP requests.", labels=["method", "route", "status"]
        )
        seconds = HistogramMetricFamily(
            "besedka_http_post_seconds", "Seconds from a POST's head to the end of its answer.", labels=["route"]
        )
        posts: dict[str, list[float]] = {}
        for (route, method, status), row in list(_answers.items()):
            counts.add_metric([method, route, str(status)], sum(row[:-1]))
            if method == "POST":
                posts[route] = [a + b for a, b in zip(posts.get(route, [0.0] * len(row)), row, strict=True)]
        bounds = [*map(floatToGoString, QUICK), "+Inf"]
        for route, row in posts.items():
            seconds.add_metric([route], [*zip(bounds, accumulate(row[:-1]), strict=True)], row[-1])
        return counts, seconds


registry.register(_Answers())


def model_called(
    provider: str, name: str, outcome: str, took_s: float, tokens: tuple[int, int], prices: tuple[float, float]
) -> None:
    """Count one call of a model: the tokens it read and wrote, `prices` as money for a million of each."""
    if (provider, name) not in _models:
        if len(_models) >= MODELS:
            name = OTHER
        _models.add((provider, name))
    MODEL_CALLS.labels(provider, name, outcome).inc()
    MODEL_SECONDS.labels(provider, name).observe(took_s)
    TURN_SECONDS.labels("model").observe(took_s)
    for way, count in zip(("in", "out"), tokens, strict=True):
        MODEL_TOKENS.labels(provider, name, way).inc(count)
    MODEL_COST.labels(provider, name).inc((tokens[0] * prices[0] + tokens[1] * prices[1]) / 1e6)
