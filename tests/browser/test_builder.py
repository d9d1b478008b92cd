"""A scenario built in Chromium from nothing, tried, and edited while somebody stands in the middle of it."""

import authors
import pytest
import running
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]


def sign_in(site: running.Server, page: Page) -> None:
    page.goto(f"{site.url}/admin/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", running.PASSWORD)
    page.click("button[type=submit]")


def add_step(page: Page, kind: str, **fields: str) -> None:
    """Add a step of this type from the scenario's page."""
    page.locator(f".besedka-add a[href*='step_type={kind}']").click()
    for name, value in fields.items():
        page.locator(f"#id_{name}").fill(value)
    page.locator("button[name=_save], input[name=_save]").click()
    page.wait_for_url("**/scenario/**/change/**")


def test_a_scenario_is_made_from_nothing_tried_and_edited_under_a_walk(site, visitor):
    page = visitor.page
    sign_in(site, page)
    page.goto(f"{site.url}/admin/bots/bot/add/")
    page.fill("#id_name", "Записная книжка")
    page.locator("[name=_save]").click()
    author = authors.Author(site)
    bot = author.get("/api/bots/")[-1]["id"]

    page.goto(f"{site.url}/admin/bots/scenario/add/")
    page.select_option("#id_bot", str(bot))
    page.fill("#id_name", "Знакомство")
    page.locator("[name=_save]").click()
    page.wait_for_url("**/scenario/*/change/**")
    add_step(page, "question", name="Имя", question="Как вас зовут?", save_as="name", check_min_length="2")
    add_step(page, "message", name="Привет", message="Очень приятно, {name}!")

    lines = page.locator(".besedka-lines")
    expect(lines).to_contain_text("Как вас зовут?")
    expect(page.locator(".scenario .step")).to_have_count(2)
    page.fill(".besedka-say input[name=text]", "Я")
    page.keyboard.press("Enter")
    expect(lines).to_contain_text("Слишком коротко")
    page.fill(".besedka-say input[name=text]", "Анна")
    page.keyboard.press("Enter")
    expect(lines).to_contain_text("Очень приятно, Анна!")
    expect(page.locator(".scenario .passed")).to_have_count(2)
    visitor.shot("builder", full_page=True)

    assert authors.says(site, bot, "Здравствуйте") == "Как вас зовут?"
    page.locator(".besedka-step", has_text="Имя").click()
    page.fill("#id_question", "Ваше имя?")
    page.locator("button[name=_save], input[name=_save]").click()
    page.wait_for_url("**/scenario/**/change/**")
    expect(lines).to_contain_text("Ваше имя?")
    assert authors.says(site, bot, "Здравствуйте", "another") == "Ваше имя?"
    page.locator(".besedka-step", has_text="Имя").click()
    page.locator("a[href$='/delete/']").first.click()
    page.locator("form:has([name=post]) [type=submit]").click()
    page.wait_for_url("**/scenario/**")
    [left] = author.get(f"/api/bots/{bot}/")["scenarios"][0]["steps"]

    assert left["name"] == "Привет"
    assert authors.says(site, bot, "Анна") == "Очень приятно, Анна!"
    execution = author.get(f"/api/executions/?bot={bot}&user_session=user_123")[0]["id"]
    page.goto(f"{site.url}/admin/bots/execution/{execution}/change/")
    expect(page.locator(".scenario .passed")).to_have_count(2)
    visitor.shot("execution", full_page=True)


@pytest.mark.parametrize("kind", ["question", "condition", "api_call", "jump"])
def test_the_forms_of_steps_fit_a_phone_and_the_dark(kind, site, visitor):
    page = visitor.page
    sign_in(site, page)
    scenario = authors.Author(site).get("/api/scenarios/")[0]["id"]
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")

    page.goto(f"{site.url}/admin/bots/step/add/?scenario={scenario}&step_type={kind}")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.shot(f"step-{kind}-phone-dark", full_page=True)
    page.goto(f"{site.url}/admin/bots/scenario/{scenario}/change/")
    expect(page.locator(".besedka-lines")).not_to_be_empty()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_demo_shop_helps_to_choose_a_pet(site, visitor):
    visitor.open_chat(f"{site.url}/demo/")
    visitor.say("Подобрать питомца")
    visitor.hears("bot")
    visitor.page.get_by_role("button", name="Кошку").click()
    visitor.hears("bot", 2)
    visitor.say("30000")
    visitor.hears("bot", 3)
    visitor.say("Омск")

    assert "На 30000 ₽ в городе Омск" in visitor.hears("bot", 4)
    assert visitor.hears("bot", 5).startswith("Рассказать подробнее")
    visitor.shot("demo-pets")
