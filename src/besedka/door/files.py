"""Files of a conversation: taken in as a stream within bounds, handed out so that no browser runs them."""

import asyncio
import os
import re
import time
import urllib.parse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
from django.core.files import File
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from besedka.conversations import attachments, wire
from besedka.conversations.attachments import Kept, Room, Written
from besedka.conversations.contacts import Address
from besedka.conversations.uploads import MAX_BYTES, NAME_LENGTH, FileTooLarge, Upload, is_picture
from besedka.door.admission import FILE_KEY, Caller, json_response
from besedka.problems import Invalid, NotFound, Problem, Unavailable

SLOWEST = 32 * 1024  # bytes a second that keep an upload alive when it takes longer than any body may
PASSED_OVER = 2 * MAX_BYTES  # bytes of a body too large that we still read, so that its sender hears why
HELD = 256 * 1024 * 1024  # bytes of unfinished uploads in one process
A_DAY_S = 86_400
_SOUND = re.compile(r"audio/[a-z0-9]+")
FETCHED = 100  # files that one process fetches from elsewhere at once, or has waiting to be fetched
_working = ThreadPoolExecutor(4, "files")  # decoding takes its time, and is to keep nobody else waiting
_fetching = ThreadPoolExecutor(8, "fetching")  # files that lie elsewhere; a store that hangs holds up these only

T = TypeVar("T")


async def post_file(caller: Caller) -> Response:
    """`POST /api/v1/conversation/files?name=`: the body is the file; the answer has its key, for a message."""
    address = caller.address()
    kept = await receive(caller, address=address)
    return json_response(shown(kept), status=201)


async def receive(caller: Caller, *, address: Address | None = None, conversation_id: int | None = None) -> Kept:
    """The file in the body of this request, kept for a contact at an address or for staff in a conversation.

    Its name is the query's `name`, its type the header `Content-Type`. Raises what `attachments.write` and
    `attachments.record_many` refuse with, `RateLimited`, `Invalid` for a body that is cut off or too slow.
    """
    caller.count_upload()
    door = caller.door
    led_to = await door.reader.submit(attachments.room_many, Room(conversation_id, address))
    data = await _body(caller)
    upload = Upload(
        name=caller.request.query_params.get("name", ""),
        media_type=caller.header(b"content-type") or "",
        data=data,
        conversation_id=conversation_id,
        address=address,
        led_to=led_to if address is not None else None,
    )
    written = await _in(_working, lambda: attachments.write(upload))
    if isinstance(written, Problem):
        raise written
    return await _recorded(caller, written)


def shown(kept: Kept) -> dict[str, object]:
    """A file as its uploader and the readers of its message see it."""
    return wire.file(msgspec.to_builtins(kept))


async def get_file(caller: Caller) -> Response:
    """`GET /files/{key}`: the file, for whoever knows the key. A browser shows nothing but our own pictures.

    One that lies elsewhere is fetched whole first: who reads slowly holds no connection to its store.
    """
    caller.count_read()
    key = caller.request.path_params["key"]
    try:
        if not FILE_KEY.fullmatch(key):
            raise NotFound()
        kept: Kept = await caller.door.reader.submit(attachments.read_many, key)
        place = attachments.place_of(key)
        source = place if place is not None else await _fetched(caller, key)
    except NotFound:
        caller.count_guess()
        raise
    kind = "inline" if is_picture(kept.media_type) else "attachment"
    headers = {
        "Content-Disposition": f"{kind}; {_filename(kept.name)}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",  # the widget stands on other sites' pages
        "Referrer-Policy": "no-referrer",
        "Cache-Control": f"private, max-age={A_DAY_S}, immutable",
    }
    media_type = _served_as(kept.media_type)
    if isinstance(source, File):
        return _Passed(source, media_type, headers)
    return FileResponse(source, media_type=media_type, headers=headers)


class _Passed(FileResponse):
    """A file without a name on our disk, which is gone when it was sent or nobody wants it any more."""

    def __init__(self, file: "File[Any]", media_type: str, headers: dict[str, str]) -> None:
        self._file = file
        number = file.fileno()
        super().__init__(f"/dev/fd/{number}", media_type=media_type, headers=headers, stat_result=os.fstat(number))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


async def _fetched(caller: Caller, key: str) -> "File[Any]":
    """The bytes of a file that lies elsewhere, here. Raises `NotFound`, `Unavailable`."""
    door = caller.door
    if door.fetching >= FETCHED:
        raise Unavailable("Too many files are fetched at once.")
    door.fetching += 1
    try:
        return await _in(_fetching, lambda: attachments.opened(key))
    finally:
        door.fetching -= 1


async def _in(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


async def _recorded(caller: Caller, written: Written) -> Kept:
    """The file is known; or it is gone from its store again."""
    try:
        return await caller.door.writer.submit(attachments.record_many, written)
    except BaseException:
        await asyncio.shield(_in(_working, lambda: attachments.discard(written)))
        raise


async def _body(caller: Caller) -> bytes:
    """The body, at most `MAX_BYTES` of it and no slower than `SLOWEST`."""
    length = caller.headers.get(b"content-length", b"")
    if length.isdigit() and int(length[:12]) > PASSED_OVER:
        raise FileTooLarge(limit_bytes=MAX_BYTES)
    try:
        return await _whole_body(caller)
    except asyncio.CancelledError:
        if caller.too_slow:
            raise Invalid("The file does not arrive fast enough.") from None
        raise


async def _whole_body(caller: Caller) -> bytes:
    door = caller.door
    began = time.monotonic()
    task = asyncio.current_task()
    door.reading[caller] = (began, task)
    body = bytearray()
    received = held = 0
    try:
        more = True
        while more:
            event = await caller.request.receive()  # type: ignore[attr-defined]
            if event["type"] == "http.disconnect":
                raise Invalid("The file ended too early.")
            chunk = event.get("body", b"")
            more = event.get("more_body", False)
            received += len(chunk)
            if received <= MAX_BYTES:
                if door.held + len(chunk) > HELD:
                    raise Unavailable("Too many files arrive at once.")
                door.held += len(chunk)
                held += len(chunk)
                body += chunk
            elif received > PASSED_OVER:
                break
            # Whoever sends as fast as we ask for may take as long as that takes; dripping does not help.
            door.reading[caller] = (min(began + received / SLOWEST, time.monotonic()), task)
        if received > MAX_BYTES:
            raise FileTooLarge(limit_bytes=MAX_BYTES)
        return bytes(body)
    finally:
        door.held -= held
        del door.reading[caller]


def _served_as(media_type: str) -> str:
    """Only what cannot be a page or a script is called by its name."""
    known = is_picture(media_type) or _SOUND.fullmatch(media_type)
    return media_type if known else "application/octet-stream"


def _filename(name: str) -> str:
    """The file's name for a browser (RFC 6266): in ASCII for old ones, and as it is."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-()") else "_" for c in name)[:NAME_LENGTH]
    return f"filename=\"{plain}\"; filename*=UTF-8''{urllib.parse.quote(name, safe='')}"
