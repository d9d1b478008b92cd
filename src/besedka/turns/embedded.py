"""The turns that this process runs: each conversation's one after another, many conversations at once."""

import asyncio
import functools
import logging
from collections.abc import Iterable

from besedka import about
from besedka.answers import budget
from besedka.conversations import leases, signals, speech
from besedka.conversations.batcher import Batcher
from besedka.conversations.leases import Claim
from besedka.figures import counted
from besedka.problems import Unavailable
from besedka.turns import claim, ledger, run
from besedka.turns.calls import Books

logger = logging.getLogger(__name__)

AT_ONCE = 2_000  # turns under way; the rest waits in the database, where the sweep finds it
RENEW_S = leases.LEASE_S / 3  # seconds between two renewals of the leases that we hold
WAITING, THINKING, COMMIT = (counted.TURN_SECONDS.labels(stage) for stage in ("waiting", "thinking", "commit"))
SWEEP_S = 1  # seconds between two looks for turns that nobody runs


class Runner:
    """Runs the turns that are due."""

    def __init__(self, writer: Batcher, reader: Batcher) -> None:
        """The database by its batchers. To be made on the loop that the turns are to run on."""
        self._writer, self._reader = writer, reader
        self._loop = asyncio.get_running_loop()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._again: set[int] = set()
        self._finishing = False
        self._claims: dict[int, Claim] = {}
        self._books = Books(
            open=functools.partial(writer.submit, ledger.open_many),
            close=functools.partial(writer.submit, ledger.close_many),
        )

    def begin(self, conversation_ids: Iterable[int | str]) -> None:
        """See to these conversations' turns, on the running loop."""
        for conversation_id in conversation_ids:
            if not isinstance(conversation_id, int) or self._finishing:
                continue
            if conversation_id in self._running:
                self._again.add(conversation_id)
            elif len(self._running) < AT_ONCE:
                self._running[conversation_id] = asyncio.create_task(self._serve(conversation_id))

    async def renew(self) -> None:
        """Hold the leases of turns that take long."""
        held = [self._writer.submit(leases.renew_many, claim, durable=False) for claim in self._claims.values()]
        await asyncio.gather(*held)

    async def sweep(self) -> None:
        """Begin turns that are due and that nobody runs: their signal was lost, or their worker died."""
        self.begin(await self._reader.submit(_due, AT_ONCE))

    def rouse(self, conversation_ids: Iterable[int]) -> None:
        """As `begin`, from another thread."""
        self._loop.call_soon_threadsafe(self.begin, conversation_ids)

    async def finish(self) -> None:
        """Begin nothing any more; what runs has ended when this returns. A turn is given up after a minute."""
        self._finishing = True
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def stop(self) -> None:
        """End what runs. What was not committed is due still and begins anew, here or elsewhere."""
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _serve(self, conversation_id: int) -> None:
        about.note(conversation=conversation_id)
        try:
            due = True
            while (due or conversation_id in self._again) and not self._finishing:
                self._again.discard(conversation_id)
                due = await self._turn(conversation_id)
        except Unavailable:
            logger.warning("no database; the sweep takes the turn up again")
        finally:
            self._again.discard(conversation_id)
            self._running.pop(conversation_id, None)

    async def _turn(self, conversation_id: int) -> bool:
        task = await self._writer.submit(claim.claim_many, conversation_id, durable=False)
        if task is None:
            return False
        self._claims[conversation_id] = task.claim
        WAITING.observe(task.claim.waited_s)
        signals.send_many({"typing:bot": [conversation_id]})
        try:
            with counted.TURNS_RUNNING.track_inprogress(), THINKING.time():
                thought = await run.think(
                    task,
                    aloud=functools.partial(speech.aloud, conversation_id),
                    spend=functools.partial(self._writer.submit, budget.spend_many, durable=False),
                    books=self._books,
                )
            with COMMIT.time():
                due = await self._writer.submit(run.commit_many, thought)
            counted.TURNS.labels(thought.outcome).inc()
            return due
        except Exception:
            counted.TURNS.labels("failed").inc()
            raise
        finally:
            self._claims.pop(conversation_id, None)
            speech.silence(conversation_id)


def _due(limits: list[int]) -> list[list[int]]:
    return [leases.due(limit=limit) for limit in limits]
