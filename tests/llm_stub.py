"""A server that speaks the protocols of models over real HTTP, well or badly, as a test wants it to.

`POST …/chat/completions` is OpenAI's, `POST …/foundationModels/v1/completion` YandexGPT's. It writes its bytes
itself, so that it can drip, break off after any byte, or send what is none of the protocol's.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Says:
    """What the model does: it says these pieces, or something goes wrong with it."""

    pieces: tuple[str, ...] = ("Hello", " there.")
    before_s: float = 0.0  # silence before the first byte
    between_s: float = 0.0  # between two pieces
    finish: str = "stop"  # or length, refused, tools, none
    tools: tuple[tuple[str, dict[str, Any]], ...] = ()
    tokens: tuple[int, int] = (19, 6)
    status: int = 200
    retry_after: str | None = None
    raw: bytes | None = None  # this body instead of a stream
    cut_at: int | None = None  # the connection ends after so many bytes of the body
    drip_s: float | None = None  # one byte so often, over and over


HTML = Says(raw=b"<html><body>502 Bad Gateway</body></html>")
EMPTY = Says(raw=b"")
WRONG_SCHEMA = Says(
    raw=b'data: {"choices": [{"delta": {"content": {"a": 1}}}]}\n\ndata: [DONE]\n\n{"result": 7}\n'
)
HUGE = Says(raw=b"data: " + b"x" * 10_000_000)
HANGS = Says(before_s=3600)
DRIPS = Says(drip_s=0.05)
BUSY = Says(status=429, retry_after="1")
DOWN = Says(status=500)
KEY_REFUSED = Says(status=401)

Behaviour = Callable[[Asked], Says]


@dataclass
class Stub:
    """A running server: its address, what it was asked, and what it does."""

    url: str = ""
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    left: int = 0  # clients that hung up before they had the whole answer
    behaves: Behaviour = lambda asked: Says()

    def says(self, *turns: Says) -> None:
        """One after the other for the next requests; the last one for all that follow."""
        waiting = list(turns)
        self.behaves = lambda asked: waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def prompts(self) -> list[str]:
        """All that each request told the model, as one text."""
        return [
            "\n".join(one.get("content", one.get("text", "")) for one in a.body["messages"]) for a in self.asked
        ]


@contextlib.contextmanager
def running() -> Iterator[Stub]:
    """A stub on a port of its own."""
    stub, ready, loop = Stub(), threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        server = await asyncio.start_server(lambda r, w: _serve(stub, r, w), "127.0.0.1", 0, backlog=1000)
        stub.port = server.sockets[0].getsockname()[1]
        stub.url = f"http://127.0.0.1:{stub.port}"
        ready.set()
        await over.wait()
        server.close()
        mine = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    over = asyncio.Event()
    thread = threading.Thread(target=lambda: (loop.run_until_complete(serve()), loop.close()))
    thread.start()
    ready.wait()
    try:
        yield stub
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


def pieces_of(asked: Asked, says: Says) -> list[bytes]:
    """The body of a good answer, as the provider whose address was asked would cut it."""
    return _yandex(says) if "foundationModels" in asked.path else _openai(says)


def _openai(says: Says) -> list[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choices = [] if more else [{"index": 0, "delta": delta, "finish_reason": finish}]
        whole = {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": choices,
            **more,
        }
        return b"data: " + json.dumps(whole, ensure_ascii=False).encode() + b"\n\n"

    calls = [
        {
            "index": at,
            "id": f"t{at}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(given)},
        }
        for at, (name, given) in enumerate(says.tools)
    ]
    body = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": piece}) for piece in says.pieces)]
    if calls:
        body.append(chunk({"tool_calls": calls}))
    if says.finish == "refused":
        body.append(chunk({"refusal": "No."}, "stop"))
    elif says.finish != "none":
        body.append(chunk({}, "tool_calls" if says.finish == "tools" else says.finish))
        read, written = says.tokens
        used = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        body += [chunk({}, usage=used), b"data: [DONE]\n\n"]
    return body


def _yandex(says: Says) -> list[bytes]:
    ends = {"stop": "FINAL", "length": "TRUNCATED_FINAL", "refused": "CONTENT_FILTER", "tools": "TOOL_CALLS"}
    so_far, body = "", []
    for at, piece in enumerate(says.pieces or ("",), 1):
        so_far += piece
        last = at == len(says.pieces or ("",)) and says.finish != "none"
        message: dict[str, Any] = {"role": "assistant", "text": so_far}
        if last and says.tools:
            calls = [{"functionCall": {"name": name, "arguments": given}} for name, given in says.tools]
            message = {"role": "assistant", "toolCallList": {"toolCalls": calls}}
        status = f"ALTERNATIVE_STATUS_{ends[says.finish] if last else 'PARTIAL'}"
        usage = {
            "inputTextTokens": str(says.tokens[0]),
            "completionTokens": str(says.tokens[1]),
            "totalTokens": "0",
        }
        result = {"alternatives": [{"message": message, "status": status}], "usage": usage, "modelVersion": "1"}
        body.append(json.dumps({"result": result}, ensure_ascii=False).encode() + b"\n")
    return body


async def _serve(stub: Stub, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await _one(stub, reader, writer):
            pass
    except (ConnectionError, asyncio.IncompleteReadError):
        stub.left += 1
    except asyncio.CancelledError:
        pass  # the test is over; nobody waits for this any more
    finally:
        writer.close()


async def _one(stub: Stub, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request; whether the connection stays."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return False
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:]) if name}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    asked = Asked(head[0].split(" ")[1], headers, json.loads(body or b"{}"))
    stub.asked.append(asked)
    says = stub.behaves(asked)
    await asyncio.sleep(says.before_s)
    if says.status != 200:
        error = json.dumps({"error": {"message": "no", "type": "error", "code": "no"}}).encode()
        after = f"Retry-After: {says.retry_after}\r\n" if says.retry_after else ""
        writer.write(f"HTTP/1.1 {says.status} No\r\nContent-Length: {len(error)}\r\n{after}\r\n".encode() + error)
        await writer.drain()
        return True
    pieces = pieces_of(asked, says) if says.raw is None else [says.raw]
    kind = "text/html" if says.raw is not None and says.raw.startswith(b"<") else "text/event-stream"
    whole = says.raw is None and says.cut_at is None and says.drip_s is None
    stays = "Transfer-Encoding: chunked" if whole else "Connection: close"
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{stays}\r\n\r\n".encode())
    if says.cut_at is not None:
        writer.write(b"".join(pieces)[: says.cut_at])
        await writer.drain()
        return False
    while says.drip_s is not None:
        for byte in pieces[0]:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(says.drip_s)
    for piece in pieces:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if whole else piece)
        await writer.drain()
        await asyncio.sleep(says.between_s)
    if whole:
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    return whole
