"""Server-sent events: the log from a cursor on, then live (HTML standard, §9.2)."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import msgspec
from starlette.responses import Response, StreamingResponse

from besedka.conversations import signals, speech, wire
from besedka.conversations.contacts import Address
from besedka.conversations.visits import Visit
from besedka.door import readers
from besedka.door.admission import MAX_SEQ, Caller
from besedka.door.house import Door
from besedka.figures import counted
from besedka.problems import Invalid

HEARS = frozenset({"new", "state", "delta"})
STREAMS = counted.CONNECTIONS.labels("stream")
HEARTBEAT_S = 15  # a comment so often keeps proxies from closing, and shows us who is gone


async def get_stream(caller: Caller) -> Response:
    """`GET /api/v1/conversation/stream`: everything after `Last-Event-ID` (or `?after=`), then whatever comes."""
    address = caller.address()
    caller.count_connection()
    last = caller.header(b"last-event-id")
    if last is not None and not (last.isascii() and last.isdigit() and len(last) <= 10):
        raise Invalid("`Last-Event-ID` is the `seq` of a message.", field="Last-Event-ID")
    after = int(last) if last is not None else caller.number("after", upto=MAX_SEQ) or 0
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if caller.request.scope["method"] == "HEAD":  # an answer without a body need not go on for ever
        return Response(media_type="text/event-stream", headers=headers)
    events = _counted(_events(caller.door, address, after))
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _counted(events: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    with STREAMS.track_inprogress():
        async with contextlib.aclosing(events):
            async for one in events:
                yield one


async def _events(door: Door, address: Address, after: int) -> AsyncGenerator[bytes, None]:
    yield b"retry: 2000\n\n"
    state = None
    kinds: set[str] = {"new"}
    met = None
    hearing = speech.Listener()
    while True:
        topic = readers.topic_of(door, address)
        with signals.listen(topic, HEARS) as woken:
            while topic == readers.topic_of(door, address):
                seen = None
                if kinds != readers.ONLY_SPEECH:  # else nothing is in the log yet, and nobody need look there
                    seen = await readers.look(door, Visit(address, after))
                    if met is None and after > (seen.last_seq if seen is not None else 0):
                        after = 0  # it read a log that is erased: all of this one is new
                        continue
                    try:
                        met = readers.still_there(seen, met)
                    except readers.Erased as erased:
                        yield event("error", erased.as_json())
                        return
                if seen is not None:
                    for entry in seen.messages:
                        yield event("message", wire.message(entry), entry.seq)
                        after = entry.seq
                    if state != (seen.owner, seen.status):
                        state = (seen.owner, seen.status)
                        yield event("state", {"owner": seen.owner, "status": seen.status})
                    if seen.last_seq > after:
                        continue
                for frame in hearing.news(topic, hushed=state is not None and readers.is_hushed(*state)):
                    yield event(frame.pop("type"), frame)
                if topic == readers.topic_of(door, address):
                    kinds = await woken.wait(HEARTBEAT_S)
                    if not kinds:
                        yield b": still here\n\n"


def event(kind: str, data: object, seq: int | None = None) -> bytes:
    """One event of a stream; with `seq` as its id, which a browser sends back when it connects again."""
    head = f"event: {kind}\n" if seq is None else f"id: {seq}\nevent: {kind}\n"
    return head.encode() + b"data: " + msgspec.json.encode(data) + b"\n\n"
