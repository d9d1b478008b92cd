"""Files of messages on their way to Telegram, and from there."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
from django.db import connection

from besedka.conversations import attachments, uploads
from besedka.conversations.attachments import Kept
from besedka.conversations.batcher import Batcher
from besedka.conversations.uploads import FileTooLarge, Upload
from besedka.problems import NotFound, Problem, Unavailable
from besedka.telegram.acts import File

LARGEST = uploads.MAX_BYTES  # that we keep; Telegram would give twice as much
_PHOTOS = ("image/jpeg", "image/png", "image/webp")
_VOICE = "audio/ogg"
_working = ThreadPoolExecutor(4, "telegram-files")  # a store that hangs is to hold up nothing but files

T = TypeVar("T")


class Found(msgspec.Struct, frozen=True):
    """A file as Telegram is to show it: a `photo`, a `voice` or a `document`."""

    kind: str
    name: str
    data: bytes


async def read(file: dict[str, Any]) -> Found | None:
    """The file of a message's payload; None where it is not to be had. Raises `Unavailable`."""
    return await _apart(lambda: _on_its_own(lambda: _read(str(file.get("key", "")))))


def _read(key: str) -> Found | None:
    try:
        kept = attachments.read(key)
        with attachments.opened(key) as opened:
            data = bytes(opened.read())
    except NotFound:
        return None
    kind = "photo" if kept.media_type in _PHOTOS else "voice" if kept.media_type == _VOICE else "document"
    return Found(kind, kept.name, data)


async def keep(writer: Batcher, file: File, conversation_id: int) -> Kept:
    """The file is stored and known, for a message of this conversation. Raises a `Problem` if it is refused."""
    upload = Upload(name=file.name, media_type=file.media_type, data=file.data, conversation_id=conversation_id)
    written = await _apart(lambda: attachments.write(upload))  # decodes pictures
    if isinstance(written, Problem):
        raise written
    try:
        return await writer.submit(attachments.record_many, written)
    except BaseException:
        await _apart(lambda: attachments.discard(written))
        raise


def name_of(file: dict[str, Any]) -> str:
    """What the sender called it."""
    return str(file.get("name") or "file")


def refusal(problem: Problem) -> str:
    """Why a file was not taken, as a key of our texts. Raises what may be over in a moment."""
    if isinstance(problem, Unavailable):
        raise problem
    return "file_large" if isinstance(problem, FileTooLarge) else "file_refused"


async def _apart(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_working, work)


def _on_its_own(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        connection.close()  # this thread's own
