"""What an operator writes in Telegram, as a visitor's widget shows it, in Chromium."""

import uuid
from collections.abc import Iterator

import pytest
import running
import telegram_server
from person import Visitor
from playwright.sync_api import expect
from telegram_server import Telegram, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("operators in a browser")]

WRITTEN = [
    "<b>жирно</b> <img src=https://evil.example/1 onerror=\"document.title='owned'\">",
    "<a href='tg://resolve?domain=evil'>нажмите</a> tg://resolve?domain=evil",
    "[нажмите](tg://resolve?domain=evil) [ещё](https://evil.example/2) **жирно** `код`",
    "https://t.me/evil?start=1 tg:resolve?domain=evil javascript:alert(1)",
    "</textarea></div><script>document.title='owned'</script>",
]
ENABLE = "from besedka.desk.models import Operator; Operator.objects.update(is_enabled=True)"


@pytest.fixture(scope="module")
def telegram() -> Iterator[Telegram]:
    with telegram_server.running() as telegram:
        yield telegram


@pytest.fixture(scope="module")
def shop(tmp_path_factory, telegram) -> Iterator[running.Server]:
    given = {"TELEGRAM_BOT_TOKEN": telegram_server.TOKEN, "TELEGRAM_API_BASE": telegram.url}
    with running.server(tmp_path_factory.mktemp("phones") / "home", **given) as site:
        yield site


def test_what_an_operator_writes_in_telegram_is_text_in_the_widget(shop, telegram, visitor: Visitor):
    anna = telegram.person(f"Анна-{uuid.uuid4().hex[:6]}")
    for times in (1, 2):
        anna.writes("/start")
        wait_until(lambda n=times: len(anna.texts) == n, within_s=40)
        shop.shell(ENABLE)
    foreign: list[str] = []
    visitor.page.on("request", lambda request: foreign.append(request.url) if "evil" in request.url else None)
    visitor.open_chat(f"{shop.url}/demo/")
    visitor.page.click("[data-part=person]")
    visitor.hears("system")
    visitor.say("Есть кто?")

    anna.presses(wait_until(lambda: [one for one in anna.sees if one.buttons], within_s=40)[0])
    wait_until(lambda: "Есть кто?" in anna.texts, within_s=40)
    for text in WRITTEN:
        anna.writes(text)
    hidden = {"type": "text_link", "offset": 0, "length": 5, "url": "tg://resolve?domain=evil"}
    anna.writes("Глядь", entities=[hidden, {"type": "bold", "offset": 0, "length": 5}])
    visitor.hears("operator", times=len(WRITTEN) + 1)
    visitor.page.wait_for_timeout(300)
    visitor.shot("widget-telegram-operator")

    said = visitor.page.locator("[data-author=operator] .bubble")
    assert [bubble.strip() for bubble in said.all_inner_texts()] == [*WRITTEN, "Глядь"]
    expect(said.locator("img, script, iframe, svg, b, code")).to_have_count(0)
    links = [link.get_attribute("href") or "" for link in said.locator("a").all()]
    assert links
    assert all(link.startswith(("https://evil.example/", "https://t.me/")) for link in links)
    assert visitor.page.title() != "owned"
    assert foreign == []
