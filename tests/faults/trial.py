"""Visitors under way while something happens to the server; afterwards the books are compared."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import running
from faults import ledger
from faults.ledger import Visitor

POSTGRESQL = os.environ.get("BESEDKA_TEST_POSTGRESQL", "")
DATABASES = ["sqlite", "postgresql"]
SETTLED_S = 60  # whatever was accepted is reacted to by then
# Who asked for a person waits however long the trial takes: on a slow machine the house would give up on people.
PATIENT = """
from besedka.conversations.models import Inbox
from besedka.desk.models import Routing
for inbox in Inbox.objects.all():
    Routing.objects.get_or_create(inbox=inbox, defaults={"bot_s": 0})
"""


def database_url(database: str) -> str:
    """Where the tests' server makes its scratch database; skips where there is none."""
    if database == "postgresql" and not POSTGRESQL:
        pytest.skip("BESEDKA_TEST_POSTGRESQL names no server")
    return POSTGRESQL if database == "postgresql" else ""


def visited(
    site: running.Server,
    folder: Path,
    trouble: Callable[[], Awaitable[None]],
    *,
    visitors: int = 8,
    readers: int = 1,
    seed: int = 1,
) -> tuple[list[Visitor], list[str]]:
    """Visitors talk while `trouble` goes on and until it is over; they, and what is wrong in the books."""

    site.shell(PATIENT)

    async def everything() -> list[Visitor]:
        stop = asyncio.Event()
        visiting = asyncio.create_task(ledger.visit(site.url, visitors, folder, stop, seed, readers=readers))
        try:
            await trouble()
        finally:
            stop.set()
            people = await visiting
        await asyncio.to_thread(settle, site)
        await ledger.catch_up(people)
        return people

    people = asyncio.run(everything())
    print(ledger.summary(people))
    return people, wrong(site, people)


def settle(site: running.Server) -> None:
    """Nobody waits for the bot any more."""
    until = time.monotonic() + SETTLED_S
    while time.monotonic() < until:
        if site.select("SELECT COUNT(*) FROM conversations_conversation WHERE due_at IS NOT NULL") == [(0,)]:
            return
        time.sleep(0.1)
    raise AssertionError(f"after {SETTLED_S} s the bot still owes reactions")


def wrong(site: running.Server, people: list[Visitor]) -> list[str]:
    """Everything that does not add up, in the database and with the readers."""
    logs = ledger.logs_of(people, site.select)
    found = [fault for visitor in people for fault in ledger.faults(visitor, logs[visitor.token])]
    return found + ledger.turn_faults(site.select)
