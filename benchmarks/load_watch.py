"""Memory, descriptors and processor time of every process, second by second, as Linux tells them."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass
class Track:
    """One process (or several under one name) over time."""

    name: str
    moments: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def between(self, begin: float, end: float) -> "Track":
        """The part between two moments."""
        within = [at for at, moment in enumerate(self.moments) if begin <= moment <= end]
        cut = Track(self.name)
        for at in within:
            cut.moments.append(self.moments[at])
            cut.memory_mb.append(self.memory_mb[at])
            cut.files.append(self.files[at])
            cut.cpu_s.append(self.cpu_s[at])
        return cut


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def children(pid: int) -> list[int]:
    """The processes that one has begun, and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


def named(*commands: str) -> list[int]:
    """All processes of these commands, as `postgres`, whoever began them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "comm").read_text().strip() in commands:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


Processes = Callable[[], dict[str, list[int]]]


class Watch(threading.Thread):
    """Looks at these processes once a second until it is told to end; `processes` names them anew each time."""

    def __init__(self, processes: Processes, period_s: float = 1.0) -> None:
        super().__init__(daemon=True)
        self.tracks: dict[str, Track] = {}
        self._processes, self._period_s = processes, period_s
        self._over = threading.Event()
        self._spent: dict[str, dict[int, float]] = {}

    def run(self) -> None:
        """Look, wait, look again."""
        while not self._over.wait(self._period_s):
            for name, pids in self._processes().items():
                self._look(name, pids)

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()

    def _look(self, name: str, pids: list[int]) -> None:
        memory, files = 0.0, 0
        spent = self._spent.setdefault(name, {})
        for pid in pids:
            try:
                memory += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MB
                files += len(os.listdir(f"/proc/{pid}/fd"))
                spent[pid] = cpu_s(pid)  # of one that ends, what it had used last stays in the sum
            except OSError:
                continue
        if pids:
            track = self.tracks.setdefault(name, Track(name))
            track.moments.append(time.monotonic())
            track.memory_mb.append(memory)
            track.files.append(files)
            track.cpu_s.append(sum(spent.values()))
