"""The counters of all consoles of a process, counted together: each message stirs one, all cost little more."""

import asyncio
from typing import Any

import msgspec

from besedka.conversations import queries
from besedka.conversations.batcher import Batcher
from besedka.desk import duty, invitations
from besedka.desk.duty import Post

PAUSE_S = 1.0  # seconds that consoles are collected for
Inboxes = tuple[int, ...] | None


class Counted(msgspec.Struct, frozen=True):
    """What a console shows: how many wait, are mine, …, who is offered to me; and everybody who answers."""

    counts: dict[str, int | None]
    posts: list[Post]


_everybody: list[Post] = []


class Counting:
    """Whoever wants to know is told together with all who asked meanwhile."""

    def __init__(self, reader: Batcher) -> None:
        self._reader = reader
        self._asked: dict[tuple[int, Inboxes], list[asyncio.Future[Counted]]] = {}
        self._answering: asyncio.Task[None] | None = None

    async def now(self, operator_id: int, inbox_ids: Inboxes) -> Counted:
        """The counters of one operator, at once. Raises `Unavailable`."""
        [counted] = await self._reader.submit(_count, [(operator_id, inbox_ids)])
        return counted

    async def soon(self, operator_id: int, inbox_ids: Inboxes) -> Counted:
        """The same within `PAUSE_S` seconds and a little. Raises `Unavailable`."""
        told: asyncio.Future[Counted] = asyncio.get_running_loop().create_future()
        self._asked.setdefault((operator_id, inbox_ids), []).append(told)
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer())
        return await told

    async def _answer(self) -> None:
        await asyncio.sleep(PAUSE_S)
        asked, self._asked, self._answering = self._asked, {}, None
        try:
            counted = await self._reader.submit(_count, list(asked))
        except Exception as error:  # whatever it is, those who wait have to hear it
            for told in (told for waiting in asked.values() for told in waiting if not told.done()):
                told.set_exception(error)
            return
        for waiting, result in zip(asked.values(), counted, strict=True):
            for told in waiting:
                if not told.done():
                    told.set_result(result)


def _count(batches: list[list[tuple[int, Inboxes]]]) -> list[list[Counted]]:
    """For each batch of consoles what each of them shows, in some statements for all."""
    global _everybody  # only the reader's thread is here
    wanted = list(dict.fromkeys(one for batch in batches for one in batch))
    posts = duty.everybody()
    if posts == _everybody:
        posts = _everybody  # the very same: so each of many consoles need not compare all of them
    _everybody = posts
    by_id: dict[int, Any] = {post.user_id: post for post in posts}
    called = [by_id[operator_id] for operator_id, _ in wanted if operator_id in by_id]
    offers = dict(zip((post.user_id for post in called), invitations.offered_many(called), strict=True))
    counted = {
        one: Counted({**counts, "offer": offers.get(one[0])}, posts)
        for one, counts in zip(wanted, queries.counts_many(wanted), strict=True)
    }
    return [[counted[one] for one in batch] for batch in batches]
