"""A bot that looks ads up, without a model: from what a visitor writes to the links that they get."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import running

pytestmark = [pytest.mark.xdist_group("ads_in_the_chat")]

AUTHOR = ("admin", running.PASSWORD)
AD = {
    "description": "Привит",
    "kind": "Dog",
    "breed": "Такса",
    "age": 0,
    "gender": "M",
    "location": "Москва, Арбат",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[running.Server]:
    home = tmp_path_factory.mktemp("ads") / "home"
    with running.server(home, BESEDKA_SITE_URL="https://chat.example/") as site:
        for number in range(7):
            publish(site, title=f"Щенок таксы №{number}", price=9_000 + number * 1_000)
        publish(site, title="Щенок корги", breed="Вельш-корги", price=30_000, location="Казань", gender="F")
        publish(site, title="Британец [даром](https://evil.example)", kind="Cat", breed="Британская", price=5_000)
        yield site


def publish(site: running.Server, **fields: Any) -> None:
    httpx2.post(f"{site.url}/api/v1/ads/", json={**AD, **fields}, auth=AUTHOR).raise_for_status()


class Visitor:
    """Somebody who writes, with a token of their own."""

    def __init__(self, site: running.Server):
        self.address, self.seq = f"{site.url}/api/v1/conversation/messages", 0
        self.headers = {"chat-token": uuid.uuid4().hex, "X-Forwarded-Host": "evil.example"}

    def asks(self, text: str) -> dict[str, Any]:
        """What they hear first."""
        self.seq = httpx2.post(self.address, json={"text": text}, headers=self.headers).json()["seq"]
        for _ in range(4):
            found = httpx2.get(f"{self.address}?after={self.seq}&wait=20", headers=self.headers, timeout=30).json()
            for message in found["messages"]:
                self.seq = message["seq"]
                if message["author"] != "contact":
                    return message
        raise AssertionError("nobody answered")


@pytest.fixture
def visitor(site) -> Visitor:
    return Visitor(site)


def titles(message: dict[str, Any]) -> list[str]:
    """Those of the ads that a message shows."""
    assert message["author"] == "bot", message
    lines = message["text"].splitlines()
    return [line.split(". ", 1)[1].split(" — ")[0] for line in lines if line[:1].isdigit()]


def test_who_asks_for_an_animal_gets_the_ads_with_links_and_how_many_more(site, visitor):
    answer = visitor.asks("есть щенки в Москве до 20 000?")

    head, *lines, rest = answer["text"].splitlines()
    assert head == "По запросу «щенки, Москва, до 20\N{NO-BREAK SPACE}000 ₽» есть 7 объявлений:"
    assert titles(answer) == [f"Щенок таксы №{number}" for number in (6, 5, 4, 3, 2)]
    addresses = [line.rsplit(": ", 1)[1] for line in lines]
    assert all(address.startswith("https://chat.example/ads/") for address in addresses)
    page = httpx2.get(site.url + addresses[0].removeprefix("https://chat.example"))
    assert "Щенок таксы №6" in page.text
    assert rest.startswith("Ещё 2: https://chat.example/ads/?")
    page = httpx2.get(site.url + rest.split("https://chat.example")[1])
    assert [number for number in range(9) if f"Щенок таксы №{number}" in page.text] == list(range(7))
    assert "Щенок корги" not in page.text


def test_what_is_said_next_goes_on_about_it(visitor):
    visitor.asks("есть щенки в Москве до 20 000?")

    assert titles(visitor.asks("ещё")) == ["Щенок таксы №1", "Щенок таксы №0"]
    assert titles(visitor.asks("а дешевле 11 тысяч?")) == ["Щенок таксы №2", "Щенок таксы №1", "Щенок таксы №0"]
    cheaper = visitor.asks("а подешевле?")
    assert "до 8\N{NO-BREAK SPACE}999 ₽» сейчас ничего не нашлось. Без учёта цены есть 7" in cheaper["text"]
    visitor.asks("есть щенки в Москве?")
    assert titles(visitor.asks("а в Казани?")) == ["Щенок корги"]
    assert titles(visitor.asks("а мальчики?")) != ["Щенок корги"]
    assert titles(visitor.asks("а кошки в любом городе?")) == ["Британец даром evil. example"]


def test_where_nothing_is_found_it_is_said_and_the_nearest_is_shown(visitor):
    answer = visitor.asks("ищу корги в Казани до 5 тысяч")

    assert "ничего не нашлось. Без учёта цены есть 1 объявление:" in answer["text"]
    assert titles(answer) == ["Щенок корги"]


def test_who_asks_in_english_is_answered_in_english(visitor):
    answer = visitor.asks("Do you have any puppies in Kazan?")

    assert answer["text"].startswith("There is 1 ad for “puppies, Казань”:\n1. Щенок корги — Казань, under a year")


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Сколько стоит доставка?", "курьер"),
        ("Как разместить объявление о щенке?", "Подать объявление"),
        ("Можно ли отдать котёнка даром?", "добрые руки"),
        ("Можно ли прийти в магазин с собакой?", "поводке"),
    ],
)
def test_other_questions_are_answered_by_the_knowledge_also_after_a_search(visitor, question, words):
    assert words in visitor.asks(question)["text"]
    visitor.asks("есть щенки?")
    assert words in visitor.asks(question)["text"]


def test_what_nobody_knows_still_goes_to_a_person(visitor):
    assert visitor.asks("у меня щенок заболел")["author"] == "system"


def test_the_trace_tells_what_was_looked_up(site, visitor):
    visitor.asks("есть корги?")

    [(trace,)] = site.select("SELECT trace FROM conversations_turn ORDER BY id DESC LIMIT 1")
    trace = json.loads(trace) if isinstance(trace, str) else trace
    assert trace["model"] == "ads"
    assert trace["ads"]["wish"] == {"kind": "Dog", "search": "корги"}
    assert (trace["ads"]["found"], len(trace["ads"]["ids"])) == (1, 1)


def test_what_was_shown_is_remembered_and_nobody_elses_business(visitor):
    answer = visitor.asks("есть корги?")

    assert "ads" not in answer
    assert "payload" not in answer
    assert Visitor.asks(visitor, "а таксы?")["author"] == "bot"


def test_the_old_site_chat_gets_the_same(site):
    headers = {"chat-token": uuid.uuid4().hex}
    httpx2.post(f"{site.url}/api/v1/gpt", json={"message": "Есть корги?"}, headers=headers)
    got = httpx2.get(f"{site.url}/api/v1/message?wait=20", headers=headers, timeout=30).json()["messages"]

    assert [message["user"] for message in got] == ["GPT"]
    assert "Щенок корги — Казань" in got[0]["message"]


def test_only_a_bot_that_may_looks_ads_up(site):
    made = httpx2.post(f"{site.url}/api/bots/", json={"name": "Plain"}, auth=AUTHOR).json()["id"]
    chat, abilities = f"{site.url}/api/bots/{made}/chat/", f"{site.url}/api/bots/{made}/abilities/"
    body = {"message": "Есть корги?", "user_session": uuid.uuid4().hex}

    before = httpx2.post(chat, json=body, timeout=60).json()["response"]
    httpx2.put(abilities, json={"finds_ads": True}, auth=AUTHOR).raise_for_status()
    file = httpx2.get(f"{site.url}/api/bots/{made}/export/", auth=AUTHOR).text
    texts = []
    for _ in range(30):  # a bot that was changed is what it is now within half a second
        texts.append(httpx2.post(chat, json=body, timeout=60).json()["response"])
        if "/ads/" in texts[-1]:
            break

    assert "/ads/" not in before
    assert "Щенок корги" in texts[-1]
    assert "finds_ads: true" in file
