"""Visitors under way while something happens to the server; afterwards the books are compared."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import running
import services
from faults import book, consoles, ledger
from faults.ledger import Visitor
from faults.site import Site

DATABASES = ["sqlite", "postgresql"]
NOBODY = range(0)
SETTLED_S = 60  # whatever was accepted is reacted to by then
# Who asked for a person waits however long the trial takes: on a slow machine the house would give up on people.
PATIENT = """
from besedka.conversations.models import Inbox
from besedka.desk.models import Routing
for inbox in Inbox.objects.all():
    Routing.objects.get_or_create(inbox=inbox, defaults={"bot_s": 0})
"""


@dataclass
class Seen:
    """A site as it is seen from elsewhere: through a line."""

    site: running.Server | Site
    url: str

    def select(self, query: str) -> list[tuple[Any, ...]]:
        """What its database says."""
        return self.site.select(query)

    def shell(self, code: str) -> str:
        """What Python prints beside it."""
        return self.site.shell(code)


Tried = running.Server | Site | Seen


def database_url(database: str) -> str:
    """Where the tests' server makes its scratch database; skips where there is none."""
    names = {"postgresql": "PostgreSQL", "mariadb": "MariaDB"}
    return services.url(names[database]) if database in names else ""


def visited(
    site: Tried,
    folder: Path,
    trouble: Callable[[], Awaitable[None]],
    *,
    visitors: int = 8,
    ways: Sequence[str] = ("poll",),
    seed: int = 1,
    modelled: bool = False,
    operators: int = 0,
    past: range = NOBODY,
) -> tuple[list[Visitor], list[str]]:
    """Visitors talk while `trouble` goes on and until it is over; they, and what is wrong in the books.

    The conversations in `past` were there before, and nothing is owed in them.
    """

    site.shell(PATIENT)
    staff = consoles.hired(site.shell, site.url, operators)

    async def everything() -> list[Visitor]:
        stop = asyncio.Event()
        visit = ledger.visit(site.url, visitors, folder, stop, seed, ways=ways, modelled=modelled)
        visiting = asyncio.create_task(visit)
        working = [asyncio.create_task(console.work()) for console in staff]
        try:
            await trouble()
        finally:
            stop.set()
            people = await visiting
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
        await asyncio.to_thread(settle, site)
        for console in staff:
            await console.finish()
        await ledger.catch_up(people)
        return people

    people = asyncio.run(everything())
    print(ledger.summary(people))
    broken = wrong(site, people, past=past)
    for console in staff:
        broken += console.faults(lambda conversation: ledger.log_of_conversation(conversation, site.select))
    book.note(**ledger.figures(people), **ledger.breaks(broken))
    return people, broken


def settle(site: Tried) -> None:
    """Nobody waits for the bot any more."""
    until = time.monotonic() + SETTLED_S
    while time.monotonic() < until:
        if site.select("SELECT COUNT(*) FROM conversations_conversation WHERE due_at IS NOT NULL") == [(0,)]:
            return
        time.sleep(0.1)
    raise AssertionError(f"after {SETTLED_S} s the bot still owes reactions")


def wrong(site: Tried, people: list[Visitor], *, past: range = NOBODY) -> list[str]:
    """Everything that does not add up, in the database and with the readers."""

    def select(query: str) -> list[tuple[Any, ...]]:
        return [row for row in site.select(query) if row[0] not in past]

    logs = ledger.logs_of([visitor.token for visitor in people], site.select)
    found = [fault for visitor in people for fault in ledger.faults(visitor, logs[visitor.token])]
    return found + ledger.turn_faults(select)


def log_of(site: Tried, token: str) -> list[ledger.Message]:
    """One visitor's log as the database has it."""
    return ledger.logs_of([token], site.select)[token]
