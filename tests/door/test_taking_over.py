"""Who answers changes while something is on its way: a bot's answer, a visitor's message, another change."""

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import llm_stub
import pytest
import running
import telegram_server
from authors import Author
from console import Colleague, operator
from llm_stub import Says, Stub
from telegram_server import Person, Telegram, wait_until
from websockets.sync.client import connect

pytestmark = pytest.mark.xdist_group("taking over")

SLOW = Says(tuple(f"слово{number} " for number in range(100)), between_s=0.035)  # 3.5 s in all
SILENT_S = 4.0
DESK = "/api/v1/desk/conversations/"


@pytest.fixture(scope="module")
def telegram() -> Iterator[Telegram]:
    with telegram_server.running() as telegram:
        yield telegram


@pytest.fixture(scope="module")
def model() -> Iterator[Stub]:
    with llm_stub.running() as stub:
        yield stub


@pytest.fixture(scope="module")
def shop(tmp_path_factory, telegram, model) -> Iterator[running.Server]:
    given = {
        "TELEGRAM_BOT_TOKEN": telegram_server.TOKEN,
        "TELEGRAM_API_BASE": telegram.url,
        "OPENAI_BASE_URL": f"{model.url}/v1",
        "OPENAI_MODEL": "m",
    }
    with running.server(tmp_path_factory.mktemp("taking") / "home", **given) as site:
        yield site


@pytest.fixture(scope="module")
def boss(shop: running.Server) -> Author:
    """A supervisor in a program."""
    return Author(shop)


class Visitor:
    """Somebody on a page."""

    def __init__(self, site: running.Server) -> None:
        self.site, self.token = site, f"{uuid.uuid4().hex}-visitor"
        self.headers = {"chat-token": self.token}

    def asks(self, text: str) -> int:
        """The place of the message in the log."""
        path = f"{self.site.url}/api/v1/conversation/messages"
        answer = httpx2.post(path, json={"text": text}, headers=self.headers, timeout=30)
        assert answer.status_code == 201
        return int(answer.json()["seq"])

    def log(self) -> list[dict]:
        """All that is in the log."""
        path = f"{self.site.url}/api/v1/conversation/messages?after=0"
        found: list[dict] = httpx2.get(path, headers=self.headers, timeout=30).json()["messages"]
        return found

    @property
    def conversation(self) -> int:
        """Its number at the desk."""
        found = self.site.select(
            "SELECT c.id FROM conversations_conversation c JOIN conversations_identity i "
            f"ON i.contact_id = c.contact_id WHERE i.shown = '{self.token[:5]}' ORDER BY c.id DESC LIMIT 1"
        )
        return int(found[0][0])

    @property
    def owner_version(self) -> int:
        """As whoever looks at it now would see it."""
        path = f"SELECT owner_version FROM conversations_conversation WHERE id = {self.conversation}"
        return int(self.site.select(path)[0][0])


def act(who: Author, visitor: Visitor, name: str, status: int = 200, **fields: object) -> dict:
    """Change who answers."""
    body = {"owner_version": visitor.owner_version, **fields}
    answer: dict = who.post(f"{DESK}{visitor.conversation}/{name}/", body, status)
    return answer


def events(visitor: Visitor, seconds: float) -> list[str]:
    """The lines of the page's event stream in the next seconds."""
    path, until, lines = f"{visitor.site.url}/api/v1/conversation/stream?after=0", time.monotonic() + seconds, []
    with (
        contextlib.suppress(httpx2.ReadTimeout),
        httpx2.stream("GET", path, headers=visitor.headers, timeout=seconds) as stream,
    ):
        for line in stream.iter_lines():
            lines.append(line)
            if time.monotonic() > until:
                break
    return lines


@pytest.mark.parametrize("how", ["claim", "first message"])
def test_an_answer_that_is_late_is_neither_said_nor_heard_but_kept(shop, model, boss, how):
    model.says(SLOW)
    visitor, asked = Visitor(shop), len(model.asked)
    address = f"{shop.url.replace('http', 'ws')}/ws/visitor"
    with connect(address) as page, ThreadPoolExecutor(1) as beside:
        page.send(json.dumps({"type": "hello", "token": visitor.token}))
        visitor.asks("Сколько стоит доставка?")
        while json.loads(page.recv(timeout=20))["type"] != "delta":
            pass  # until the bot has begun to speak
        streamed = beside.submit(events, visitor, SILENT_S)
        time.sleep(0.3)

        if how == "claim":
            act(boss, visitor, "claim")
        else:
            act(boss, visitor, "messages", 201, text="Отвечу сам")
        frames = []
        while not any(one["type"] == "state" and one["owner"] == "operator" for one in frames):
            frames.append(json.loads(page.recv(timeout=10)))
        until, frames = time.monotonic() + SILENT_S, []
        while time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                frames.append(json.loads(page.recv(timeout=0.2)))

    assert len(model.asked) == asked + 1
    assert [one["type"] for one in frames if one["type"].startswith("delta")] == ["delta_end"]
    assert [one for one in streamed.result(timeout=10) if one.startswith("event: delta")][-1] == "event: delta_end"
    assert not [one for one in frames if one.get("author") == "bot" and one["type"] != "typing"]
    assert not [one for one in visitor.log() if one["author"] == "bot"]
    turns = shop.select(
        f"SELECT outcome, trace FROM conversations_turn WHERE conversation_id = {visitor.conversation}"
    )
    assert [outcome for outcome, _ in turns] == ["dropped"]
    trace = turns[0][1] if isinstance(turns[0][1], dict) else json.loads(turns[0][1])
    assert "слово99" in json.dumps(trace["said"], ensure_ascii=False)


def in_telegram(site: running.Server, telegram: Telegram, name: str) -> tuple[Person, int]:
    """Somebody on duty there, and their account."""
    person = telegram.person(f"{name}-{uuid.uuid4().hex[:6]}")
    person.writes("/start")
    wait_until(lambda: person.texts, within_s=40)
    site.shell("from besedka.desk.models import Operator; Operator.objects.update(is_enabled=True, capacity=100)")
    person.writes("/start")
    wait_until(lambda: len(person.texts) > 1, within_s=40)
    linked = dict(site.select("SELECT telegram_id, user_id FROM accounts_telegramlink"))
    return person, int(linked[person.id])


def test_of_two_transfers_that_cross_one_counts_and_every_message_reaches_whoever_answers(
    shop, telegram, model, boss
):
    model.says(Says(("Бот отвечает.",)))
    anna, anna_id = in_telegram(shop, telegram, "Анна")
    boris, boris_id = in_telegram(shop, telegram, "Борис")
    vera: Colleague = operator(shop, f"vera-{uuid.uuid4().hex[:6]}")
    visitor = Visitor(shop)
    visitor.asks("вопрос 0")
    act(boss, visitor, "transfer", to=anna_id)
    over, crossed = threading.Event(), []

    def ask_on() -> None:
        for number in range(1, 25):
            visitor.asks(f"вопрос {number}")
            if over.wait(0.25):
                return

    def transfer(to: int | None, version: int) -> tuple[int | None, int, dict]:
        path = f"{DESK}{visitor.conversation}/transfer/"
        answer = boss.ask("POST", path, json={"owner_version": version, "to": to})
        return to, answer.status_code, answer.json()

    with vera.sit_down() as desk, ThreadPoolExecutor(3) as pool:
        desk.asks("open", conversation=visitor.conversation)
        asking = pool.submit(ask_on)
        for pair in [(boris_id, vera.user_id), (anna_id, None), (boris_id, anna_id), (vera.user_id, anna_id)]:
            version = visitor.owner_version
            crossed.append(list(pool.map(transfer, pair, [version] * 2)))
            time.sleep(0.6)
        act(boss, visitor, "return")
        time.sleep(0.6)
        act(boss, visitor, "transfer", to=boris_id)
        asking.result(timeout=60)
        seen_at_desk = [frame["text"] for frame in _frames(desk, "message") if frame["author"] == "contact"]
    over.set()

    for results in crossed:
        [(to, _, won)] = [one for one in results if one[1] == 200]
        [(_, status, lost)] = [one for one in results if one[1] != 200]
        assert status == 409
        assert lost["code"] in ("stale_owner", "taken")
        assert (won["operator"] or {}).get("id") == to
    phones = {anna_id: anna, boris_id: boris}
    for user_id, text in owners_of_messages(shop, visitor):
        if user_id in phones:
            wait_until(lambda p=phones[user_id], t=text: has(p, t), within_s=60)
        elif user_id == vera.user_id:
            assert text in seen_at_desk
    for person in phones.values():
        assert person.texts.count("вопрос 24") <= 1
    assert has(boris, "вопрос 24")


def _frames(desk, kind: str) -> Iterator[dict]:
    """Those that have come."""
    with contextlib.suppress(TimeoutError):
        while True:
            yield desk.hears(kind, timeout_s=0.5)


def has(person: Person, text: str) -> bool:
    """Whether it stands on the phone, by itself or in what was told on taking over."""
    return any(text == line.removeprefix("│ ") for shown in person.ever for line in shown.text.splitlines())


def owners_of_messages(site: running.Server, visitor: Visitor) -> list[tuple[int | None, str]]:
    """What the visitor wrote, each with the operator who answered just then, as the log has it."""
    names = {
        first or name: user_id
        for user_id, first, name in site.select("SELECT id, first_name, username FROM accounts_user")
    }
    rows = site.select(
        "SELECT author, text, payload FROM conversations_message "
        f"WHERE conversation_id = {visitor.conversation} ORDER BY seq"
    )
    owner: int | None = None
    found = []
    for author, text, payload in rows:
        told = payload if isinstance(payload, dict) else json.loads(payload or "{}") or {}
        if told.get("event") == "transferred":
            owner = names.get(told.get("to", ""))
        elif told.get("event") == "returned":
            owner = None
        elif author == "contact":
            found.append((owner, text))
    return found
