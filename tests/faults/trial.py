"""Visitors under way while something happens to the server; afterwards the books are compared."""

import asyncio
import json
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

from besedka.turns.run import MAX_ATTEMPTS

DATABASES = ["sqlite", "postgresql"]
NOBODY = range(0)
HAND_OFFS = (
    "SELECT conversation_id, reason, trace, started_at, finished_at FROM conversations_turn "
    "WHERE outcome = 'handed_off'"
)
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
    deadly: bool = False,
) -> tuple[list[Visitor], list[str]]:
    """Visitors talk while `trouble` goes on and until it is over; they, and what is wrong in the books.

    The conversations in `past` were there before, and nothing is owed in them. In a `deadly` trouble the house
    calls a person for whoever's turn it dies of again and again.
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
    broken = wrong(site, people, past=past, deadly=deadly)
    for console in staff:
        broken += console.faults(lambda conversation: ledger.log_of_conversation(conversation, site.select))
    if broken:
        print(*site.select(HAND_OFFS), sep="\n")
    book.note(**ledger.figures(people), **ledger.breaks(broken))
    return people, broken


def settle(site: Tried) -> None:
    """Nobody waits for the bot any more."""
    until = time.monotonic() + SETTLED_S
    while owed := site.select(
        "SELECT id, attempts, due_at FROM conversations_conversation WHERE due_at IS NOT NULL"
    ):
        assert time.monotonic() < until, f"after {SETTLED_S} s the bot still owes reactions: {owed}"
        time.sleep(0.1)


def wrong(site: Tried, people: list[Visitor], *, past: range = NOBODY, deadly: bool = False) -> list[str]:
    """Everything that does not add up, in the database and with the readers."""

    def select(query: str) -> list[tuple[Any, ...]]:
        return [row for row in site.select(query) if row[0] not in past]

    hopeless = given_up(select) if deadly else set()
    for visitor in people:
        visitor.given_up = ledger.digest(visitor.token) in hopeless
    logs = ledger.logs_of([visitor.token for visitor in people], site.select)
    found = [fault for visitor in people for fault in ledger.faults(visitor, logs[visitor.token])]
    return found + ledger.turn_faults(select)


def given_up(select: ledger.Select) -> set[str]:
    """The tokens' digests of those for whom the house called a person on purpose.

    Whoever thought about their turn died five times, or died and a minute was over: nobody waits for longer.
    """
    found = set()
    for known_as, reason, told in select(
        "SELECT i.known_as, t.reason, t.trace FROM conversations_turn t "
        "JOIN conversations_conversation c ON c.id = t.conversation_id "
        "JOIN conversations_identity i ON i.contact_id = c.contact_id "
        "WHERE t.outcome = 'handed_off' AND t.reason IN ('turn_failed', 'deadline')"
    ):
        trace = json.loads(told) if isinstance(told, str) else told
        deaths = trace["attempt"] - 1
        if "error" not in trace and deaths >= (MAX_ATTEMPTS if reason == "turn_failed" else 1):
            found.add(known_as)
    return found


def log_of(site: Tried, token: str) -> list[ledger.Message]:
    """One visitor's log as the database has it."""
    return ledger.logs_of([token], site.select)[token]
