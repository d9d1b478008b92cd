"""Files as visitors send them and as everybody fetches them."""

import asyncio
import contextlib
import http.client
import json
import time
import urllib.parse
from typing import Any

import httpx2
import inside
import make
import pictures
import pytest
import running
import websockets
from inside import Inside

from besedka.conversations import attachments
from besedka.conversations.attachments import Upload
from besedka.conversations.models import Attachment, Inbox
from besedka.door import files as door_files
from besedka.door import limits

UPLOAD = "/api/v1/conversation/files"
MESSAGES = "/api/v1/conversation/messages"
PDF = b"%PDF-1.7 hello"
served = pytest.mark.xdist_group("site")


def upload(
    site: running.Server,
    token: str,
    content: Any = PDF,
    *,
    name: str = "a.pdf",
    media_type: str = "application/pdf",
) -> httpx2.Response:
    headers = {"chat-token": token, "content-type": media_type}
    return httpx2.post(site.url + UPLOAD, params={"name": name}, content=content, headers=headers, timeout=60)


def say(site: running.Server, token: str, **body: Any) -> httpx2.Response:
    return httpx2.post(site.url + MESSAGES, json=body, headers={"chat-token": token}, timeout=20)


def is_problem(response: httpx2.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code


@served
def test_a_photo_goes_up_along_with_a_message_and_down_again(site):
    token = make.token()

    kept = upload(site, token, pictures.of("JPEG"), name="Мой кот.jpg", media_type="image/jpeg")
    sent = say(site, token, file=kept.json()["key"])
    fetched = httpx2.get(site.url + kept.json()["url"])

    assert kept.status_code == 201
    assert kept.json() | {"key": 0, "size": 0, "url": 0} == {
        "key": 0,
        "name": "Мой кот.jpg",
        "media_type": "image/jpeg",
        "size": 0,
        "url": 0,
    }
    assert sent.status_code == 201
    assert (sent.json()["text"], sent.json()["file"]) == ("", kept.json())
    assert httpx2.get(site.url + MESSAGES, headers={"chat-token": token}).json()["messages"][0] == sent.json()
    assert (fetched.status_code, fetched.headers["content-type"]) == (200, "image/jpeg")
    assert len(fetched.content) == kept.json()["size"]


@served
def test_a_picture_is_shown_and_anything_else_only_downloaded(site):
    token = make.token()
    photo = upload(site, token, pictures.of("PNG"), name="a.png").json()
    document = upload(site, token, PDF, name='Счёт "май"\r\nX: 1.pdf').json()
    voice = upload(site, token, b"OggS\0\2voice", name="voice.oga", media_type="audio/ogg").json()

    got = [httpx2.get(site.url + one["url"]) for one in (photo, document, voice)]

    assert [one.headers["content-type"] for one in got] == ["image/png", "application/octet-stream", "audio/ogg"]
    assert [one.headers["content-disposition"].split(";")[0] for one in got] == [
        "inline",
        "attachment",
        "attachment",
    ]
    quoted = urllib.parse.quote("Счёт _май_X_ 1.pdf")
    assert got[1].headers["content-disposition"].endswith(f"filename*=UTF-8''{quoted}")
    for one in got:
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert one.headers["cache-control"] == "private, max-age=86400, immutable"
        assert one.headers["referrer-policy"] == "no-referrer"


@served
def test_a_file_may_be_asked_for_without_its_bytes_and_in_parts(site):
    url = site.url + upload(site, make.token()).json()["url"]

    head = httpx2.head(url)
    part = httpx2.get(url, headers={"range": "bytes=0-3"})

    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(PDF)))
    assert (part.status_code, part.content) == (206, b"%PDF")


@served
@pytest.mark.parametrize(
    "key", ["0" * 32, "x", "0" * 31, "0" * 33, "A" * 32, "..%2f..%2fbesedka.sqlite3", "%00", "é"]
)
def test_an_unknown_key_opens_nothing(site, key):
    is_problem(httpx2.get(f"{site.url}/files/{key}"), 404, "not_found")


@served
def test_the_socket_carries_a_file_too(site):
    async def talk() -> dict[str, Any]:
        token = make.token()
        key = (await asyncio.to_thread(upload, site, token)).json()["key"]
        async with asyncio.timeout(20), websockets.connect(f"ws://127.0.0.1:{site.port}/ws/visitor") as ws:
            await ws.send(json.dumps({"type": "hello", "token": token}))
            await ws.send(json.dumps({"type": "send", "client_id": "1", "text": "look", "file": key}))
            await ws.send(json.dumps({"type": "send", "client_id": "2", "file": key}))
            frames: dict[str, dict[str, Any]] = {}
            while not {"sent", "message", "error"} <= frames.keys():
                frame = json.loads(await ws.recv())
                frames.setdefault(frame["type"], frame)
            return frames

    frames = asyncio.run(talk())

    assert (frames["message"]["text"], frames["message"]["file"]["name"]) == ("look", "a.pdf")
    assert (frames["error"]["code"], frames["error"]["client_id"]) == ("not_found", "2")


@served
def test_a_file_is_sent_once_and_by_nobody_else(site):
    mine, theirs = make.token(), make.token()
    key = upload(site, mine).json()["key"]

    is_problem(say(site, theirs, text="hello", file=key), 404, "not_found")
    first = say(site, mine, text="hello", file=key, client_id="1")
    again = say(site, mine, text="hello", file=key, client_id="1")
    is_problem(say(site, mine, text="hello", client_id="1"), 422, "idempotency_key_reused")
    is_problem(say(site, mine, text="again", file=key), 404, "not_found")

    assert first.json() == again.json()


@served
@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": " ", "client_id": "1"}, {"file": "x"}, {"file": 7}])
def test_a_message_has_a_text_or_a_file(site, body):
    is_problem(say(site, make.token(), **body), 400, "invalid")


@served
@pytest.mark.parametrize(
    ("content", "name", "media_type", "code"),
    [
        (b"", "a.txt", "text/plain", "file_empty"),
        (b"<svg/>", "a.svg", "image/svg+xml", "file_kind_refused"),
        (b"<html>", "a.png", "image/png", "image_invalid"),
        (b"GIF89a/*<script>*/=1", "a.gif", "image/gif", "image_invalid"),
        (b"<p>x", "x.png.html", "image/png", "file_kind_refused"),
        (pictures.png_of_size(20_000, 20_000), "bomb.png", "image/png", "image_invalid"),
        (pictures.of("PNG")[:-20], "a.png", "image/png", "image_invalid"),
    ],
)
def test_what_could_harm_somebody_is_refused(site, content, name, media_type, code):
    response = upload(site, make.token(), content, name=name, media_type=media_type)

    is_problem(response, {"file_kind_refused": 415}.get(code, 400), code)


@served
@pytest.mark.parametrize(
    "name", ["../../x", "con.pdf", "x" * 500, "a\r\nSet-Cookie: x=1", "\u202egpj.exe.pdf", ""]
)
def test_any_name_is_taken_and_made_harmless(site, name):
    kept = upload(site, make.token(), name=name)
    fetched = httpx2.get(site.url + kept.json()["url"])

    assert kept.status_code == 201
    assert fetched.content == PDF
    assert "set-cookie" not in fetched.headers
    assert not set(kept.json()["name"]) & set('/\\\r\n"\u202e')


@served
def test_ten_megabytes_are_taken_and_eleven_are_refused(site):
    token, megabyte = make.token(), b"\0" * 1024 * 1024

    assert upload(site, token, megabyte * 10).status_code == 201
    is_problem(upload(site, token, megabyte * 11), 413, "file_too_large")
    is_problem(upload(site, token, (megabyte for _ in range(11))), 413, "file_too_large")


@served
def test_whatever_the_length_says_only_so_much_is_read(site):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)) as connection:
        connection.putrequest("POST", UPLOAD)
        for name, value in (("chat-token", make.token()), ("content-length", "99999999999")):
            connection.putheader(name, value)
        connection.endheaders(b"x" * 1000)
        with connection.getresponse() as response:
            told = response.status, json.load(response)["code"]

    assert told == (413, "file_too_large")


@served
def test_the_twenty_first_file_that_nobody_sends_is_refused(site):
    token = make.token()

    answers = [upload(site, token) for _ in range(21)]

    assert [one.status_code for one in answers[:20]] == [201] * 20
    is_problem(answers[20], 413, "quota_exceeded")


def test_an_address_sends_so_many_files(limited_site):
    sent = 0
    while (answer := upload(limited_site, make.token())).status_code == 201 and sent < 150:
        sent += 1

    is_problem(answer, 429, "rate_limited")
    assert sent >= 40


@served
@pytest.mark.parametrize("token", ["", "short", "a" * 101])
def test_a_file_has_a_sender(site, token):
    is_problem(upload(site, token), 400, "token_invalid")


@served
def test_a_page_of_another_site_may_send_a_file(site):
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}

    preflight = httpx2.options(site.url + UPLOAD, headers=asked)

    assert preflight.headers["access-control-allow-origin"] == "*"
    assert {"chat-token", "content-type"} <= set(preflight.headers["access-control-allow-headers"].split(", "))


@served
def test_no_key_is_written_to_the_log(site):
    key = upload(site, make.token()).json()["key"]

    httpx2.get(f"{site.url}/files/{key}")

    until = time.monotonic() + 5
    log = ""
    while "/files/…" not in log and time.monotonic() < until:  # the line is written after the answer
        log = site.log.read_text(errors="replace")
    assert "/files/…" in log
    assert key not in log


# Inside: what a real client cannot time.

CHUNK = {"type": "http.request", "body": b"x" * 1000, "more_body": True}
DROP = {"type": "http.request", "body": b"x", "more_body": True}
LAST = {"type": "http.request", "body": b"x", "more_body": False}


@pytest.fixture
def _inbox(transactional_db, settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    make.inbox(is_default=True)


@pytest.mark.usefixtures("_inbox")
def test_an_upload_that_drips_is_cut_and_one_that_flows_is_not(monkeypatch):
    monkeypatch.setattr(limits, "BODY_S", 0.5)
    monkeypatch.setattr(door_files, "SLOWEST", 2_000)
    tokens = make.token(), make.token(), make.token()
    drops = (*[DROP, 0.2] * 15, LAST)
    chunks = (*[CHUNK, 0.2] * 15, LAST)

    async def act(door: Inside) -> tuple[list[inside.Answer], int]:
        async with asyncio.timeout(8):
            uploads = [
                door.ask("POST", UPLOAD, token, events=events)
                for token, events in zip(tokens, [(CHUNK,), drops, chunks], strict=True)
            ]
            return await asyncio.gather(*uploads), door.door.held

    (silent, dripping, flowing), held = inside.with_door(act)

    assert (silent.status, silent.body["code"]) == (dripping.status, dripping.body["code"]) == (400, "invalid")
    assert (flowing.status, flowing.body["size"]) == (201, 15_001)
    assert held == 0


@pytest.mark.usefixtures("_inbox")
def test_old_clients_are_told_where_a_file_is():
    token = make.token()
    inbox = Inbox.objects.get(is_default=True)
    said = make.say(make.address(inbox, token), "hello")
    upload = Upload(name="a.pdf", media_type="", data=PDF, conversation_id=said.conversation_id)
    [kept] = make.keep([upload])
    make.say(said.conversation_id, "Look", author="operator", file=kept.key)

    answer = inside.with_door(lambda door: door.ask("GET", "/message", token))

    assert answer.body["messages"][0]["message"] == f"Look\na.pdf: http://shop.example/files/{kept.key}"


@pytest.mark.usefixtures("_inbox")
def test_an_upload_that_ends_too_early_is_not_kept(settings):
    async def act(door: Inside) -> tuple[inside.Answer, int]:
        return await door.ask("POST", UPLOAD, make.token(), events=(CHUNK, inside.GONE)), door.door.held

    answer, held = inside.with_door(act)

    assert (answer.status, held) == (400, 0)
    assert not Attachment.objects.exists()


@pytest.mark.usefixtures("_inbox")
def test_uploads_together_take_so_much_memory(monkeypatch):
    monkeypatch.setattr(door_files, "HELD", 1500)

    async def act(door: Inside) -> tuple[inside.Answer, inside.Answer, inside.Answer]:
        waiting = asyncio.create_task(door.ask("POST", UPLOAD, make.token(), events=(CHUNK,)))
        await asyncio.sleep(0.05)
        refused = await door.ask("POST", UPLOAD, make.token(), events=(CHUNK, LAST))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return refused, await door.ask("POST", UPLOAD, make.token(), events=(CHUNK, LAST)), door.door.held

    refused, taken, held = inside.with_door(act)

    assert (refused.status, refused.body["code"]) == (503, "unavailable")
    assert (taken.status, held) == (201, 0)


@pytest.mark.usefixtures("_inbox")
def test_a_file_that_cannot_be_recorded_leaves_no_bytes(monkeypatch, tmp_path):
    def broken(items: list[Any]) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(attachments, "record_many", broken)

    answer = inside.with_door(lambda door: door.ask("POST", UPLOAD, make.token(), events=(CHUNK, LAST)))

    assert answer.status == 500
    assert [file for file in (tmp_path / "media").rglob("*") if file.is_file()] == []
