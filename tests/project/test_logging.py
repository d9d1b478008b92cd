"""Lines of the log: one an event, about what they are about, and nobody writes one but us."""

import asyncio
import contextvars
import gzip
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import httpx2
import llm_stub
import make
import running

from besedka import about
from besedka.problems import begin_request, end_request
from besedka.project import celery, sentry
from besedka.project.logging import OneLine, OneObject

MESSAGES = "/api/v1/conversation/messages"
KEY = "sk-0123456789abcdef"
FORGED = "hello\n2026-01-01 00:00:00,000 INFO root admin logged in\x1b[2J\u2028"


def failure(words: str) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """An error that says these words."""
    try:
        raise ValueError(words)
    except ValueError:
        kind, error, place = sys.exc_info()
        assert kind is not None
        assert error is not None
        return kind, error, place


def record(message: str, *args: object, fault: Any = None) -> logging.LogRecord:
    """Something that is logged."""
    return logging.LogRecord("besedka.door", logging.WARNING, "door.py", 7, message, args, fault)


def test_what_somebody_wrote_cannot_begin_a_line():
    [line] = OneLine().format(record("a name: %s", FORGED)).splitlines()

    assert line.endswith(r"a name: hello\n2026-01-01 00:00:00,000 INFO root admin logged in\x1b[2J\u2028")


def test_what_an_error_quotes_cannot_begin_a_line_either():
    lines = OneLine().format(record("it broke", fault=failure(FORGED))).split("\n")

    assert lines[0].endswith("WARNING besedka.door it broke")
    assert all(line.startswith("  | ") for line in lines[1:])
    assert "\x1b" not in "".join(lines)


def test_a_json_line_is_one_object_with_all_that_a_program_asks_for():
    begun = begin_request()
    with about.these(conversation=7, delivery=3):
        line = OneObject().format(record("a name: %s", FORGED, fault=failure("why")))
    end_request(begun)

    told = json.loads(line)
    assert line.isascii()
    assert "\n" not in line
    assert {name: told[name] for name in ("level", "logger", "message", "conversation", "delivery")} == {
        "level": "WARNING",
        "logger": "besedka.door",
        "message": f"a name: {FORGED}",
        "conversation": 7,
        "delivery": 3,
    }
    assert len(told["request"]) == 16
    assert told["traceback"].endswith("ValueError: why")
    assert told["time"].endswith("+00:00")


def test_a_line_says_what_it_is_about_in_each_task_for_itself():
    async def of(conversation: int) -> str:
        about.note(conversation=conversation)
        await asyncio.sleep(0)
        return OneLine().format(record("a turn")).rpartition(" ")[2]

    async def both() -> list[str]:
        return list(await asyncio.gather(of(7), of(8)))

    assert asyncio.run(both()) == ["conversation=7", "conversation=8"]
    assert about.known() == {}


def test_a_line_of_a_task_says_which():
    def lines() -> list[str]:
        done = celery.tidy.apply(("a job of another release",))
        return [done.id, OneLine().format(record("kept house")).rpartition(" ")[2]]

    name, said = contextvars.copy_context().run(lines)

    assert said == f"task={name}"


def test_traffic_leaves_lines_of_json_with_ids_and_without_a_word_of_anybody(tmp_path):
    said, answered = "Сколько стоит доставка в Урюпинск?", "Two days to Uryupinsk"
    given = {"BESEDKA_LOG_FORMAT": "json", "BESEDKA_ACCESS_LOG": "on", "BESEDKA_LOG_LEVEL": "DEBUG"}
    token = f"t0k3n-{make.token()}"
    with llm_stub.running() as model:
        # A tool that it does not have: the one line of ours that is about what a model said.
        model.says(llm_stub.Says(tools=(("rm", {"what": answered}),)))
        given |= {
            "OPENAI_BASE_URL": f"{model.url}/v1",
            "OPENAI_API_KEY": "sk-0123456789abcdef",
            "OPENAI_MODEL": "m",
        }
        with running.server(tmp_path / "home", **given) as site:
            sent = httpx2.post(site.url + MESSAGES, json={"text": said}, headers={"chat-token": token})
            [[conversation]] = site.select("SELECT id FROM conversations_conversation")
            running.wait_until(lambda: "a model asked for tools" in site.log.read_text())
        log = site.log.read_text()

    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    [asked] = [line for line in lines if line.get("request") == sent.headers["X-Request-ID"]]
    assert asked["message"].startswith(f"POST {MESSAGES} 201")
    of_turn = [line for line in lines if line["message"].startswith("a model asked for tools")]
    assert {line["conversation"] for line in of_turn} == {conversation}
    assert [word for word in (said, answered, token, KEY, "Урюпинск", "Uryupinsk") if word in log] == []
    assert [line for line in log.splitlines() if "Traceback" in line] == []


class Sentry:
    """A server that takes what Sentry is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        stub = self

        class Takes(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                stub.told.append(f"{self.headers}{_unpacked(body, self.headers.get('Content-Encoding'))}")
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)

    @property
    def dsn(self) -> str:
        """Where it is told."""
        return f"http://key@127.0.0.1:{self.server.server_address[1]}/1"


def _unpacked(body: bytes, encoding: str | None) -> str:
    return (gzip.decompress(body) if encoding == "gzip" else body).decode()


@contextmanager
def a_sentry() -> Iterator[Sentry]:
    there = Sentry()
    thread = threading.Thread(target=there.server.serve_forever)
    thread.start()
    try:
        yield there
    finally:
        there.server.shutdown()
        there.server.server_close()
        thread.join()


def test_sentry_is_told_where_it_broke_and_no_word_that_anybody_wrote(tmp_path):
    secret = f"secret-{make.token()}"
    with a_sentry() as there, running.server(tmp_path / "home", SENTRY_DSN=there.dsn) as site:
        gone = "ALTER TABLE ads_ad RENAME TO gone"
        site.shell(f"from django.db import connection; connection.cursor().execute({gone!r})")
        headers = {"Authorization": f"Bearer {secret}", "Cookie": f"sessionid={secret}", "User-Agent": secret}
        httpx2.get(f"{site.url}/ads/?q={secret}", headers=headers, timeout=30)
        httpx2.post(f"{site.url}/auth/login/", json={"username": secret, "password": secret}, headers=headers)
        running.wait_until(lambda: there.told)

    told = "".join(there.told)
    assert "OperationalError" in told or "ProgrammingError" in told
    assert "besedka/web/ads.py" in told
    assert secret not in told
    assert "ads_ad" not in told


def test_without_an_address_nothing_of_sentry_is_even_loaded(site):
    loaded = site.shell("import besedka.project.asgi, sys; print('sentry_sdk' in sys.modules)")

    assert loaded.strip().endswith("False")


def test_an_event_is_stripped_of_all_that_is_not_known_to_be_harmless():
    event = {
        "event_id": "1",
        "level": "error",
        "request": {"url": "https://shop.example/?token=t", "data": "text"},
        "user": {"ip_address": "10.0.0.1"},
        "breadcrumbs": {"values": [{"message": "text"}]},
        "extra": {"sys.argv": ["besedka", "text"]},
        "contexts": {"anything": "text"},
        "server_name": "host",
        "something-new": "text",
        "logentry": {"message": "it broke: %s", "params": ["text"], "formatted": "it broke: text"},
        "exception": {
            "values": [
                {
                    "type": "ValueError",
                    "value": "text",
                    "stacktrace": {"frames": [{"function": "f", "vars": {"a": "text"}, "context_line": "text"}]},
                }
            ]
        },
    }

    with about.these(conversation=7):
        left = sentry.stripped(event, {})

    assert "text" not in json.dumps(left)
    assert left["exception"]["values"][0]["stacktrace"]["frames"][0]["function"] == "f"
    assert left["logentry"] == {"message": "it broke: %s"}
    assert left["tags"] == {"conversation": "7"}
    assert "request" not in left
