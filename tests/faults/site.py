"""Several processes of one installation behind one address; each can be started, ended, killed and held by itself.

    with installed(tmp_path / "home", url, web=[RUN, RUN]) as site:
        trial.visited(site, tmp_path, lambda: …site.kill("web 1")…)

Who only works, and answers nobody over HTTP, is in `others`: `others={"worker": [BESEDKA, "worker"]}`.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import running
from faults.proxy import Proxy
from running import BESEDKA, Server

RUN = [BESEDKA, "run"]


@dataclass
class Worker(Server):
    """A process that answers nobody: it is started when it runs."""

    def start(self) -> None:
        """It runs when this returns; what it has got to do may take it a while yet."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.surroundings(), stdout=log, stderr=log, cwd=self.home.parent
            )

    def niceness(self) -> int:
        """How far it stands back where all processors are busy."""
        assert self.process is not None
        return os.getpriority(os.PRIO_PROCESS, self.process.pid)


@dataclass
class Site:
    """The processes by their names; `url` is where visitors come in."""

    front: Proxy
    processes: dict[str, Server] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where visitors come in, whichever of the web processes takes them."""
        return f"http://127.0.0.1:{self.front.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What all of them are told."""
        return self._any.environment

    @property
    def home(self) -> Path:
        """Where all of them live."""
        return self._any.home

    @property
    def _any(self) -> Server:
        return next(iter(self.processes.values()))

    def start(self, name: str) -> None:
        """It runs, and answers if it is one that does, when this returns."""
        self.processes[name].start()

    def stop(self, name: str) -> None:
        """Ask it to end, and wait until it has."""
        self.processes[name].stop()

    def kill(self, name: str) -> None:
        """`kill -9`."""
        self.processes[name].kill()

    def hold(self, name: str) -> None:
        """It does nothing any more, and does not know it."""
        self._signal(name, signal.SIGSTOP)

    def let_go(self, name: str) -> None:
        """It goes on where it was held."""
        self._signal(name, signal.SIGCONT)

    def select(self, query: str) -> list[tuple[Any, ...]]:
        """What their database says, read past them."""
        return self._any.select(query)

    def shell(self, code: str) -> str:
        """What Python prints beside them, with their settings and their database."""
        return self._any.shell(code)

    def _signal(self, name: str, what: signal.Signals) -> None:
        process = self.processes[name].process
        assert process is not None
        process.send_signal(what)


@contextlib.contextmanager
def installed(
    home: Path,
    database_url: str,
    *,
    web: Sequence[list[str]] = (RUN, RUN),
    others: Mapping[str, list[str]] | None = None,
    via: Callable[[str], str] = str,
    seed: int = 1,
    **environment: str,
) -> Iterator[Site]:
    """An installation that runs: "web 1", "web 2" … by these commands, and the others by their names.

    `via` is asked by which URL they reach the database that was made for them: there may be a line between.
    """
    with running.server(home, DATABASE_URL=database_url) as first:
        first.stop()  # it has made the home, and the database ready
        told = {**first.environment, **environment, "DATABASE_URL": via(first.environment["DATABASE_URL"])}
        ports = [first.port, *(running.free_port() for _ in web[1:])]
        front = Proxy(*(("127.0.0.1", port) for port in ports), seed=seed)
        site = Site(front)
        for number, (port, command) in enumerate(zip(ports, web, strict=True), 1):
            site.processes[f"web {number}"] = Server(home, port, told, list(command))
        for name, command in (others or {}).items():
            site.processes[name] = Worker(home, running.free_port(), told, list(command))
        try:
            for process in site.processes.values():
                process.start()
            yield site
        finally:
            for process in site.processes.values():
                if process.process is not None and process.process.poll() is None:
                    process.process.send_signal(signal.SIGCONT)  # who is held cannot end
                process.stop()
            front.close()
