"""A Bot API server over real HTTP: it does what Telegram does, well or badly, as a test wants it to.

It writes its bytes itself, so that it can take a message and lose its answer, say what is no JSON, or say nothing.
People of a test write, press and edit through it; what they see on their phones is in `chats`.
"""

import asyncio
import contextlib
import itertools
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

TOKEN = "123456:test-token-of-nobody"
BOT = {"id": 123456, "is_bot": True, "first_name": "Besedka", "username": "besedka_test_bot"}
LONGEST = 4096  # UTF-16 units of a text
LONGEST_CAPTION = 1024


@dataclass(frozen=True)
class Call:
    """One call of a method, as it came."""

    method: str
    fields: dict[str, Any]
    files: dict[str, tuple[str, bytes]]  # by field: name and bytes
    at: float  # time.monotonic()


@dataclass(frozen=True)
class Does:
    """What the server does with one call instead of answering it well."""

    status: int = 200
    description: str = "Bad Request: no"
    retry_after: int | None = None
    raw: bytes | None = None  # this body instead of JSON
    done: bool = False  # it does what it was asked all the same
    cut: bool = False  # the connection ends without an answer
    before_s: float = 0.0  # silence before the answer


TOO_MANY = Does(429, "Too Many Requests: retry after 1", retry_after=1)
BLOCKED = Does(403, "Forbidden: bot was blocked by the user")
DOWN = Does(502, raw=b"<html><h1>502 Bad Gateway</h1></html>")
CONFLICT = Does(409, "Conflict: terminated by other getUpdates request; make sure that only one bot is running")
NO_JSON = Does(200, raw=b'{"ok": true, "result": [{')
EMPTY = Does(200, raw=b"")
LOST = Does(done=True, cut=True)  # the message is there, its answer is not
CUT = Does(cut=True)  # neither
HANGS = Does(before_s=3600)


@dataclass
class Shown:
    """One message on somebody's phone."""

    message_id: int
    text: str
    buttons: list[tuple[str, str]] = field(default_factory=list)
    entities: list[dict[str, Any]] = field(default_factory=list)
    file: tuple[str, bytes] | None = None
    kind: str = "text"
    deleted: bool = False
    edited: int = 0
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class Person:
    """Somebody with a phone, in a private chat with the bot."""

    server: "Telegram"
    id: int
    first_name: str

    @property
    def sees(self) -> list[Shown]:
        """What is on the phone, oldest first, without what was deleted."""
        return [shown for shown in self.ever if not shown.deleted]

    @property
    def ever(self) -> list[Shown]:
        """Whatever was on the phone at any time, oldest first: a copy, as the server goes on meanwhile."""
        return list(self.server.chats.get(self.id, {}).values())

    @property
    def texts(self) -> list[str]:
        """The texts of that."""
        return [shown.text for shown in self.sees]

    def writes(self, text: str, **more: Any) -> dict[str, Any]:
        """A text to the bot; the update."""
        return self.sends(text=text, **more)

    def sends(self, **content: Any) -> dict[str, Any]:
        """Any message to the bot; the update."""
        return self.server.bring({"message": self.message(**content)})

    def message(self, **content: Any) -> dict[str, Any]:
        """A message of this person."""
        return {
            "message_id": next(self.server.message_ids),
            "date": content.pop("date", int(time.time())),
            "chat": {"id": self.id, "type": "private", "first_name": self.first_name},
            "from": {"id": self.id, "is_bot": False, "first_name": self.first_name},
            **content,
        }

    def edits(self, update: dict[str, Any], **content: Any) -> dict[str, Any]:
        """Change what was sent with that update; the new update."""
        message = {**update["message"], **content, "edit_date": int(time.time())}
        return self.server.bring({"edited_message": message})

    def presses(self, shown: Shown, button: int = 0) -> dict[str, Any]:
        """Press a button below a message; the update."""
        return self.server.bring({"callback_query": self.press(shown, button)})

    def press(self, shown: Shown, button: int = 0) -> dict[str, Any]:
        """The press of a button, not yet brought."""
        return {
            "id": str(next(self.server.query_ids)),
            "from": {"id": self.id, "is_bot": False, "first_name": self.first_name},
            "chat_instance": "1",
            "message": {
                "message_id": shown.message_id,
                "date": int(time.time()),
                "chat": {"id": self.id, "type": "private"},
                "from": BOT,
                "text": shown.text,
            },
            "data": shown.buttons[button][1],
        }


class Telegram:
    """A running server: its address, what it was asked, what it does, and who has a phone."""

    def __init__(self) -> None:
        self.url, self.port = "", 0
        self.calls: list[Call] = []
        self.chats: dict[int, dict[int, Shown]] = {}
        self.blocked: set[int] = set()
        self.faults: dict[str, list[Does]] = {}
        self.always: dict[str, Does] = {}  # for every call of that method, after `faults`
        self.alerts: dict[str, dict[str, Any]] = {}  # by query: how it was answered
        self.kept: dict[str, tuple[str, bytes]] = {}  # files by id: path and bytes
        self.webhook: dict[str, Any] = {}
        self.waiting: list[dict[str, Any]] = []  # updates that nobody has confirmed
        self.update_ids, self.message_ids = itertools.count(1000), itertools.count(1)
        self.query_ids, self.people = itertools.count(5000), itertools.count(7001)
        self.polls = 0  # of getUpdates that hang just now
        self.most_polls = 0
        self._poll = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()

    def person(self, name: str = "Анна") -> Person:
        """Somebody new."""
        return Person(self, next(self.people), name)

    def bring(self, content: dict[str, Any], update_id: int | None = None) -> dict[str, Any]:
        """An update that whoever polls gets next; it."""
        update = {"update_id": next(self.update_ids) if update_id is None else update_id, **content}
        self.bring_again(update)
        return update

    def bring_again(self, update: dict[str, Any]) -> None:
        """The same update once more."""
        self.waiting.append(update)
        self.wake()

    def wake(self) -> None:
        """Let polls look again."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._news.set)

    def fails(self, method: str, *faults: Does) -> None:
        """The next calls of a method are met so, one after the other."""
        self.faults.setdefault(method, []).extend(faults)

    def keep(self, file_id: str, path: str, data: bytes) -> str:
        """A file that somebody uploads; its id."""
        self.kept[file_id] = (path, data)
        return file_id

    def of(self, method: str) -> list[Call]:
        """The calls of a method so far."""
        return [call for call in self.calls if call.method.lower() == method.lower()]


@contextlib.contextmanager
def running() -> Iterator[Telegram]:
    """A server on a port of its own."""
    telegram, ready, loop = Telegram(), threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        server = await asyncio.start_server(lambda r, w: _serve(telegram, r, w), "127.0.0.1", 0, backlog=1000)
        telegram.port = server.sockets[0].getsockname()[1]
        telegram.url = f"http://127.0.0.1:{telegram.port}"
        telegram._loop = loop
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
        yield telegram
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


def wait_until(holds: Callable[[], Any], *, within_s: float = 15) -> Any:
    """What it gives, as soon as that is something."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if found := holds():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


class _Refused(Exception):
    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status, self.description = status, description


async def _serve(telegram: Telegram, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await _one(telegram, reader, writer):
            pass
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    except asyncio.CancelledError:
        pass  # the test is over; nobody waits for this any more
    finally:
        writer.close()


async def _one(telegram: Telegram, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request; whether the connection stays."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return False
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:]) if name}
    if headers.get("transfer-encoding") == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    path = urllib.parse.unquote(head[0].split(" ")[1]).partition("?")[0]
    if path.startswith(f"/file/bot{TOKEN}/"):
        return await _give_file(telegram, path.removeprefix(f"/file/bot{TOKEN}/"), writer)
    token, _, method = path.removeprefix("/bot").partition("/")
    if token != TOKEN:
        return await _answer(writer, Does(401, "Unauthorized"), None)
    fields, files = _form(headers.get("content-type", ""), body)
    call = Call(method, fields, files, time.monotonic())
    telegram.calls.append(call)
    waiting = telegram.faults.get(method)
    does = waiting.pop(0) if waiting else telegram.always.get(method, Does())
    await asyncio.sleep(does.before_s)
    result: Any = True
    good = does.status == 200 and does.raw is None and not does.cut
    if good or does.done:
        try:
            result = await _do(telegram, call, reader)
        except _Refused as refused:
            does = Does(refused.status, refused.description)
    if does.cut:
        return False
    return await _answer(writer, does, result)


async def _answer(writer: asyncio.StreamWriter, does: Does, result: Any) -> bool:
    if does.raw is not None:
        body = does.raw
    elif does.status == 200:
        body = json.dumps({"ok": True, "result": result}).encode()
    else:
        error: dict[str, Any] = {"ok": False, "error_code": does.status, "description": does.description}
        if does.retry_after is not None:
            error["parameters"] = {"retry_after": does.retry_after}
        body = json.dumps(error).encode()
    writer.write(f"HTTP/1.1 {does.status} So\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    return True


async def _give_file(telegram: Telegram, path: str, writer: asyncio.StreamWriter) -> bool:
    telegram.calls.append(Call("download", {"path": path}, {}, time.monotonic()))
    waiting = telegram.faults.get("download")
    does = waiting.pop(0) if waiting else Does()
    await asyncio.sleep(does.before_s)
    if does.cut:
        return False
    data = next((data for kept, data in telegram.kept.values() if kept == path), None)
    if data is None or does.status != 200:
        return await _answer(writer, Does(404, "Not Found"), None)
    return await _answer(writer, Does(200, raw=data), None)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        size = int((await reader.readline()).strip(), 16)
        body += (await reader.readexactly(size + 2))[:-2]
        if not size:
            return body


def _form(kind: str, body: bytes) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
    """The fields and files of a form; fields that are JSON are read."""
    fields: dict[str, Any] = {}
    files: dict[str, tuple[str, bytes]] = {}
    if kind.startswith("multipart/"):
        border = b"--" + kind.partition("boundary=")[2].strip('"').encode()
        for part in body.split(border)[1:-1]:
            head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            data = data.removesuffix(b"\r\n")
            name = re.search(r'\bname="([^"]*)"', head.decode())
            file = re.search(r'filename="([^"]*)"', head.decode())
            assert name is not None
            if file is not None:
                files[name[1]] = (file[1], data)
            else:
                fields[name[1]] = _read(name[1], data.decode())
    else:
        given = urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)
        fields = {name: _read(name, value) for name, value in given}
    return fields, files


def _read(name: str, value: str) -> Any:
    if name in ("text", "caption", "file_id", "callback_query_id"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


async def _do(telegram: Telegram, call: Call, reader: asyncio.StreamReader) -> Any:
    """What Telegram would do."""
    method, fields = call.method, call.fields
    match method:
        case "getMe":
            return BOT
        case "getUpdates":
            return await _updates(telegram, fields, reader)
        case "setWebhook":
            telegram.webhook = fields
            return True
        case "deleteWebhook":
            telegram.webhook = {}
            if fields.get("drop_pending_updates"):
                telegram.waiting.clear()
            return True
        case "getWebhookInfo":
            return {
                "url": telegram.webhook.get("url", ""),
                "has_custom_certificate": False,
                "pending_update_count": 0,
            }
        case "sendMessage" | "sendPhoto" | "sendDocument" | "sendVoice":
            return _send(telegram, call)
        case "editMessageText" | "editMessageCaption" | "deleteMessage":
            return _change(telegram, method, fields)
        case "answerCallbackQuery":
            telegram.alerts[str(fields["callback_query_id"])] = fields
            return True
        case "getFile":
            if fields["file_id"] not in telegram.kept:
                raise _Refused(400, "Bad Request: invalid file_id")
            path, data = telegram.kept[fields["file_id"]]
            file_id = fields["file_id"]
            return {"file_id": file_id, "file_unique_id": file_id, "file_size": len(data), "file_path": path}
    raise _Refused(404, "Not Found: method not found")


async def _updates(telegram: Telegram, fields: dict[str, Any], reader: asyncio.StreamReader) -> Any:
    """Long polling. A second one at the same time ends the first, as Telegram does."""
    if telegram.webhook.get("url"):
        raise _Refused(409, "Conflict: can't use getUpdates method while webhook is active")
    telegram._poll += 1
    mine = telegram._poll
    telegram._news.set()
    offset = int(fields.get("offset") or 0)
    telegram.waiting = [update for update in telegram.waiting if update.get("update_id", offset) >= offset]
    until = time.monotonic() + float(fields.get("timeout") or 0)
    telegram.polls += 1
    telegram.most_polls = max(telegram.most_polls, telegram.polls)
    try:
        while not telegram.waiting and time.monotonic() < until and not reader.at_eof():
            telegram._news = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(telegram._news.wait(), min(0.5, max(0, until - time.monotonic())))
            if telegram._poll != mine:
                raise _Refused(409, "Conflict: terminated by other getUpdates request")
    finally:
        telegram.polls -= 1
    return telegram.waiting[: int(fields.get("limit") or 100)]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _send(telegram: Telegram, call: Call) -> Any:
    fields = call.fields
    chat = int(fields["chat_id"])
    if chat in telegram.blocked:
        raise _Refused(403, "Forbidden: bot was blocked by the user")
    text = str(fields.get("text", fields.get("caption", "")))
    if call.method == "sendMessage" and not text.strip():
        raise _Refused(400, "Bad Request: message text is empty")
    if _units(text) > (LONGEST if call.method == "sendMessage" else LONGEST_CAPTION):
        raise _Refused(400, "Bad Request: message is too long")
    markup = fields.get("reply_markup") or {}
    rows = markup.get("inline_keyboard", [])
    buttons = [(button["text"], button.get("callback_data", "")) for row in rows for button in row]
    if any(len(data.encode()) > 64 for _, data in buttons):
        raise _Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    kind = call.method.removeprefix("send").lower()
    shown = Shown(
        next(telegram.message_ids),
        text,
        buttons,
        fields.get("entities") or fields.get("caption_entities") or [],
        next(iter(call.files.values()), None),
        "text" if kind == "message" else kind,
        fields=fields,
    )
    telegram.chats.setdefault(chat, {})[shown.message_id] = shown
    return _as_message(chat, shown)


def _change(telegram: Telegram, method: str, fields: dict[str, Any]) -> Any:
    chat = int(fields["chat_id"])
    shown = telegram.chats.get(chat, {}).get(int(fields["message_id"]))
    if shown is None or shown.deleted:
        raise _Refused(400, "Bad Request: message to edit not found")
    if method == "deleteMessage":
        shown.deleted = True
        return True
    text = str(fields.get("text", fields.get("caption", "")))
    if text == shown.text and not shown.buttons:
        raise _Refused(400, "Bad Request: message is not modified")
    shown.text, shown.buttons = text, []
    shown.edited += 1
    return _as_message(chat, shown)


def _as_message(chat: int, shown: Shown) -> dict[str, Any]:
    said = {"text": shown.text} if shown.kind == "text" else {"caption": shown.text}
    return {
        "message_id": shown.message_id,
        "date": int(time.time()),
        "chat": {"id": chat, "type": "private"},
        "from": BOT,
        **said,
    }
