"""What a doctor says of an installation, with the very thing broken each time, and of one that is well."""

import contextlib
import io
import json
import subprocess
import threading
import urllib.parse
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import llm_stub
import pytest
import running
import services
import telegram_server
from django.db import connection
from faults import disk

from besedka.project.doctor import configuration, examining, outside, storage
from besedka.project.doctor.findings import Finding, doubtful, fine, told, wrong

PASSWORD = "a-password-of-a-database"


def states(findings: Iterable[Finding]) -> dict[str, str]:
    """How each part stands, the worst of it."""
    order, worst = ["fine", "doubtful", "wrong"], {}
    for found in findings:
        assert found.advice or found.state == "fine", "whoever is told of a fault is told what to do"
        worst[found.part] = max(worst.get(found.part, "fine"), found.state, key=order.index)
    return worst


def said(findings: Iterable[Finding]) -> str:
    """All that was said."""
    return "\n".join(f"{found.said} {found.advice}" for found in findings)


@pytest.mark.xdist_group("site")
def test_an_installation_that_is_well_hears_so(site):
    examined = site.beside("doctor", "--json", "--url", site.url)

    told_of = json.loads(examined.stdout)
    assert "no contradiction, no weak secret" in examined.stdout
    found = {finding["part"]: finding["state"] for finding in told_of["findings"]}
    assert (examined.returncode, told_of["ok"]) == (0, True), examined.stdout
    assert {part: found[part] for part in ("database", "migrations", "proxy", "websocket", "clock")} == {
        "database": "fine",
        "migrations": "fine",
        "proxy": "fine",
        "websocket": "fine",
        "clock": "fine",
    }
    assert running.PASSWORD not in examined.stdout


def test_a_database_that_is_away_is_named_and_its_password_is_not(tmp_path):
    port = running.free_port()
    home = tmp_path / "home"
    home.mkdir()
    url = f"postgresql://anna:{PASSWORD}@127.0.0.1:{port}/shop"

    examined = running.Server(home, running.free_port(), {"DATABASE_URL": url}).beside("doctor")

    lines = examined.stdout.splitlines()
    assert examined.returncode == 1
    assert any(line.startswith("✗ database") and "refused" in line for line in lines)
    assert "→ Look at DATABASE_URL" in examined.stdout
    assert "→ Start it: besedka run" in examined.stdout
    assert PASSWORD not in examined.stdout + examined.stderr
    assert "\033" not in examined.stdout
    assert "Traceback" not in examined.stderr


@pytest.mark.django_db
def test_a_database_that_is_well_is_fine():
    found = [one for one in storage.database() if "autovacuum" not in one.said]  # a server of tests may do without
    assert states(found) == {"database": "fine", "migrations": "fine", "clock": "fine"}


@pytest.mark.django_db
def test_a_database_of_another_version_of_the_program_is_told_of():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'conversations'")
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('conversations', '9999_later', '2026-01-01')"
        )
        found = list(storage.database())

    assert states(found)["migrations"] == "wrong"
    assert "are missing" in said(found)
    assert "conversations.9999_later" in said(found)


@pytest.mark.django_db
def test_a_database_that_may_lose_what_it_was_given_is_told_of():
    if connection.vendor != "postgresql":
        pytest.skip("of PostgreSQL: SQLite is below, and MariaDB's administrator alone can make it careless")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")

    assert states(storage.database())["database"] == "wrong"


@pytest.mark.django_db(transaction=True)
def test_sqlite_that_does_not_wait_for_its_disk_is_told_of():
    if connection.vendor != "sqlite":
        pytest.skip("of SQLite")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")
    try:
        found = list(storage.database())
    finally:
        connection.close()

    assert "synchronous is 0" in said(found)
    assert states(found)["database"] == "wrong"


@pytest.mark.parametrize(("mode", "state"), [(0o600, "fine"), (0o640, "wrong"), (0o644, "wrong")])
def test_a_secret_that_others_can_read_is_told_of(settings, tmp_path, mode, state):
    settings.HOME = tmp_path
    (tmp_path / "secret_key").write_text("x")
    (tmp_path / "secret_key").chmod(mode)

    assert states(configuration.secret_file()) == {"settings": state}


def test_settings_that_contradict_each_other_are_told_of(settings):
    settings.PORT, settings.REDIS_URL = 70_000, "http://redis"

    found = list(configuration.checked())

    assert states(found) == {"settings": "wrong"}
    assert "PORT is no port" in said(found)


def test_a_disk_that_is_full_or_takes_nothing_is_told_of(settings, tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    with disk.mounted(folder, 4):
        settings.HOME = settings.MEDIA_ROOT = folder
        full = list(storage.folders())
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        closed = list(storage.folders())

    assert states(full) == states(closed) == {"disk": "wrong"}
    assert "Make room" in said(full)
    assert "cannot write" in said(closed)


def test_redis_is_wrong_where_nobody_answers_and_unused_where_none_is_named(settings):
    settings.REDIS_URL = ""
    unused = states(outside.redis())
    settings.REDIS_URL = f"redis://:{PASSWORD}@127.0.0.1:{running.free_port()}/0"
    away = list(outside.redis())

    assert unused == {"redis": "fine"}
    assert states(away) == {"redis": "wrong"}
    assert PASSWORD not in said(away)


def test_redis_is_fine_where_signals_pass(settings):
    settings.REDIS_URL = services.url("Redis")

    assert states(outside.redis()) == {"redis": "fine"}


def test_telegram_is_examined_by_asking_it(settings):
    with telegram_server.running() as telegram:
        settings.TELEGRAM_API_BASE, settings.TELEGRAM_BOT_TOKEN = telegram.url, telegram_server.TOKEN
        polled = list(outside.telegram())
        telegram.webhook = {"url": "https://other.example/hook"}
        taken = list(outside.telegram())
        settings.TELEGRAM_BOT_TOKEN = "123:wrong"
        unknown = list(outside.telegram())
    settings.TELEGRAM_BOT_TOKEN = telegram_server.TOKEN
    gone = list(outside.telegram())
    settings.TELEGRAM_BOT_TOKEN = ""

    assert states(polled) == {"telegram": "fine"}
    assert "we ask for updates" in said(polled)
    assert states(taken) == {"telegram": "doubtful"}
    assert "other.example" in said(taken)
    assert (states(unknown), states(gone)) == ({"telegram": "wrong"}, {"telegram": "wrong"})
    assert telegram_server.TOKEN not in said([*polled, *taken, *gone])
    assert states(outside.telegram()) == {"telegram": "fine"}


def test_models_are_asked_only_when_somebody_wants_it(settings):
    with llm_stub.running() as stub:
        settings.OUTBOUND_ALLOW = {f"127.0.0.1:{stub.port}"}
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = stub.url, "sk-" + PASSWORD
        not_asked = list(outside.models(ask=False))
        asked_before = len(stub.asked)
        well = list(outside.models(ask=True))
        stub.says(llm_stub.KEY_REFUSED)
        refused = list(outside.models(ask=True))

    assert (states(not_asked), asked_before) == ({"models": "fine"}, 0)
    assert states(well) == {"models": "fine"}
    assert "answers in" in said(well)
    assert states(refused) == {"models": "wrong"}
    assert PASSWORD not in said([*not_asked, *well, *refused])


@contextlib.contextmanager
def bad_proxy(target: str, *, host: str | None = None, date: str | None = None) -> Iterator[str]:
    """The address of a proxy that knows no WebSockets, and may send another `Host` on or live in another time."""

    class Passes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {"Accept": self.headers.get("Accept", "*/*"), "Host": host or self.headers["Host"]}
            answer = httpx2.get(target + self.path, headers=headers, trust_env=False)
            self.send_response_only(answer.status_code)
            self.send_header("Date", date or self.date_time_string())
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *said: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Passes)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.mark.xdist_group("site")
def test_a_proxy_that_lets_no_websocket_through_is_told_of(site):
    with bad_proxy(site.url) as url:
        found = list(outside.address(url))

    assert states(found) == {"address": "fine", "proxy": "fine", "websocket": "wrong"}
    assert "Upgrade" in said(found)


@pytest.mark.xdist_group("site")
def test_a_proxy_that_sends_another_host_on_is_told_of(site):
    with bad_proxy(site.url, host=urllib.parse.urlsplit(site.url).netloc) as url:
        found = list(outside.address(url))

    assert states(found)["proxy"] == "wrong"


@pytest.mark.xdist_group("site")
def test_a_server_that_lives_in_another_time_is_told_of(site):
    with bad_proxy(site.url, date="Fri, 02 Jan 2026 10:00:00 GMT") as url:
        found = list(outside.address(url))

    assert states(found)["clock"] == "doubtful"


def test_an_address_at_which_nobody_answers_is_wrong_only_if_it_was_named():
    nobody = f"http://127.0.0.1:{running.free_port()}"

    assert states(outside.address(nobody)) == {"address": "wrong"}


class Terminal(io.StringIO):
    """Somebody looks at it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("findings", "code"), [([fine("a", "b")], 0), ([doubtful("a", "b", "c")], 0), ([wrong("a", "b", "c")], 1)]
)
def test_the_exit_code_says_whether_something_is_wrong(findings, code):
    assert examining.report(findings, io.StringIO(), as_json=False) == code
    assert examining.report(findings, io.StringIO(), as_json=True) == code


def test_colours_are_for_terminals_and_marks_for_those_that_have_them(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, file = Terminal(), io.StringIO()
    old = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)

    for out in (terminal, file, old):
        examining.report([wrong("a", "b", "c")], out, as_json=False)
    old.seek(0)

    assert "\033[31m✗\033[0m" in terminal.getvalue()
    assert "\033" not in file.getvalue()
    assert "✗" in file.getvalue()
    assert old.buffer.getvalue().startswith(b"X a")


def test_a_part_that_cannot_be_examined_hides_none_of_the_others(monkeypatch):
    def fail() -> Iterator[Finding]:
        raise ValueError("a bug")

    monkeypatch.setattr(storage, "folders", fail)
    monkeypatch.setattr(storage, "database", lambda: [fine("database", "here")])

    found = list(examining.examine())

    assert states(found)["disk"] == "wrong"
    assert states(found)["database"] == "fine"


def test_what_an_error_says_is_told_without_our_secrets(settings):
    settings.REDIS_URL = f"redis://:{PASSWORD}%21@redis/0"

    assert told(ValueError(f"cannot\nlog in with {PASSWORD}!")) == "ValueError: cannot log in with …"
