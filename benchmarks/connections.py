"""What one more person costs a web process in memory and descriptors: by poll, by stream of events, by WebSocket.

So many people of one kind come to one web process, each with a conversation of one message, and only read.
"""

import asyncio
import contextlib
import secrets
import sys
from pathlib import Path

import load_site
import load_watch
from load_people import OF_KIND, Tally, Visitor
from load_site import Shape, Site

PEOPLE = 2_000
SETTLE_S = 6.0  # everybody has polled twice by then


def _memory_kb(pid: int) -> tuple[float, int]:
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * load_watch.PAGE_MB * 1024, files


async def _come(site: Site, kind: str, count: int) -> tuple[float, float]:
    """Kilobytes and descriptors for each of them."""
    pid, *_ = site.processes()["web"]  # one process is all of it
    tally, run = Tally(), secrets.token_hex(4)
    key, words = site.inboxes[1]
    people = [OF_KIND[kind](site.url, f"{kind}-{run}-{number}", key, words, tally) for number in range(count)]
    for visitor in people:
        await _speak_once(visitor)
    await asyncio.sleep(SETTLE_S)
    before, files = _memory_kb(pid)
    for visitor in people:
        await visitor.come()
    await asyncio.sleep(SETTLE_S)
    after, more_files = _memory_kb(pid)
    for visitor in people:
        await visitor.leave()
        visitor.reading.close()
    if tally.errors:
        raise RuntimeError(f"{tally.errors}")
    return (after - before) / count, (more_files - files) / count


async def _speak_once(visitor: Visitor) -> None:
    """There is a conversation; the connection that it took is gone."""
    if visitor.kind == "socket":
        visitor = OF_KIND["after"](
            visitor.url, visitor.token, visitor.query.removeprefix("inbox="), "hello", visitor.tally
        )
    await visitor.say()
    visitor.writing.close()


def run(count: int = PEOPLE) -> dict[str, dict[str, float]]:
    """Kilobytes of memory and descriptors of one person more, by kind; each kind meets a fresh process."""
    found = {}
    for kind in ("after", "stream", "socket"):
        with (
            load_site.started(Shape(web=1, phones=0, operators=0)) as site,
            contextlib.suppress(KeyboardInterrupt),
        ):
            size, files = asyncio.run(_come(site, kind, count))
            found[kind] = {"kilobytes": round(size, 1), "descriptors": round(files, 2)}
    return found


if __name__ == "__main__":
    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE))
