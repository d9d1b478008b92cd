"""Whether the background loops of this process live: each says so after every round, and health asks."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from besedka.figures import counted

OFF = "off"  # this process has no loops: a command, or a test
OK = "ok"
FAILING = "failing"  # one of them has failed several times running
LATE = "late"  # one of them, or all of them, have not come round for long
DEAD = "dead"  # one of them has ended
PATIENCE_S = 30  # beyond three periods: a machine may be busy
FAILURES = 3  # running, before we say so


@dataclass
class Pulse:
    """One loop: its task, how often it comes round, and how it did last."""

    task: asyncio.Task[Any]
    period_s: float | None
    at: float = field(default_factory=time.monotonic)
    failures: int = 0

    def state(self, now: float) -> str:
        """One of the words above."""
        if self.task.done():
            return DEAD
        if self.period_s is not None and now - self.at > 3 * self.period_s + PATIENCE_S:
            return LATE
        return FAILING if self.failures >= FAILURES else OK


_pulses: dict[str, Pulse] = {}


def watch(name: str, task: asyncio.Task[Any], period_s: float | None = None) -> asyncio.Task[Any]:
    """Mind this task from now on; without a period it only must not end."""
    _pulses[name] = Pulse(task, period_s)
    return task


def beat(name: str, *, failed: bool = False) -> None:
    """This loop has come round."""
    pulse = _pulses.get(name)
    if pulse is not None:
        pulse.at = time.monotonic()
        pulse.failures = pulse.failures + 1 if failed else 0


def forget() -> None:
    """The loops are being ended; that they end is no fault."""
    _pulses.clear()


def state(now: float | None = None) -> str:
    """How all of them do: the word of the one that does worst. From any thread."""
    now = time.monotonic() if now is None else now
    found = {pulse.state(now) for pulse in list(_pulses.values())}
    return next((word for word in (DEAD, LATE, FAILING, OK) if word in found), OFF)


class _Beats(Collector):
    """The loops in figures."""

    def collect(self) -> Iterable[Metric]:
        now = time.monotonic()
        well = GaugeMetricFamily("besedka_loop_well", "1 while a background loop does its work.", labels=["loop"])
        since = GaugeMetricFamily(
            "besedka_loop_round_seconds", "Since when a background loop has not come round.", labels=["loop"]
        )
        for name, pulse in list(_pulses.items()):
            well.add_metric([name], float(pulse.state(now) == OK))
            if pulse.period_s is not None:
                since.add_metric([name], round(now - pulse.at, 3))
        return well, since


counted.registry.register(_Beats())
