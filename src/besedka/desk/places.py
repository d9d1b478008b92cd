"""The places of those who wait, as this process knows them: read often, so kept; wrong for a moment at most."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from besedka.conversations import signals
from besedka.conversations.signals import Topic

READ_S = 2  # seconds between two looks when no signal comes
PAUSE_S = 0.25  # seconds between two looks at least, however many signals come

_places: dict[int, int] = {}


class Board:
    """Keeps the places fresh in this process."""

    def __init__(self, read: Callable[[], Awaitable[dict[int, int]]]) -> None:
        """`read` tells the place of every conversation that waits."""
        self._read = read
        self._moved = asyncio.Event()

    def hear(self, topics: list[Topic]) -> None:
        """Somebody began or ceased to wait."""
        if "desk:waiting" in topics:
            self._moved.set()

    async def refresh(self) -> None:
        """Know the places as they are now, and wake whoever's has changed."""
        places = await self._read()
        changed = [one for one in places.keys() | _places.keys() if places.get(one) != _places.get(one)]
        _places.clear()
        _places.update(places)
        signals.deliver({"place": changed})
        self._moved.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READ_S):
                await self._moved.wait()


def of(conversation_id: int | None) -> int | None:
    """The place of this conversation in its queue, from 1 on; None where it does not wait."""
    return _places.get(conversation_id) if conversation_id is not None else None
