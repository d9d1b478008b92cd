"""Twenty operators reach for the same conversations at once: in programs, at the desk and in Telegram."""

import os
import random
import re
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
import running
import telegram_server
from authors import Author
from console import PASSWORD, Colleague, Desk
from telegram_server import Person, Shown, Telegram, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

# All 500 of the promise take minutes on two cores; the usual run is long enough to find a second winner.
CONVERSATIONS = int(os.environ.get("BESEDKA_CLAIMS", "50"))
WAVE = 25  # that wait at one time
IN_PROGRAMS, AT_DESK, IN_TELEGRAM = 7, 7, 6
APART_S = 0.06  # within which all of them reach for one: Telegram's way to us is longer than a program's
RIVALS = IN_PROGRAMS + AT_DESK + IN_TELEGRAM
BUSY = "Сначала закончите переписку: /finish"

MAKE = """
from besedka.accounts.models import User
from besedka.desk.models import Operator, Routing
from besedka.conversations.models import Inbox
for inbox in Inbox.objects.all():
    Routing.objects.update_or_create(inbox=inbox, defaults={{"everyone_s": 0, "supervisors_s": 0, "bot_s": 0}})
for name in {names!r}:
    user = User.objects.create_user(name, password={password!r}, first_name=name.title())
    Operator.objects.create(user=user, is_enabled=True)
    print(user.pk)
"""
ENABLE = "from besedka.desk.models import Operator; Operator.objects.update(is_enabled=True, capacity=100)"


class Rival:
    """Somebody who reaches for conversations; what came back, as text, by conversation."""

    def __init__(self, name: str, user_id: int) -> None:
        self.name, self.user_id = name, user_id
        self.told: dict[int, str] = {}

    def reach(self, conversation: int, version: int) -> None:
        """Try to get it."""
        raise NotImplementedError

    def refusal(self, conversation: int) -> str | None:
        """The name of who has it, as it was told; None for the winner, "" where nobody was named."""
        raise NotImplementedError


class InProgram(Rival):
    """Over HTTP, with a name and a password."""

    def __init__(self, site: running.Server, name: str, user_id: int) -> None:
        super().__init__(name.title(), user_id)
        self.statuses: dict[int, int] = {}
        self.client = httpx2.Client(base_url=site.url, auth=(name, PASSWORD), timeout=60)

    def reach(self, conversation: int, version: int) -> None:
        path = f"/api/v1/desk/conversations/{conversation}/claim/"
        answer = self.client.post(path, json={"owner_version": version})
        self.statuses[conversation], self.told[conversation] = answer.status_code, answer.text

    def refusal(self, conversation: int) -> str | None:
        status, body = self.statuses[conversation], self.told[conversation]
        assert status in (200, 409), body
        return None if status == 200 else _owner(body)


class AtDesk(Rival):
    """Over the desk's WebSocket."""

    def __init__(self, desk: Desk, name: str, user_id: int) -> None:
        super().__init__(name.title(), user_id)
        self.desk = desk
        self.answers: dict[int, dict[str, Any]] = {}

    def reach(self, conversation: int, version: int) -> None:
        answer = self.desk.asks("claim", conversation=conversation, owner_version=version)
        self.answers[conversation], self.told[conversation] = answer, str(answer)

    def refusal(self, conversation: int) -> str | None:
        answer = self.answers[conversation]
        if answer["type"] == "done":
            return None
        assert (answer["code"], answer["status"]) == ("taken", 409)
        return str(answer["owner"])


class InTelegram(Rival):
    """By the button below an invitation, which need not have come to the phone yet."""

    def __init__(self, telegram: Telegram, person: Person, user_id: int) -> None:
        super().__init__(person.first_name, user_id)
        self.telegram, self.person = telegram, person
        self.invitations: dict[int, int] = {}
        self.queries: dict[int, str] = {}

    def reach(self, conversation: int, version: int) -> None:
        button = Shown(1, "", [("", f"inv:{self.invitations[conversation]}")])
        self.queries[conversation] = self.person.presses(button)["callback_query"]["id"]

    def refusal(self, conversation: int) -> str | None:
        query = self.queries[conversation]
        wait_until(lambda: query in self.telegram.alerts, within_s=60)
        alert = str(self.telegram.alerts[query].get("text", ""))
        if not alert:
            return None
        assert alert == BUSY or alert.startswith("занят: "), alert
        return "" if alert == BUSY else alert.removeprefix("занят: ")


def _owner(body: str) -> str:
    found = re.search(r'"owner":\s*"([^"]*)"', body)
    assert found is not None
    assert '"taken"' in body
    return found[1]


def marker(number: int) -> str:
    """What stands in one visitor's message and nowhere else."""
    return f"примета-{number:04}-{number * 7919 % 10_007}"


def wait_for_people(site: running.Server, numbers: range) -> dict[int, tuple[str, int]]:
    """Visitors with a marker each wait; their conversations, with the marker and the owner version."""

    def come(number: int) -> str:
        token = f"claim-{number}-{uuid.uuid4().hex}"
        with httpx2.Client(base_url=site.url, headers={"chat-token": token}, timeout=60) as client:
            client.post("/api/v1/conversation/handoff", json={}).raise_for_status()
            client.post("/api/v1/conversation/messages", json={"text": marker(number)}).raise_for_status()
        return marker(number)

    with ThreadPoolExecutor(8) as pool:
        markers = list(pool.map(come, numbers))
    found = site.select(
        "SELECT c.id, m.text, c.owner_version FROM conversations_conversation c "
        "JOIN conversations_message m ON m.conversation_id = c.id WHERE c.owner = 'queue'"
    )
    waiting = {conversation: (text, version) for conversation, text, version in found if text in markers}
    assert len(waiting) == len(markers)
    return waiting


def invite(site: running.Server, rivals: list[InTelegram], waiting: dict[int, Any]) -> None:
    """Each of those in Telegram has an invitation to each conversation."""

    def everybody() -> bool:
        found = site.select(
            "SELECT operator_id, conversation_id, id FROM desk_invitation WHERE withdrawn_at IS NULL"
        )
        for rival in rivals:
            rival.invitations = {conversation: pk for user, conversation, pk in found if user == rival.user_id}
        return all(set(waiting) <= set(rival.invitations) for rival in rivals)

    wait_until(everybody, within_s=60)


def race(rivals: list[Rival], waiting: dict[int, tuple[str, int]]) -> None:
    """All of them reach for one after the other of these, everybody for the same at the same time."""
    together = threading.Barrier(len(rivals))

    def reach_for_all(place: int) -> None:
        chance = random.Random(place)
        for conversation, (_, version) in waiting.items():
            together.wait(timeout=120)
            time.sleep(0 if isinstance(rivals[place], InTelegram) else chance.random() * APART_S)
            rivals[place].reach(conversation, version)

    with ThreadPoolExecutor(len(rivals)) as pool:
        list(pool.map(reach_for_all, range(len(rivals))))


def close(site: running.Server, waiting: dict[int, Any]) -> None:
    """The supervisor closes all of them: everybody has their hands free again."""
    boss = Author(site)
    for conversation in waiting:
        [(version,)] = site.select(
            f"SELECT owner_version FROM conversations_conversation WHERE id = {conversation}"
        )
        boss.post(f"/api/v1/desk/conversations/{conversation}/close/", {"owner_version": version}, 200)


@pytest.fixture
def telegram():
    with telegram_server.running() as telegram:
        yield telegram


def come_to_telegram(site: running.Server, telegram: Telegram) -> list[InTelegram]:
    """Operators on duty there."""
    people = [telegram.person(f"Телеграм-{number}") for number in range(IN_TELEGRAM)]
    for times in (1, 2):
        for person in people:
            person.writes("/start")
        for person in people:
            wait_until(lambda p=person, n=times: len(p.texts) >= n, within_s=60)
        site.shell(ENABLE)
    linked = dict(site.select("SELECT telegram_id, user_id FROM accounts_telegramlink"))
    return [InTelegram(telegram, person, linked[person.id]) for person in people]


def sit_down(site: running.Server, done: list[Callable[[], Any]]) -> list[Rival]:
    """Operators in programs and at the desk."""
    names = [f"program-{n}" for n in range(IN_PROGRAMS)] + [f"desk-{n}" for n in range(AT_DESK)]
    ids = [int(line) for line in site.shell(MAKE.format(names=names, password=PASSWORD)).split()]
    rivals: list[Rival] = []
    for name, user_id in zip(names, ids, strict=True):
        if name.startswith("program"):
            program = InProgram(site, name, user_id)
            done.append(program.client.close)
            rivals.append(program)
        else:
            desk = Colleague(site, name, user_id).sit_down()
            done.append(lambda desk=desk: desk.__exit__(None, None, None))
            rivals.append(AtDesk(desk, name, user_id))
    return rivals


def test_of_twenty_who_claim_at_once_one_has_it_and_the_others_know_who_and_nothing_else(
    telegram: Telegram, tmp_path: Path
) -> None:
    given = {"TELEGRAM_BOT_TOKEN": telegram_server.TOKEN, "TELEGRAM_API_BASE": telegram.url}
    done: list[Callable[[], Any]] = []
    won: dict[str, int] = {}
    with running.server(tmp_path / "home", **given) as site:
        try:
            in_telegram = come_to_telegram(site, telegram)
            rivals = [*sit_down(site, done), *in_telegram]
            assert len(rivals) == RIVALS
            for start in range(0, CONVERSATIONS, WAVE):
                waiting = wait_for_people(site, range(start, min(start + WAVE, CONVERSATIONS)))
                invite(site, in_telegram, waiting)
                race(rivals, waiting)
                for conversation, (text, _) in waiting.items():
                    winner = judge(site, rivals, conversation, text)
                    won[type(winner).__name__] = won.get(type(winner).__name__, 0) + 1
                close(site, waiting)
        finally:
            for end in done:
                end()
    print("won:", won)
    assert sum(won.values()) == CONVERSATIONS
    assert set(won) == {"InProgram", "AtDesk", "InTelegram"}


def judge(site: running.Server, rivals: list[Rival], conversation: int, text: str) -> Rival:
    """The only one who has it; the others were told their name and nothing that the visitor wrote."""
    refusals = {rival.name: rival.refusal(conversation) for rival in rivals}
    [winner] = [rival for rival in rivals if refusals[rival.name] is None]
    losers = [rival for rival in rivals if rival is not winner]
    assert {refusals[rival.name] for rival in losers} <= {winner.name, ""}
    assert site.select(f"SELECT owner, operator_id FROM conversations_conversation WHERE id = {conversation}") == [
        ("operator", winner.user_id)
    ]
    claimed = site.select(
        f"SELECT actor_id FROM conversations_act WHERE conversation_id = {conversation} AND act = 'claimed'"
    )
    assert claimed == [(winner.user_id,)]
    for rival in losers:
        assert text not in rival.told.get(conversation, "")
        if isinstance(rival, AtDesk):
            assert not any(text in str(frame) for frame in rival.desk.kept)
        if isinstance(rival, InTelegram):
            assert not any(text in shown.text for shown in rival.person.ever)
    sent_to = site.select(
        f"SELECT DISTINCT recipient FROM conversations_delivery WHERE conversation_id = {conversation} "
        "AND (body LIKE '%briefing%' OR body LIKE '%\"message\"%')"
    )
    theirs = {(str(winner.person.id),)} if isinstance(winner, InTelegram) else set()
    assert set(sent_to) == theirs
    return winner
