"""What all requests of this process share: the batchers, the inboxes, the rates, and whom we have seen."""

import asyncio
from collections import OrderedDict
from typing import Any

from besedka.conversations import inboxes
from besedka.conversations.batcher import Batcher
from besedka.conversations.contacts import Address
from besedka.conversations.inboxes import Directory
from besedka.door.desk_counts import Counting
from besedka.door.limits import Rates

DIRECTORY_S = 2  # seconds until a change of an inbox is seen by every process
KNOWN = 100_000  # addresses whose conversation a process remembers


class Door:
    """The state of the front door in one process."""

    def __init__(self, *, rate_limits: bool, trusted_proxies: int) -> None:
        """`trusted_proxies` is how many proxies of ours append to `X-Forwarded-For`."""
        self.writer, self.reader = Batcher("writer", writes=True), Batcher("reader", writes=False)
        self.desk_reader = Batcher("desk", writes=False)  # a list of hundreds that wait holds up no visitor
        self.rates = Rates(on=rate_limits)
        self.trusted_proxies = trusted_proxies
        self.counting = Counting(self.desk_reader)
        self.directory = Directory({}, None, frozenset())
        # Conversation to seq: gone out a moment ago, whatever the cursor says.
        self.handed_out: dict[int, int] = {}
        # Whose body is on its way, since when, and the task that waits for it.
        self.reading: dict[Any, tuple[float, asyncio.Task[Any] | None]] = {}
        self.late: set[Any] = set()  # of these, who was late when they were last looked at
        self.held = 0  # bytes of files that are on their way in
        self.fetching = 0  # files that are fetched from where they lie
        self._known: OrderedDict[Address, int] = OrderedDict()

    def conversation_of(self, address: Address) -> int | None:
        """Where this address writes, if this process has seen it; it changes only when a contact is erased."""
        return self._known.get(address)

    def remember(self, address: Address, conversation_id: int) -> None:
        """Know from now on where this address writes."""
        self._known[address] = conversation_id
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)

    def forget(self, address: Address) -> None:
        """Nobody is known at this address any more."""
        self._known.pop(address, None)

    async def read_directory(self) -> None:
        """Know the inboxes as they are now. Raises `Unavailable`; then the last known ones stay."""
        self.directory = await self.reader.submit(_directories, None)


def _directories(items: list[None]) -> list[Directory]:
    return [inboxes.directory()] * len(items)
