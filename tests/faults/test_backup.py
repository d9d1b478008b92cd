"""An installation is backed up while people write, and comes to life elsewhere; or is killed on the way there."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import make
import pytest
import running
import telegram_server
from faults import dying_restore, ledger, trial
from telegram_server import Telegram, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

DATABASES = [*trial.DATABASES, "mariadb"]
GROWING = [("sqlite", "postgresql"), ("sqlite", "mariadb")]  # out of one process
MESSAGES = "/api/v1/conversation/messages"
FILES = "/api/v1/conversation/files"
PLAIN = {"content-type": "text/plain"}
POST = """
from besedka.conversations.deliveries import Outgoing, post_many
post_many([Outgoing("telegram", "{recipient}", {{"kind": "say", "text": "{text}"}})])
"""
WRITE = """
from besedka.conversations import contacts, log
from besedka.conversations.models import Inbox
where = contacts.address(Inbox.objects.get(is_default=True).pk, "somebody-new")
log.append_many([log.Append("contact", "kept", address=where)])
"""
LETTERS = "SELECT state, error FROM conversations_delivery ORDER BY id"
LATER = telegram_server.Does(429, "Too Many Requests: retry after 3600", retry_after=3600)


@contextlib.contextmanager
def empty_place(folder: Path, database: str, **environment: str) -> Iterator[running.Server]:
    """A machine on which nothing was ever started, with an empty database."""
    with running.scratch_database(trial.database_url(database)) as url:
        folder.mkdir()
        place = running.Server(
            folder / "home",
            running.free_port(),
            {"DATABASE_URL": url, "BESEDKA_RATE_LIMITS": "off", **environment},
        )
        try:
            yield place
        finally:
            place.stop()


@contextlib.contextmanager
def installation(folder: Path, database: str, **environment: str) -> Iterator[running.Server]:
    """One that is served. On MariaDB making the tables takes longer than a server may take to start."""
    if database != "mariadb":
        with running.server(folder / "home", DATABASE_URL=trial.database_url(database), **environment) as site:
            yield site
        return
    with empty_place(folder, database, **environment) as place:
        place.shell(running.MAKE_READY)
        place.start()
        yield place


def asked(place: running.Server, *command: str) -> "subprocess.CompletedProcess[str]":
    """How a command ends there, however long it takes."""
    return subprocess.run(
        command, env=place.surroundings(), cwd=place.home.parent, capture_output=True, text=True, check=False
    )


def does(place: running.Server, *arguments: str) -> str:
    """What a command says that does its work."""
    done = asked(place, running.BESEDKA, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refuses(place: running.Server, *arguments: str) -> str:
    """What a command says that refuses to do its work."""
    done = asked(place, running.BESEDKA, *arguments)
    assert done.returncode == 1, done.stdout
    return done.stderr


class Sender(threading.Thread):
    """Sends messages with files, one after the other; `kept` are those that were answered with 201."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.token, self.over = url, make.token(), threading.Event()
        self.kept: dict[str, bytes] = {}

    def run(self) -> None:
        with httpx2.Client(base_url=self.url, headers={"chat-token": self.token}, timeout=60) as client:
            number = 0
            while not self.over.is_set():
                number += 1
                data = f"file {number} ".encode() * 1_000
                up = client.post(FILES, params={"name": f"{number}.txt"}, content=data, headers=PLAIN)
                key = up.json()["key"]
                client.post(MESSAGES, json={"text": f"{number}", "file": key}).raise_for_status()
                self.kept[key] = data


def promised(folder: Path) -> set[tuple[str, str]]:
    """Client id and digest of every message that was answered with 201 until now."""
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    return {tuple(json.loads(line)[:2]) for line in lines}


def back_up_under_traffic(
    site: running.Server, folder: Path, file: Path
) -> tuple[set[tuple[str, str]], dict[str, bytes]]:
    """People talk and send files before, while and after a backup is taken; what was promised before it began."""
    before: tuple[set[tuple[str, str]], dict[str, bytes]] = (set(), {})
    sender = Sender(site.url)

    async def backup() -> None:
        nonlocal before
        while len(promised(folder)) < 20 or len(sender.kept) < 3:
            await asyncio.sleep(0.1)
        before = promised(folder), dict(sender.kept)
        print(await asyncio.to_thread(does, site, "backup", str(file)))

    sender.start()
    try:
        _, broken = trial.visited(site, folder, backup)
    finally:
        sender.over.set()
        sender.join()
    assert broken == []
    return before


def holes(site: running.Server) -> list[tuple[int, int, int]]:
    """Conversations whose messages are not 1, 2, 3 … to the last, but for those that were erased."""
    rows = site.select(
        "SELECT c.id, c.last_seq, COUNT(m.id) FROM conversations_conversation c "
        "LEFT JOIN conversations_message m ON m.conversation_id = c.id "
        "WHERE c.status <> 'erased' GROUP BY c.id, c.last_seq"
    )
    return [(conversation, last, count) for conversation, last, count in rows if last != count]


def turn_faults(site: running.Server) -> list[str]:
    """What is wrong with the bot's reactions, but in what was erased."""
    erased = site.select("SELECT id FROM conversations_conversation WHERE status = 'erased'")
    mine = tuple(f"conversation {number}:" for (number,) in erased)
    return [fault for fault in ledger.turn_faults(site.select) if not fault.startswith(mine)]


def bytes_of(place: running.Server, key: str) -> bytes:
    """A file as the server gives it out."""
    return httpx2.get(f"{place.url}/files/{key}", timeout=60).raise_for_status().content


def says(place: running.Server, text: str) -> list[str]:
    """What the bot answers somebody new."""
    with httpx2.Client(base_url=place.url, headers={"chat-token": make.token()}, timeout=60) as client:
        client.post(MESSAGES, json={"text": text}).raise_for_status()

        def answers() -> list[str]:
            log = client.get(MESSAGES, params={"after": 0}).json()["messages"]
            return [message["text"] for message in log if message["author"] == "bot"]

        wait_until(answers, within_s=60)
        return answers()


@pytest.fixture
def telegram():
    with telegram_server.running() as telegram:
        yield telegram


def with_telegram(telegram: Telegram) -> dict[str, str]:
    """The settings of an installation that talks to it."""
    return {"TELEGRAM_BOT_TOKEN": telegram_server.TOKEN, "TELEGRAM_API_BASE": telegram.url}


@pytest.mark.xdist_group("backup")
@pytest.mark.parametrize(("database", "its_next"), [*zip(DATABASES, DATABASES, strict=True), *GROWING])
def test_what_was_promised_before_a_backup_comes_to_life_elsewhere(database, its_next, telegram, tmp_path):
    file, list_of_erased = tmp_path / "besedka.tar", tmp_path / "erased"
    (tmp_path / "books").mkdir()
    person, settings = telegram.person(), with_telegram(telegram)
    with installation(tmp_path / "old", database, **settings) as old:
        telegram.always["sendMessage"] = LATER
        old.shell(POST.format(text="before", recipient=person.id))
        forgotten = writes(old, "forget me")
        refresh = signs_in(old)["refresh"]
        messages, files = back_up_under_traffic(old, tmp_path / "books", file)
        verified, in_use = does(old, "backup", "--verify", str(file)), refuses(old, "restore", str(file))
        does(old, "erase-contact", str(forgotten), "--yes")
        list_of_erased.write_text(does(old, "erased", "--since", "2020-01-01"))
    del telegram.always["sendMessage"]
    with empty_place(tmp_path / "elsewhere", its_next, **settings) as new:
        said = does(new, "restore", str(file), "--erased", str(list_of_erased))
        not_empty = refuses(new, "restore", str(file))
        new.start()
        trial.settle(new)
        new.shell(POST.format(text="after", recipient=person.id))
        wait_until(lambda: "after" in person.texts, within_s=60)

        assert messages
        assert files
        assert [messages - stored(new), holes(new), turn_faults(new)] == [set(), [], []]
        assert {key: bytes_of(new, key) for key in files} == files
        assert person.texts == ["after"]
        assert [state for state, _ in new.select(LETTERS)] == ["parked", "delivered"]
        assert says(new, "hello")
        assert (
            httpx2.post(f"{new.url}/api/token/refresh/", json={"refresh": refresh}, timeout=60).status_code == 401
        )
        assert signs_in(new)["access"]
        assert found(new, "forget") == []
        assert found(new, "hello")
        assert new.select("SELECT id FROM conversations_contact WHERE erased_at IS NOT NULL") == [(forgotten,)]
    assert "is whole" in verified
    assert "Somebody works with" in in_use
    assert "There are conversations here" in not_empty
    assert "Parked: 1 deliveries" in said
    assert "Erased again: 1 contacts" in said


@pytest.mark.xdist_group("backup")
@pytest.mark.parametrize(("database", "its_next"), [*zip(DATABASES, DATABASES, strict=True), *GROWING])
def test_a_restore_that_is_killed_leaves_nothing_half_and_is_begun_again(database, its_next, tmp_path):
    file = tmp_path / "besedka.tar"
    with empty_place(tmp_path / "old", database) as old:
        old.shell(running.MAKE_READY)
        writes_past_the_server(old)
        does(old, "backup", str(file))
    with empty_place(tmp_path / "elsewhere", its_next) as new:
        for point in dying_restore.POINTS:
            killed = asked(new, sys.executable, dying_restore.__file__, point, str(file))
            assert killed.returncode == -signal.SIGKILL, killed.stderr
            if point != "before-database":
                assert_nobody_starts_on_half_of_it(new, its_next)
        said = does(new, "restore", str(file))

        assert "messages 1" in said
        assert new.select("SELECT text FROM conversations_message") == [("kept",)]
        assert (new.home / "secret_key").read_text() == (old.home / "secret_key").read_text()
        assert not list(new.home.glob("*restoring*"))


def assert_nobody_starts_on_half_of_it(place: running.Server, database: str) -> None:
    """On SQLite there is no half: nothing has changed. Elsewhere a start is refused."""
    if database == "sqlite":
        assert place.select("SELECT COUNT(*) FROM sqlite_master") == [(0,)]
    else:
        assert "a restore is under way" in refuses(place, "run").lower()


def writes(place: running.Server, text: str) -> int:
    """Somebody new writes; the number of the contact."""
    headers = {"chat-token": f"{make.token()}-once"}
    httpx2.post(place.url + MESSAGES, json={"text": text}, headers=headers, timeout=60).raise_for_status()
    [(contact,)] = place.select(
        "SELECT c.contact_id FROM conversations_conversation c JOIN conversations_message m "
        f"ON m.conversation_id = c.id WHERE m.text = '{text}'"
    )
    return int(contact)


def writes_past_the_server(place: running.Server) -> None:
    """There is one message."""
    place.shell(WRITE)


def signs_in(place: running.Server) -> dict[str, str]:
    """The administrator's tokens."""
    pair = {"username": "admin", "password": running.PASSWORD}
    tokens: dict[str, str] = (
        httpx2.post(f"{place.url}/api/token/", json=pair, timeout=60).raise_for_status().json()
    )
    return tokens


def stored(place: running.Server) -> set[tuple[str, str]]:
    """Client id and digest of every message of a contact."""
    rows = place.select("SELECT client_id, text FROM conversations_message WHERE author = 'contact'")
    return {(client_id, ledger.digest(text)) for client_id, text in rows}


def found(place: running.Server, words: str) -> list[str]:
    """Texts that the desk's search finds."""
    headers = {"Authorization": f"Bearer {signs_in(place)['access']}"}
    answer = httpx2.get(f"{place.url}/api/v1/desk/search/", params={"q": words}, headers=headers, timeout=60)
    return [hit["text"] for hit in answer.raise_for_status().json()["found"]]
