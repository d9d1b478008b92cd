"""What a bot says, as a visitor sees it: while it is said, with marks and sources, and with choices."""

from collections.abc import Iterator

import llm_stub
import pytest
import running
from llm_stub import Says, Stub
from person import Visitor
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("answers")]

MARKED = """Вот **важное** и `код`:

- два дня
- [условия](https://shop.example/delivery)

1. раз
2. два"""
HOSTILE = [
    "<script>document.title='owned'</script>",
    "<img src='https://evil.example/1' onerror=\"document.title='owned'\">",
    "![x](https://evil.example/?d=1)",
    "[x](javascript:document.title='owned')",
    "<svg onload=\"document.title='owned'\">",
    "[click](data:text/html,<script>1</script>)",
    "<https://evil.example/auto>",
    "</textarea></div><iframe src=https://evil.example/2>",
    "[ок](tg://resolve?domain=evil)",
]


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with llm_stub.running() as stub:
        yield stub


@pytest.fixture(scope="module")
def speaking(tmp_path_factory, stub) -> Iterator[running.Server]:
    """The demo shop, whose bot speaks through a model."""
    home = tmp_path_factory.mktemp("speaking") / "home"
    with running.server(home, OPENAI_BASE_URL=f"{stub.url}/v1", OPENAI_MODEL="m") as site:
        yield site


@pytest.fixture(scope="module")
def offline(tmp_path_factory) -> Iterator[running.Server]:
    """The demo shop, whose bot is sure of nothing and suggests."""
    home = tmp_path_factory.mktemp("offline") / "home"
    with running.server(home) as site:
        site.shell("from besedka.bots.models import Bot; Bot.objects.update(answer_from=0.96, suggest_from=0.01)")
        yield site


def test_an_answer_grows_while_it_is_said(speaking, stub, visitor):
    stub.says(Says(tuple(f"слово{n} " for n in range(120)), between_s=0.03))
    visitor.open_chat(f"{speaking.url}/demo/")
    visitor.say("Сколько стоит доставка?")

    draft = visitor.page.locator("[data-part=draft] .bubble")
    draft.wait_for(timeout=10_000)
    first = draft.inner_text()
    visitor.page.wait_for_timeout(700)
    later = draft.inner_text()
    visitor.shot("widget-draft")

    assert later.startswith(first.rstrip())
    assert len(later) > len(first)
    assert visitor.hears("bot").endswith("слово119")
    expect(visitor.page.locator("[data-part=draft]")).to_have_count(0)
    assert visitor.complaints == []


def test_marks_lists_and_sources_are_shown(speaking, stub, visitor):
    stub.says(Says((MARKED + " [1]",)))
    visitor.open_chat(f"{speaking.url}/demo/")
    visitor.say("Сколько стоит доставка?")
    visitor.hears("bot")
    said = visitor.page.locator("[data-author=bot]")

    expect(said.locator("b")).to_have_text("важное")
    expect(said.locator("ul li")).to_have_count(2)
    expect(said.locator("ol li")).to_have_count(2)
    link = said.locator(".bubble a")
    expect(link).to_have_text("условия (shop.example)")
    expect(link).to_have_attribute("rel", "noopener nofollow noreferrer")
    expect(said.locator("[data-part=sources]")).to_contain_text("Источник:")
    visitor.shot("widget-marks")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_that_a_model_says_runs_or_fetches(speaking, stub, visitor, hostile):
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    stub.says(Says((f"Так: {hostile} всё.",)))
    visitor.open_chat(f"{speaking.url}/demo/")
    visitor.say("Сколько стоит доставка?")
    visitor.hears("bot")
    visitor.page.wait_for_timeout(200)

    said = visitor.page.locator("[data-author=bot]")
    assert not [url for url in asked if "evil.example" in url]
    assert visitor.page.title() != "owned"
    expect(said.locator("img, script, iframe, svg")).to_have_count(0)
    for link in said.locator("a").all():
        assert (link.get_attribute("href") or "").startswith("http")
        assert "evil.example" in link.inner_text()


def test_a_choice_is_made_with_one_press(offline, visitor):
    visitor.open_chat(f"{offline.url}/demo/")
    visitor.say("а вот доставка у вас какая")
    choices = visitor.page.locator("[data-part=choice]")
    choices.first.wait_for(timeout=10_000)
    visitor.shot("widget-choices")
    asked = choices.first.inner_text()
    assert choices.last.inner_text() == "Ничего из этого, позовите человека"

    choices.first.focus()
    visitor.page.keyboard.press("Enter")

    expect(visitor.page.locator("[data-author=contact] .bubble").last).to_have_text(asked)
    visitor.hears("bot", times=2)
    expect(visitor.page.locator("[data-part=choice]")).to_have_count(0)


def test_none_of_these_calls_a_person(offline, visitor):
    visitor.open_chat(f"{offline.url}/demo/")
    visitor.say("а вот доставка у вас какая")
    visitor.page.locator("[data-part=choice]").last.click(timeout=10_000)

    assert "человек" in visitor.hears("system").lower()


def test_choices_fit_on_a_phone_in_the_dark(offline, browser):
    dark = Visitor(browser, viewport={"width": 390, "height": 780}, color_scheme="dark", has_touch=True)
    dark.open_chat(f"{offline.url}/demo/")
    dark.say("а вот доставка у вас какая")
    dark.page.locator("[data-part=choice]").first.wait_for(timeout=10_000)
    dark.shot("widget-choices-phone-dark")

    assert dark.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dark.context.close()
