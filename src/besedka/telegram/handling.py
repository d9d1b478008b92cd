"""What waits is handled: chats beside each other, what came in one chat one after the other."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.conversations import signals
from besedka.conversations.batcher import Batcher
from besedka.problems import Problem, Unavailable
from besedka.telegram import acts, files, operators, updates
from besedka.telegram.acts import Act, File
from besedka.telegram.failures import Failure, Never
from besedka.telegram.operators import Done
from besedka.telegram.updates import Failed, Take, Waiting

if TYPE_CHECKING:
    from besedka.telegram.client import Client

logger = logging.getLogger(__name__)

AT_ONCE = 200  # updates that are in work
SWEEP_S = 1.0  # those whose signal was lost, and those that are tried again
DOWNLOADS = 3  # tries for a file, one after the other: what comes after it in its chat has to wait
PAUSE_S = 1.0


class Job(msgspec.Struct, frozen=True):
    """An update with everything in hand that its effect needs."""

    waiting: Waiting
    act: Act


class Handling:
    """The updates that are in work in this process."""

    def __init__(self, client: "Client", writer: Batcher, reader: Batcher) -> None:
        """The database by its batchers; the client for files, and to answer buttons."""
        self._client, self._writer, self._reader = client, writer, reader
        self._chats: dict[int, asyncio.Task[None]] = {}
        self._in_work: set[int] = set()

    async def run(self) -> None:
        """Handle whatever waits, until cancelled."""
        try:
            with signals.listen(updates.TOPIC, frozenset({updates.KIND})) as woken:
                while True:
                    with contextlib.suppress(Unavailable):
                        await self._begin()
                    await woken.wait(SWEEP_S)
        finally:
            tasks = list(self._chats.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self) -> None:
        """Take up what waits in chats where nothing is in work."""
        take = Take(AT_ONCE - len(self._in_work), frozenset(self._in_work))
        if take.limit <= 0:
            return
        by_chat: dict[int, list[Waiting]] = {}
        for waiting in await self._reader.submit(updates.waiting_many, take):
            chat = waiting.update.chat_id if waiting.update is not None else 0
            by_chat.setdefault(chat, []).append(waiting)
        for chat, found in by_chat.items():
            if chat not in self._chats:
                self._in_work |= {waiting.id for waiting in found}
                self._chats[chat] = asyncio.create_task(self._handle_in_order(chat, found))

    async def _handle_in_order(self, chat: int, found: Sequence[Waiting]) -> None:
        try:
            for waiting in found:
                await self._handle(waiting)
        except Unavailable as problem:
            logger.warning("updates of Telegram wait: %s", problem.detail)
            await asyncio.sleep(PAUSE_S)
        finally:
            self._in_work -= {waiting.id for waiting in found}
            del self._chats[chat]
            signals.deliver({updates.KIND: [updates.TOPIC]})

    async def _handle(self, waiting: Waiting) -> None:
        """Its effect has happened; or it is tried again later, or parked. Raises `Unavailable`."""
        try:
            act = acts.act(waiting.update) if waiting.update is not None else None
            if act is None:
                raise ValueError("this is no update that we can read")
            if act.file is not None:
                act = await self._with_file(act, act.file)
            done = await self._writer.submit(handle_many, Job(waiting, act))
        except Unavailable:
            raise
        except Exception as error:  # whatever it is about this update, it must not stop the others
            is_parked = await self._writer.submit(updates.failed_many, Failed(waiting.id, _told(error)))
            logger.exception("update %d %s", waiting.update_id, "is parked" if is_parked else "failed")
            return
        if act.query_id and done is not None:
            await self._answer_press(act.query_id, done)

    async def _with_file(self, act: Act, file: File) -> Act:
        """With its file in our store, or with the reason why there is none."""
        conversation_id = await self._reader.submit(operators.led_many, act.chat_id)
        if conversation_id is None:
            return act  # whoever sent it is told that nobody is there to get it
        if (file.size or 0) > files.LARGEST:
            return msgspec.structs.replace(act, lost="file_large")
        try:
            data = await self._download(file)
            kept = await files.keep(self._writer, msgspec.structs.replace(file, data=data), conversation_id)
        except Failure as failure:
            is_large = "large" in str(failure) or "big" in str(failure)
            return msgspec.structs.replace(act, lost="file_large" if is_large else "file_lost")
        except Problem as problem:
            return msgspec.structs.replace(act, lost=files.refusal(problem))
        return msgspec.structs.replace(act, kept=kept)

    async def _download(self, file: File) -> bytes:
        """The bytes of a file. Raises `Failure`."""
        for attempt in range(1, DOWNLOADS):
            try:
                return await self._client.download(file.file_id)
            except Never:
                raise
            except Failure:
                await asyncio.sleep(PAUSE_S * attempt)
        return await self._client.download(file.file_id)

    async def _answer_press(self, query_id: str, done: Done) -> None:
        try:
            await self._client.answer_press(query_id, done.alert)
        except Failure as failure:
            logger.info("a button was not answered: %s", failure)  # it turns for a while, nothing more


@transaction.atomic(savepoint=False)
def handle_many(jobs: Sequence[Job]) -> list[Done | None]:
    """Each update has its effect and is marked as handled, both or neither. None: it was handled before."""
    now = timezone.now()
    free = updates.lock_many(job.waiting.id for job in jobs)
    done = [operators.perform(job.act, now=now) if job.waiting.id in free else None for job in jobs]
    updates.handled_many(free, now=now)
    return done


def _told(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
