"""The figures of all processes of this installation on this machine, as one text.

Each process has a place with a number, `web-0`, `web-1`, `worker-0`, and writes its figures there every second.
Who is asked reads what the others wrote. A place is held by a lock of the system, which ends with the process
however it dies: the next one takes the lowest place that is free, and its figures begin anew there, as Prometheus
expects of a process that was started again.
"""

import contextlib
import fcntl
import logging
import re
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from besedka.figures import counted

logger = logging.getLogger(__name__)

PERIOD_S = 1.0  # seconds between two writings
MOST = 1_000  # processes of one kind
FORMAT = "text/plain; version=0.0.4; charset=utf-8"
ALONE = "this"  # the name of a process that tells nobody its figures
_WRITTEN = re.compile(r"[a-z]+-[0-9]+\.json")


_here: list["Place"] = []  # ours


class Figure(msgspec.Struct, array_like=True):
    """One figure as a process writes it: its samples are a name, labels, and a value."""

    name: str
    documentation: str
    kind: str
    samples: list[tuple[str, dict[str, str], float]]


class Place:
    """Where one process writes its figures."""

    def __init__(self, folder: Path, name: str, lock: IO[bytes]) -> None:
        self.folder, self.name = folder, name
        self._lock = lock  # open as long as the place is ours

    def write(self) -> None:
        """The others find our figures as they are now. Raises `OSError` where the disk takes nothing."""
        draft = self.folder / f"{self.name}.new"
        draft.write_bytes(msgspec.json.encode(_own()))
        draft.replace(self.folder / f"{self.name}.json")

    def leave(self) -> None:
        """Another process may have it; nobody finds our figures any more."""
        with contextlib.suppress(OSError):
            (self.folder / f"{self.name}.json").unlink(missing_ok=True)
        self._lock.close()


def take_place(folder: Path, role: str) -> Place:
    """The lowest place of this role that no living process has. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(MOST):
        name = f"{role}-{number}"
        lock = (folder / f"{name}.lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        return Place(folder, name, lock)
    raise OSError(f"{MOST} processes have their places in {folder}")


@contextlib.contextmanager
def telling(folder: Path, role: str) -> Iterator[None]:
    """The others find the figures of this process, as of a second ago, for as long as this lasts.

    Where the disk takes nothing they find none, and that is all that happens.
    """
    try:
        place = take_place(folder, role)
    except OSError as error:
        logger.warning("the other processes are not told our figures: %s", error)
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_write_until, args=(place, over), name="figures", daemon=True)
    _here.append(place)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        _here.remove(place)
        place.leave()


def _write_until(place: Place, over: threading.Event) -> None:
    while True:
        with contextlib.suppress(OSError):  # a full disk: our figures grow old, and `text` says so
            place.write()
        if over.wait(PERIOD_S):
            return


def text(beside: Iterable[Metric] = ()) -> bytes:
    """Our figures, those of the others who are beside us, and `beside`, as Prometheus reads them."""
    merged: dict[str, Metric] = {}
    ages = GaugeMetricFamily(
        "besedka_figures_age_seconds", "Since when a process has not told its figures.", labels=["process"]
    )
    for name, age_s, figures in _all():
        ages.add_metric([name], round(age_s, 3))
        for figure in figures:
            metric = merged.get(figure.name)
            if metric is None:
                metric = merged[figure.name] = Metric(figure.name, figure.documentation, figure.kind)
            for sample, labels, value in figure.samples:
                metric.add_sample(sample, {**labels, "process": name}, value)
    registry = CollectorRegistry()
    registry.register(_Given([*merged.values(), ages, *beside]))
    return generate_latest(registry)


def _all() -> Iterator[tuple[str, float, list[Figure]]]:
    place = _here[-1] if _here else None
    yield place.name if place is not None else ALONE, 0.0, _own()
    for path in sorted(place.folder.glob("*.json")) if place is not None else ():
        if place is None or path.stem == place.name or not _WRITTEN.fullmatch(path.name) or not _lives(path):
            continue
        with contextlib.suppress(OSError, msgspec.MsgspecError):  # it has just left
            written = path.stat().st_mtime
            yield (
                path.stem,
                max(0.0, time.time() - written),
                msgspec.json.decode(path.read_bytes(), type=list[Figure]),
            )


def _lives(path: Path) -> bool:
    """Whether a process holds this place."""
    try:
        with path.with_suffix(".lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _own() -> list[Figure]:
    return [
        Figure(
            metric.name,
            metric.documentation,
            metric.type,
            [(sample.name, dict(sample.labels), float(sample.value)) for sample in metric.samples],
        )
        for metric in counted.registry.collect()
    ]


class _Given(Collector):
    """Figures that are there already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics
