"""How fast one may talk to Telegram: one message a second to one person, 25 a second to all of them."""

import asyncio

from besedka.telegram.failures import Later

CHAT_S = 1.0  # between two messages to one person
ALL_S = 1 / 25  # between two calls
REMEMBERED = 10_000  # chats


class Pace:
    """When the next message to whom may go."""

    def __init__(self) -> None:
        """Nobody has been written to."""
        self._chats: dict[str, float] = {}
        self._all = 0.0
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Whoever waits for a turn gets none."""
        self._stopped.set()

    async def turn(self, chat: str | None) -> None:
        """Wait for the next turn; None: of a call that is no message. Raises `Later` once we stop."""
        loop = asyncio.get_running_loop()
        if chat is not None:
            await self._until(self._chats.get(chat, 0.0))
        at = max(loop.time(), self._all)
        self._all = at + ALL_S
        await self._until(at)
        if chat is not None:
            if len(self._chats) > REMEMBERED:
                now = loop.time()
                self._chats = {known: free_at for known, free_at in self._chats.items() if free_at > now}
            self._chats[chat] = loop.time() + CHAT_S

    async def _until(self, at: float) -> None:
        left = at - asyncio.get_running_loop().time()
        if left > 0 and not self._stopped.is_set():
            try:
                await asyncio.wait_for(self._stopped.wait(), left)
            except TimeoutError:
                return
        if self._stopped.is_set():
            raise Later("we end", 0.0)
