"""aiogram against a server that fails in every way that Telegram, and the network before it, fails."""

import asyncio
import time

import pytest
import telegram_server
from telegram_server import BLOCKED, CONFLICT, CUT, DOWN, EMPTY, LOST, NO_JSON, TOO_MANY, Does

from besedka.telegram import client as client_module
from besedka.telegram.client import Client
from besedka.telegram.failures import Blocked, Conflict, Failure, Later, Never, Refused, Unclear


def call(base, act, token=telegram_server.TOKEN):
    async def run():
        client = Client(token, base)
        try:
            return await act(client)
        finally:
            await client.close()

    return asyncio.run(run())


def send(base, text="hello", **more):
    return call(base, lambda client: client.send_text("7001", text, **more))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (TOO_MANY, Later),
        (BLOCKED, Blocked),
        (Does(400), Never),
        (Does(413, raw=b"<html>too large</html>"), Never),
        (DOWN, Later),
        (Does(500, "Internal Server Error"), Later),
        (Does(429, raw=b"slow down"), Later),
        (LOST, Unclear),
        (CUT, Unclear),
        (NO_JSON, Unclear),
        (EMPTY, Unclear),
        (Does(200, raw=b'{"ok": true, "result": {"what": "else"}}'), Unclear),
    ],
)
def test_each_failure_is_one_of_ours(telegram, fault, kind):
    telegram.fails("sendMessage", fault)

    with pytest.raises(Failure) as failure:
        send(telegram.url)

    assert type(failure.value) is kind
    assert telegram_server.TOKEN not in str(failure.value)


def test_it_says_how_long_to_wait(telegram):
    telegram.fails("sendMessage", Does(429, "Too Many Requests: retry after 30", retry_after=30))

    with pytest.raises(Later) as failure:
        send(telegram.url)

    assert failure.value.after_s == 30


def test_a_server_that_is_away_was_surely_not_asked(telegram):
    with pytest.raises(Later):
        send("http://127.0.0.1:9")


def test_a_server_that_says_nothing_may_have_done_it(telegram, monkeypatch):
    monkeypatch.setattr(client_module, "TOTAL_S", 0.3)
    telegram.fails("sendMessage", Does(before_s=3, done=True))

    began = time.monotonic()
    with pytest.raises(Unclear):
        send(telegram.url)

    assert time.monotonic() - began < 2


def test_a_wrong_token_is_told_apart(telegram):
    with pytest.raises(Refused):
        call(telegram.url, lambda client: client.send_text("1", "x"), token="123456:another")


def test_another_poller_is_told_apart(telegram):
    telegram.fails("getUpdates", CONFLICT)

    with pytest.raises(Conflict):
        call(telegram.url, lambda client: client.updates(None, wait_s=0))


def test_a_text_goes_out_as_it_is(telegram):
    text = "<b>x</b> *y* _z_ https://evil.example tg://resolve?domain=x"

    sent = send(telegram.url, text, buttons=[("Press", "inv:7")])

    [call] = telegram.of("sendMessage")
    shown = telegram.chats[7001][int(sent)]
    assert shown.text == text
    assert shown.buttons == [("Press", "inv:7")]
    assert "parse_mode" not in call.fields
    assert call.fields["link_preview_options"]["is_disabled"] is True


def test_updates_come_as_they_are_whatever_is_in_them(telegram):
    odd = telegram.bring({"message": "no message at all"})
    plain = telegram.person().writes("hello")

    assert call(telegram.url, lambda client: client.updates(None, wait_s=0)) == [odd, plain]


def test_files_go_out_and_come_in(telegram):
    telegram.keep("f1", "photos/1.jpg", b"\xff\xd8 picture")

    async def act(client):
        await client.send_file("7001", "photo", "a.jpg", b"picture", caption="look")
        await client.send_file("7001", "voice", "a.ogg", b"voice")
        await client.send_file("7001", "document", "отчёт.pdf", b"report")
        return await client.download("f1")

    assert call(telegram.url, act) == b"\xff\xd8 picture"
    shown = list(telegram.chats[7001].values())
    assert [(one.kind, one.text) for one in shown] == [("photo", "look"), ("voice", ""), ("document", "")]
    assert shown[2].file == ("отчёт.pdf", b"report")


@pytest.mark.parametrize(("fault", "kind"), [(CUT, Later), (Does(404), Later)])
def test_a_file_that_does_not_come_may_come_later(telegram, fault, kind):
    telegram.keep("f1", "photos/1.jpg", b"picture")
    telegram.fails("download", fault, fault)  # aiohttp asks once more where a connection was cut

    with pytest.raises(kind):
        call(telegram.url, lambda client: client.download("f1"))


def test_a_file_that_is_too_large_is_not_taken(telegram, monkeypatch):
    monkeypatch.setattr(client_module, "LARGEST", 1000)
    telegram.keep("f1", "documents/1.bin", b"x" * 100_000)

    with pytest.raises(Never):
        call(telegram.url, lambda client: client.download("f1"))
