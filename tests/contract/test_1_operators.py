"""Contract §1, "Operators work in Telegram": the page, the bot's chats and the admin, over HTTP only."""

import re
import time
import uuid
from collections.abc import Iterator

import httpx2
import llm_stub
import pytest
import running
import telegram_server
from llm_stub import Says, Stub
from telegram_server import Person, Shown, Telegram, wait_until

pytestmark = pytest.mark.xdist_group("operators")

ON_DUTY = "Вы перешли в режим ожидания клиентов."
ALREADY_ON_DUTY = "Вы уже в режиме в ожидания."
BUTTON = "Начать переписку с клиентом"
ENDED = {"message": "Чат окончен.", "user": "OPERATOR"}
SAID = {"message": "Здравствуйте, <b>слушаю</b> *вас*", "user": "OPERATOR"}
LONG = ("z_y:" * 25)[-100:]  # a token as long as they come, of signs that mean something elsewhere
SOON_S = 40  # Telegram takes a message a second, and a server that has just started takes its time


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
    """A server with a bot that speaks through a model, and operators in Telegram."""
    given = {
        "TELEGRAM_BOT_TOKEN": telegram_server.TOKEN,
        "TELEGRAM_API_BASE": telegram.url,
        "OPENAI_BASE_URL": f"{model.url}/v1",
        "OPENAI_MODEL": "m",
    }
    with running.server(tmp_path_factory.mktemp("operators") / "home", **given) as site:
        yield site


@pytest.fixture(autouse=True)
def says(model: Stub) -> None:
    """What the model answers, unless a test wants something else."""
    model.says(Says(("Доставка стоит 300 рублей.",)))


class Page:
    """The old page of a visitor: it asks, and polls."""

    def __init__(self, site: running.Server, token: str | None = None) -> None:
        self.site, self.token = site, token or f"{uuid.uuid4().hex[:5]}-page"

    @property
    def invitation(self) -> str:
        """What operators are told when this visitor waits."""
        return f"Новое сообщение от клиента {self.token[:5]}."

    def asks(self, text: str) -> None:
        headers = {"chat-token": self.token}
        answer = httpx2.post(f"{self.site.url}/api/v1/gpt", json={"message": text}, headers=headers)
        assert (answer.status_code, answer.json()) == (201, {"message": "Успех"})

    def polls(self) -> list[dict[str, str]]:
        """What was not yet handed out."""
        headers = {"chat-token": self.token, "content-type": "application/json"}
        path = f"{self.site.url}/api/v1/message"
        found: list[dict[str, str]] = httpx2.request("GET", path, content="{}", headers=headers).json()["messages"]
        return [{"message": one["message"], "user": one["user"]} for one in found]

    def hears(self) -> list[dict[str, str]]:
        """The next that is handed out."""
        found: list[dict[str, str]] = wait_until(self.polls, within_s=SOON_S)
        return found

    def hears_until(self, last: dict[str, str]) -> list[dict[str, str]]:
        """Everything that is handed out, until this is."""
        found: list[dict[str, str]] = []
        while last not in found:
            found += self.hears()
        return found

    def calls_a_person(self) -> None:
        """From now on the visitor waits for somebody."""
        self.asks("позовите оператора")
        assert [one["user"] for one in self.hears()] == ["OPERATOR"]


@pytest.fixture
def page(shop: running.Server) -> Page:
    return Page(shop)


class Administrator:
    """Somebody with a browser, signed in to the admin."""

    def __init__(self, site: running.Server) -> None:
        self.browser = httpx2.Client(base_url=site.url, follow_redirects=True, timeout=30)
        form = {"username": "admin", "password": running.PASSWORD, "next": "/admin/"}
        assert self._sends("/admin/login/", form).url.path == "/admin/"

    def enables(self, person: Person) -> None:
        """Tick the box of this operator."""
        found = self.browser.get(f"/admin/desk/operator/?q={person.first_name}").text
        where = re.search(r"/admin/desk/operator/(\d+)/change/", found)
        assert where is not None
        form = self.browser.get(where[0]).text
        user = re.search(r'<option value="(\d+)" selected', form)
        assert user is not None
        saved = self._sends(where[0], {"user": user[1], "is_enabled": "on", "capacity": "5"})
        assert saved.url.path == "/admin/desk/operator/", saved.text[:2000]

    def _sends(self, path: str, form: dict[str, str]) -> httpx2.Response:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.browser.get(path).text)
        assert token is not None
        headers = {"Referer": str(self.browser.base_url)}
        return self.browser.post(path, data={**form, "csrfmiddlewaretoken": token[1]}, headers=headers)


@pytest.fixture(scope="module")
def administrator(shop: running.Server) -> Iterator[Administrator]:
    administrator = Administrator(shop)
    yield administrator
    administrator.browser.close()


@pytest.fixture
def registers(telegram: Telegram) -> Iterator[list[Person]]:
    """Who has come in this test; they go home after it."""
    people: list[Person] = []
    yield people
    for person in people:
        person.writes("/finish")
        wait_until(lambda p=person: any("Вы не на дежурстве" in text for text in p.texts), within_s=SOON_S)


@pytest.fixture
def on_duty(telegram, shop, administrator, registers):
    """Somebody new, whom the administrator has enabled and who waits for clients."""

    def come(name: str) -> Person:
        person = telegram.person(f"{name}-{uuid.uuid4().hex[:6]}")
        person.writes("/start")
        wait_until(lambda: person.texts, within_s=SOON_S)
        administrator.enables(person)
        person.writes("/start")
        wait_until(lambda: ON_DUTY in person.texts, within_s=SOON_S)
        registers.append(person)
        return person

    return come


def invited(person: Person, page: Page) -> Shown:
    """The invitation to this visitor, once it is on the phone."""
    found: list[Shown] = wait_until(
        lambda: [one for one in person.sees if one.text == page.invitation], within_s=SOON_S
    )
    return found[-1]


def accepts(person: Person, page: Page) -> None:
    """This operator leads the conversation, and has read what there was."""
    person.presses(invited(person, page))
    wait_until(lambda: "позовите оператора" in person.texts, within_s=SOON_S)


def alert(telegram: Telegram, update: dict) -> str:
    """What whoever pressed is shown."""
    query = update["callback_query"]["id"]
    return str(wait_until(lambda: telegram.alerts.get(query), within_s=SOON_S).get("text", ""))


def test_an_unknown_start_registers_an_operator_whom_an_administrator_enables(telegram, shop, administrator, page):
    anna = telegram.person(f"Анна-{uuid.uuid4().hex[:6]}")
    page.calls_a_person()

    for _ in range(2):
        anna.writes("/start")
    wait_until(lambda: len(anna.texts) == 2, within_s=SOON_S)
    time.sleep(2.5)  # two rounds of invitations
    before = list(anna.texts)
    administrator.enables(anna)
    anna.writes("/start")
    wait_until(lambda: ON_DUTY in anna.texts, within_s=SOON_S)
    invited(anna, page)
    anna.writes("/start")
    wait_until(lambda: ALREADY_ON_DUTY in anna.texts, within_s=SOON_S)

    assert len(before) == 2
    assert not {ON_DUTY, ALREADY_ON_DUTY, page.invitation} & set(before)
    assert sorted(anna.texts[2:]) == sorted([ON_DUTY, page.invitation, ALREADY_ON_DUTY])
    accepts(anna, page)
    anna.writes("/finish")
    assert page.hears_until(ENDED)[-1] == ENDED


@pytest.mark.parametrize("token", [None, LONG], ids=["a usual token", "a long token with signs"])
def test_everyone_who_is_on_duty_and_free_is_invited_and_the_first_press_wins(telegram, shop, on_duty, token):
    busy, off, anna, boris = on_duty("Вера"), on_duty("Глеб"), on_duty("Анна"), on_duty("Борис")
    off.writes("/finish")
    wait_until(lambda: any("Вы не на дежурстве" in text for text in off.texts), within_s=SOON_S)
    first = Page(shop)
    first.calls_a_person()
    accepts(busy, first)
    page = Page(shop, f"{uuid.uuid4().hex[:5]}{LONG}"[:100] if token else None)
    page.calls_a_person()

    shown = [invited(person, page) for person in (anna, boris)]
    presses = [anna.press(shown[0]), boris.press(shown[1])]
    telegram.bring({"callback_query": presses[0]})
    wait_until(lambda: "позовите оператора" in anna.texts, within_s=SOON_S)
    late = telegram.bring({"callback_query": presses[1]})

    assert len(page.token) == (100 if token else 10)
    for one in shown:
        [(label, data)] = one.buttons
        assert label == BUTTON
        assert len(data.encode()) <= 64
        assert page.token[:5] not in data
    assert alert(telegram, late) == f"занят: {anna.first_name}"
    wait_until(lambda: shown[1].deleted, within_s=SOON_S)
    for person in (busy, off):
        assert page.invitation not in [one.text for one in person.ever]
    assert not any("оператора" in text for text in boris.texts)
    assert page.token[:5] not in " ".join(text for text in boris.texts if text != page.invitation)


def test_whoever_takes_over_reads_the_day_and_then_what_waits_and_both_talk_until_it_ends(
    telegram, model, on_duty, page
):
    anna = on_duty("Анна")
    page.asks("Сколько стоит доставка?")
    assert page.hears() == [{"message": "Доставка стоит 300 рублей.", "user": "GPT"}]
    page.calls_a_person()
    page.asks("Есть кто-нибудь?")
    asked = len(model.asked)

    anna.presses(invited(anna, page))
    wait_until(lambda: "Есть кто-нибудь?" in anna.texts, within_s=SOON_S)
    anna.writes(SAID["message"])
    heard = page.hears_until(SAID)
    page.asks("А самовывоз?")
    wait_until(lambda: "А самовывоз?" in anna.texts, within_s=SOON_S)
    silent = (page.polls(), len(model.asked))
    anna.writes("/finish")
    ended = page.hears()
    page.asks("Сколько стоит доставка?")
    again = page.hears()
    page.asks("Спасибо")
    page.hears()

    briefing, *unanswered = [shown.text for shown in anna.sees[2:] if not shown.entities or "GPT" in shown.text]
    lines = briefing.splitlines()
    client = page.token[:5]
    assert re.fullmatch(rf"Клиент {client} → GPT, \d\d:\d\d:", lines[0])
    assert lines[1] == "│ Сколько стоит доставка?"
    assert re.fullmatch(rf"GPT → клиент {client}, \d\d:\d\d:", lines[3])
    assert lines[4] == "│ Доставка стоит 300 рублей."
    assert unanswered == ["позовите оператора", "Есть кто-нибудь?", "А самовывоз?"]
    assert heard[-1] == SAID
    assert {one["user"] for one in heard} == {"OPERATOR"}
    assert silent == ([], asked)
    assert ended == [ENDED]
    assert again == [{"message": "Доставка стоит 300 рублей.", "user": "GPT"}]
    assert "Спасибо" not in anna.texts


def test_what_betrays_a_bot_is_not_delivered_and_a_person_gets_the_whole_history(telegram, model, on_duty, page):
    anna = on_duty("Анна")
    page.asks("Сколько стоит доставка?")
    page.hears()
    model.says(Says(("Я бот и не знаю, ", "как вам помочь.")))

    page.asks("А на дом к бабушке?")
    told = page.hears()
    anna.presses(invited(anna, page))
    wait_until(lambda: "А на дом к бабушке?" in anna.texts, within_s=SOON_S)
    page.asks("Алло")
    wait_until(lambda: "Алло" in anna.texts, within_s=SOON_S)

    seen = "\n".join(anna.texts)
    assert [one["user"] for one in told] == ["OPERATOR"]
    assert not any("бот" in one["message"].lower() for one in [*told, *page.polls()])
    assert "│ Сколько стоит доставка?" in seen
    assert "│ Доставка стоит 300 рублей." in seen


def test_an_operator_who_has_finished_is_called_no_more_and_another_one_is(telegram, shop, on_duty):
    anna, boris = on_duty("Анна"), on_duty("Борис")
    page = Page(shop)
    page.calls_a_person()
    accepts(anna, page)
    anna.writes("/finish")
    assert page.hears_until(ENDED)[-1] == ENDED

    page.asks("Сколько стоит доставка?")
    page.hears()
    page.calls_a_person()
    invited(boris, page)
    time.sleep(2.5)  # two rounds of invitations

    assert page.invitation not in [shown.text for shown in anna.sees if shown.buttons]
    boris.presses(invited(boris, page))
    wait_until(lambda: "позовите оператора" in boris.texts, within_s=SOON_S)
