"""Ads as people meet them, in Chromium."""

import re
from collections.abc import Iterator
from typing import Any

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


def sign_in(site, visitor: Visitor, name: str = "admin", onward: str = "/ads/new/") -> None:
    visitor.page.goto(f"{site.url}/auth/login/?next={onward}")
    visitor.page.fill("input[name=username]", name)
    visitor.page.fill("input[name=password]", running.PASSWORD)
    visitor.page.click("button[type=submit]")
    visitor.page.wait_for_url(f"**{onward}")


def type_ad(visitor: Visitor, **fields: str) -> None:
    for name, value in {**{name: str(value) for name, value in make.AD.items()}, **fields}.items():
        if name in ("kind", "gender"):
            visitor.page.select_option(f"#field-{name}", value)
        else:
            visitor.page.fill(f"#field-{name}", value)


def photo(name: str = "dog.png", content: bytes | None = None) -> Any:
    """A file as a person picks it."""
    given = pictures.of("PNG", size=(900, 600)) if content is None else content
    return {"name": name, "mimeType": "image/png", "buffer": given}


def change(site, ad_id: int, **fields: object) -> None:
    """Somebody else changes it."""
    answer = httpx2.patch(f"{site.url}/api/v1/ads/{ad_id}/", json=fields, auth=("admin", running.PASSWORD))
    assert answer.status_code == 200


def test_pages_of_authors_are_readable_in_every_way(site, ads, looking):
    way, visitor = looking
    page = visitor.page
    sign_in(site, visitor, onward="/ads/mine/")

    def look(name: str) -> None:
        page.wait_for_load_state("networkidle")
        visitor.shot(f"ads-{name}-{way}", full_page=True)
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert (name, wider) == (name, 0)
        assert (name, faults(visitor)) == (name, [])

    look("mine")
    for name, path in (
        ("new", "/ads/new/"),
        ("delete", f"/ads/{ads[0]}/delete/"),
    ):
        page.goto(site.url + path)
        look(name)
    assert visitor.complaints == []

    page.goto(f"{site.url}/ads/{ads[1]}/edit/")
    page.fill("#field-title", "Мой заголовок")
    change(site, ads[1], title=f"Чужой {way}", location=f"Тверь {way}", gender="F")
    page.click("form.ad-form [type=submit]")
    page.get_by_text("изменил кто-то ещё").wait_for()
    look("stale")
    page.goto(f"{site.url}/ads/new/")
    page.evaluate("document.querySelector('form.ad-form').noValidate = true")
    type_ad(visitor, title=" ", price="дорого")
    page.set_input_files("input[name=image]", photo())
    page.click("form.ad-form [type=submit]")
    page.get_by_text("Обязательное поле.").wait_for()
    look("faulty")


def test_an_ad_is_published_from_the_page_with_a_photo(site, ads, visitor):
    page = visitor.page
    sign_in(site, visitor)
    type_ad(visitor, title="Рекс ищет дом", price="16 000")
    page.set_input_files("input[name=image]", photo())

    expect(page.locator("[data-preview] canvas")).to_have_attribute("aria-label", "dog.png")
    expect(page.locator("[data-picked]")).to_contain_text("dog.png")
    page.click("form.ad-form [type=submit]")
    page.wait_for_url(re.compile(r"/ads/\d+/\?said=published"))

    expect(page.locator("h1")).to_have_text("Рекс ищет дом")
    expect(page.get_by_role("status")).to_have_text("Объявление опубликовано.")
    expect(page.locator(".one .picture img")).to_have_js_property("naturalWidth", 900)
    page.get_by_role("link", name="Убрать").click()
    page.get_by_role("button", name="Убрать").click()
    page.wait_for_url("**/ads/mine/?said=withdrawn")
    assert visitor.complaints == []


def test_what_is_no_photo_is_told_before_it_is_sent(site, ads, visitor):
    page = visitor.page
    sign_in(site, visitor)

    page.set_input_files("input[name=image]", photo(content=b"<html>"))
    expect(page.locator("#photo-notes .bad")).to_contain_text("не похоже на фото")
    page.set_input_files("input[name=image]", photo(content=b"\0" * (10 * 1024 * 1024 + 1)))
    expect(page.locator("#photo-notes .bad")).to_contain_text("больше 10 МБ")
    page.set_input_files("input[name=image]", photo())
    expect(page.locator("#photo-notes .bad")).to_have_count(0)
    assert visitor.complaints == []


def test_a_fault_that_the_server_finds_keeps_the_text_and_the_photo(site, ads, visitor):
    page = visitor.page
    sign_in(site, visitor)
    type_ad(visitor, title="Ждёт фото", price="дорого")
    page.set_input_files("input[name=image]", photo())
    page.click("form.ad-form [type=submit]")

    expect(page.locator("#price-notes .bad")).to_contain_text("целое число")
    expect(page.locator("#field-price")).to_be_focused()
    expect(page.locator("#field-title")).to_have_value("Ждёт фото")
    page.fill("#field-price", "5")
    page.click("form.ad-form [type=submit]")
    page.wait_for_url(re.compile(r"/ads/\d+/\?said=published"))
    expect(page.locator(".one .picture img")).to_have_js_property("naturalWidth", 900)


def test_two_changes_at_once_are_shown_side_by_side(site, ads, visitor):
    page = visitor.page
    sign_in(site, visitor, onward=f"/ads/{ads[2]}/edit/")
    page.fill("#field-title", "Мой заголовок")
    change(site, ads[2], title="Чужой заголовок", location="Тверь")
    page.click("form.ad-form [type=submit]")

    expect(page.locator("#title-notes q")).to_have_text("Чужой заголовок")
    expect(page.locator("#field-title")).to_have_value("Мой заголовок")
    expect(page.locator("#field-location")).to_have_value("Тверь")
    page.get_by_role("button", name="Взять это").click()
    page.click("form.ad-form [type=submit]")
    page.wait_for_url("**/?said=changed")
    expect(page.locator("h1")).to_have_text("Чужой заголовок")


def test_a_broken_connection_and_a_lost_sign_in_lose_no_word(site, ads, visitor):
    page = visitor.page
    sign_in(site, visitor)
    type_ad(visitor, title="Не потеряйся")

    visitor.context.set_offline(True)
    page.click("form.ad-form [type=submit]")
    expect(page.locator("[data-progress]")).to_contain_text("Связь прервалась")
    visitor.context.set_offline(False)
    visitor.context.clear_cookies(name="sessionid")
    page.click("form.ad-form [type=submit]")
    page.wait_for_url("**/auth/login/**")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", running.PASSWORD)
    page.click("button[type=submit]")

    expect(page.locator("#field-title")).to_have_value("Не потеряйся")
    expect(page.locator("[data-progress]")).to_contain_text("вернули то, что вы набрали")
    page.click("form.ad-form [type=submit]")
    page.wait_for_url(re.compile(r"/ads/\d+/\?said=published"))
    page.goto(f"{site.url}/ads/new/")
    expect(page.locator("#field-title")).to_have_value("")


def test_everything_works_without_a_script(site, ads, browser):
    visitor = Visitor(browser, java_script_enabled=False)
    page = visitor.page
    sign_in(site, visitor)
    type_ad(visitor, title="Без скриптов", price="дорого")
    page.set_input_files("input[name=image]", photo())
    page.click("form.ad-form [type=submit]")

    expect(page.locator("#price-notes")).to_contain_text("целое число")
    page.fill("#field-price", "5")
    page.click("form.ad-form [type=submit]")
    page.wait_for_url(re.compile(r"/ads/\d+/\?said=published"))
    expect(page.locator("h1")).to_have_text("Без скриптов")
    expect(page.locator(".one .picture img")).to_be_visible()
    page.get_by_role("link", name="Изменить").click()
    page.fill("#field-location", "Омск")
    page.click("form.ad-form [type=submit]")
    expect(page.locator("dl")).to_contain_text("Омск")
    visitor.context.close()


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
