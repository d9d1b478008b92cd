"""Ads as people meet them, in Chromium."""

import re
from collections.abc import Iterator

import httpx2
import make
import pictures
import pytest
import running
from person import Visitor
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]

AXE = running.ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
XSS = "<img src=x onerror=document.title='run'><script>document.title='run'</script>"


@pytest.fixture(scope="module")
def ads(site) -> list[int]:
    """Some ads: with a picture, without, with a text that would like to run."""
    signed_in = ("admin", running.PASSWORD)
    image = pictures.base64_of(pictures.of("JPEG", size=(900, 600)))
    bodies = [
        *({**make.AD, "title": f"Щенок таксы {number}", "image": image} for number in range(22)),
        {**make.AD, "title": "Котёнок сиамский, " * 5, "kind": "Cat", "breed": "Сиамская", "age": 0},
        {**make.AD, "title": XSS, "description": f"{XSS}\n\n{'щ' * 300}", "location": XSS},
    ]
    return [httpx2.post(f"{site.url}/api/v1/ads/", json=body, auth=signed_in).json()["id"] for body in bodies]


@pytest.fixture(params=["light", "dark", "phone"])
def looking(request, browser: Browser) -> Iterator[tuple[str, Visitor]]:
    """A visitor who looks in one of three ways."""
    size = {"width": 390, "height": 800} if request.param == "phone" else {"width": 1280, "height": 850}
    person = Visitor(browser, color_scheme="dark" if request.param == "dark" else "light", viewport=size)
    yield request.param, person
    person.context.close()


def faults(visitor: Visitor) -> list[str]:
    """What axe-core finds; it is put in past the page's policy, as a browser's own tools are."""
    visitor.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = visitor.page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})")
    return [f"{fault['id']}: {fault['nodes'][0]['html']}" for fault in found["violations"]]


def test_the_list_and_an_ad_are_readable_in_every_way(site, ads, looking):
    way, visitor = looking

    for name, path in (
        ("list", "/ads/"),
        ("one", f"/ads/{ads[0]}/"),
        ("text", f"/ads/{ads[-1]}/"),
        ("none", "/ads/?search=x"),
    ):
        visitor.page.goto(site.url + path)
        visitor.page.wait_for_load_state("networkidle")
        visitor.shot(f"ads-{name}-{way}", full_page=name == "one")
        wider = visitor.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert (name, wider) == (name, 0)
        assert (name, faults(visitor)) == (name, [])
        assert visitor.page.title() != "run"
    assert visitor.complaints == []


def test_a_search_finds_and_the_chat_answers_beside_it(site, ads, visitor):
    visitor.page.goto(f"{site.url}/ads/")
    visitor.page.fill("input[name=search]", "сиам")
    visitor.page.select_option("select[name=kind]", "Cat")
    visitor.page.click("form button")

    expect(visitor.page.locator(".good")).to_have_count(1)
    expect(visitor.page.locator("input[name=search]")).to_have_value("сиам")
    visitor.page.locator(".good a").click()
    expect(visitor.page).to_have_url(re.compile(r"/ads/\d+/$"))
    visitor.page.click("[data-part=launcher]")
    visitor.page.wait_for_selector("[data-part=composer]:enabled")
    visitor.say("Сколько стоит доставка?")
    visitor.hears("bot")
    assert visitor.complaints == []
