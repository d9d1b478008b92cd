"""A TCP proxy on 127.0.0.1 with bad weather: slow, dripping, silent, or broken off after any byte, as one wants.

It knows nothing of what it carries: PostgreSQL, Redis, RabbitMQ, HTTP and WebSockets are all the same to it. What
happens by chance is drawn from dice of the connection's own: the same seed and the same calls give the same cuts.
It lives in a thread of its own; whatever is asked of it has happened when the call returns.
"""

import asyncio
import contextlib
import itertools
import random
import socket
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

CHUNK = 65_536  # bytes that are read at once
UNDERWAY = 64  # chunks that may be on their way in one direction; then whoever sends has to wait
TICK_S = 0.05  # between two portions of a line with a rate
FEW = 2_000  # bytes after which a doomed connection breaks, at most

Address = tuple[str, int]


@dataclass(frozen=True)
class Weather:
    """What happens to whatever goes in one direction."""

    latency_s: float = 0.0  # each byte is under way so long
    jitter_s: float = 0.0  # and up to so much longer; the order stays
    bytes_s: float | None = None  # no more than so many bytes a second
    cut_after: int | None = None  # the connection breaks after so many bytes of this direction
    breaks: float = 0.0  # the share of chunks in the middle of which the connection breaks
    swallows: float = 0.0  # the share of chunks of which nothing arrives, and the connection ends
    doomed: float = 0.0  # the share of connections that break early on
    silent: bool = False  # nothing passes; it is not lost, and passes when the weather changes


FAIR = Weather()


@dataclass(eq=False)
class _Line:
    """One connection: who called, whom we called for them."""

    number: int
    dice: random.Random
    ends: list[asyncio.StreamWriter] = field(default_factory=list)

    def hang_up(self) -> None:
        for end in self.ends:
            end.transport.abort()


class Proxy:
    """Passes bytes on to a port, or to whichever of several ports takes them, in the weather of each direction."""

    def __init__(self, *targets: Address, seed: int = 1) -> None:
        self.targets, self.seed = list(targets), seed
        self.up = self.down = FAIR  # from who calls to who is called, and back
        self.taken = self.broken = 0  # connections, and how many of them broke by weather
        self._lines: set[_Line] = set()
        self._kept: list[asyncio.StreamWriter] = []  # waiting, and told nothing
        self._cut = self._stalled = False
        self._numbers, self._turns = itertools.count(1), itertools.count()
        self._some = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._door = socket.create_server(("127.0.0.1", 0), backlog=2_000)
        self.port: int = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._do(self._open)

    def url(self, url: str) -> str:
        """The same URL, by way of this line."""
        parts = urllib.parse.urlsplit(url)
        account, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{account}{at}127.0.0.1:{self.port}").geturl()

    def cut(self) -> None:
        """Hang up on everybody, and take nobody new."""
        self._now(lambda: self._hang_up(cut=True, stalled=False))

    def stall(self) -> None:
        """Hang up on everybody; take whoever calls, and say nothing."""
        self._now(lambda: self._hang_up(cut=False, stalled=True))

    def mend(self) -> None:
        """Take calls again, in fair weather; who was kept waiting has to call anew."""

        def mend() -> None:
            if self._stalled:
                self._hang_up(cut=False, stalled=False)
            self._cut = self._stalled = False
            self._set(FAIR, FAIR)

        self._now(mend)

    def weather(self, up: Weather | None = None, down: Weather | None = None) -> None:
        """From now on the weather is so, also for connections that are there; None leaves a direction as it is."""
        self._now(lambda: self._set(up or self.up, down or self.down))

    def freeze(self) -> None:
        """Nothing passes any more, and nobody is told: what is sent arrives when it is mended."""
        self.weather(Weather(silent=True), Weather(silent=True))

    def cut_some(self, share: float) -> int:
        """Hang up on this share of the connections, who by chance; how many that were."""

        def cut() -> int:
            unlucky = [line for line in sorted(self._lines, key=_number) if self._some.random() < share]
            for line in unlucky:
                line.hang_up()
            self.broken += len(unlucky)
            return len(unlucky)

        return int(self._now(cut))

    def close(self) -> None:
        """End, and leave nothing behind."""
        self._do(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Callable[[], Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(timeout=30)

    def _now(self, work: Callable[[], Any]) -> Any:
        async def now() -> Any:
            return work()

        return self._do(now)

    async def _open(self) -> asyncio.Server:
        return await asyncio.start_server(self._take, sock=self._door, limit=CHUNK)

    async def _close(self) -> None:
        self._server.close()
        self._hang_up(cut=True, stalled=False)
        mine = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    def _set(self, up: Weather, down: Weather) -> None:
        self.up, self.down = up, down
        self._changed.set()
        self._changed = asyncio.Event()

    def _hang_up(self, *, cut: bool, stalled: bool) -> None:
        self._cut, self._stalled = cut, stalled
        for line in self._lines:
            line.hang_up()
        for caller in self._kept:
            caller.transport.abort()
        self._kept.clear()

    async def _take(self, hears: asyncio.StreamReader, caller: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):  # we are closed
            await self._serve(hears, caller)

    async def _serve(self, hears: asyncio.StreamReader, caller: asyncio.StreamWriter) -> None:
        if self._cut:
            caller.transport.abort()
            return
        if self._stalled:
            self._kept.append(caller)
            return
        number = next(self._numbers)
        line = _Line(number, random.Random(f"{self.seed} {number}"), [caller])
        self._lines.add(line)
        self.taken += 1
        try:
            answers, target = await self._call()
            line.ends.append(target)
            if self._cut or self._stalled:  # while we were calling
                return
            async with asyncio.TaskGroup() as carrying:
                carrying.create_task(self._carry(line, hears, target, lambda: self.up))
                carrying.create_task(self._carry(line, answers, caller, lambda: self.down))
        except* (OSError, _Broken):
            pass
        finally:
            self._lines.discard(line)
            line.hang_up()

    async def _call(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Whoever of the targets takes the call, each being the first to be asked in its turn."""
        first = next(self._turns)
        for step in range(len(self.targets)):
            host, port = self.targets[(first + step) % len(self.targets)]
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(host, port, limit=CHUNK)
        raise ConnectionRefusedError

    async def _carry(
        self, line: _Line, source: asyncio.StreamReader, sink: asyncio.StreamWriter, sky: Callable[[], Weather]
    ) -> None:
        """Everything of one direction; what is under way has its time of arrival, so latency costs no rate."""
        underway: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(UNDERWAY)
        doom = line.dice.randrange(FEW) if line.dice.random() < sky().doomed else None

        async def receive() -> None:
            latest = 0.0
            while chunk := await source.read(CHUNK):
                weather = sky()
                late = self._loop.time() + weather.latency_s + weather.jitter_s * line.dice.random()
                latest = max(latest, late)
                await underway.put((latest, chunk))
            await underway.put((latest, b""))

        async def deliver() -> None:
            passed = 0
            while True:
                arrives, chunk = await underway.get()
                await asyncio.sleep(arrives - self._loop.time())
                while sky().silent:
                    await self._changed.wait()
                if not chunk:
                    with contextlib.suppress(OSError):  # a line that is gone has no end to be told
                        sink.write_eof()
                    return
                limit = self._limit(line, sky(), len(chunk), passed, doom)
                await _write(sink, chunk[:limit], sky().bytes_s)
                passed += len(chunk)
                if limit is not None:
                    self.broken += 1
                    raise _Broken

        async with asyncio.TaskGroup() as both:
            both.create_task(receive())
            both.create_task(deliver())

    def _limit(self, line: _Line, weather: Weather, size: int, passed: int, doom: int | None) -> int | None:
        """After how many bytes of this chunk the connection breaks; None where it does not."""
        chance = line.dice.random()
        if chance < weather.swallows:
            return 0
        if chance < weather.swallows + weather.breaks:
            return line.dice.randrange(size)
        ends = [end - passed for end in (weather.cut_after, doom) if end is not None and end <= passed + size]
        return max(0, min(ends)) if ends else None


class _Broken(Exception):
    """The weather has ended this connection."""


async def _write(sink: asyncio.StreamWriter, data: bytes, bytes_s: float | None) -> None:
    portion = len(data) if bytes_s is None else max(1, int(bytes_s * TICK_S))
    for at in range(0, len(data), portion or 1):
        sink.write(data[at : at + portion])
        await sink.drain()
        if bytes_s is not None:
            await asyncio.sleep(portion / bytes_s)


def _number(line: _Line) -> int:
    return line.number


@contextlib.contextmanager
def proxy_to(host: str, port: int, *others: Address, seed: int = 1) -> Iterator[Proxy]:
    """A proxy in front of that address, or of several."""
    proxy = Proxy((host, port), *others, seed=seed)
    try:
        yield proxy
    finally:
        proxy.close()
