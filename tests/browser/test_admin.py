"""The admin as an administrator meets it, in Chromium."""

import httpx2
import make
import pytest
import running
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]


def sign_in(site: running.Server, visitor) -> None:
    visitor.page.goto(f"{site.url}/admin/")
    visitor.page.fill("input[name=username]", "admin")
    visitor.page.fill("input[name=password]", running.PASSWORD)
    visitor.page.click("button[type=submit]")


def test_a_conversation_is_shown_as_a_chat_with_the_reason_of_each_turn(site, visitor):
    headers = {"chat-token": make.token()}
    messages = f"{site.url}/api/v1/conversation/messages"
    httpx2.post(messages, json={"text": "Сколько стоит доставка?"}, headers=headers)
    httpx2.get(f"{messages}?after=1&wait=10", headers=headers, timeout=20)
    sign_in(site, visitor)

    visitor.page.goto(f"{site.url}/admin/conversations/conversation/")
    visitor.shot("admin-conversations")
    visitor.page.locator("#result_list a[href*='/conversation/']").first.click()

    expect(visitor.page.locator(".log-contact")).to_contain_text("Сколько стоит доставка?")
    expect(visitor.page.locator(".log-bot")).to_contain_text("курьер")
    visitor.page.locator(".log-turn summary").click()
    expect(visitor.page.locator(".log-turn")).to_contain_text("answered")
    visitor.shot("admin-conversation", full_page=True)


@pytest.mark.parametrize(
    "page",
    [
        "conversations/inbox",
        "conversations/contact",
        "conversations/turn",
        "bots/bot",
        "bots/placement",
        "bots/scenario",
        "bots/execution",
        "knowledge/source",
        "knowledge/passage",
        "knowledge/import",
        "accounts/user",
    ],
)
def test_every_list_of_the_admin_opens_and_searches(site, visitor, page):
    sign_in(site, visitor)

    response = visitor.page.goto(f"{site.url}/admin/{page}/")
    searched = visitor.page.goto(f"{site.url}/admin/{page}/?q=a")

    assert (response.status, searched.status) == (200, 200)


def test_what_nobody_could_answer_is_answered_with_one_button(site, visitor):
    headers = {"chat-token": make.token()}
    messages = f"{site.url}/api/v1/conversation/messages"
    httpx2.post(messages, json={"text": "Чините ли вы велосипеды?"}, headers=headers)
    httpx2.get(f"{messages}?after=1&wait=10", headers=headers, timeout=20)
    sign_in(site, visitor)
    visitor.page.goto(f"{site.url}/admin/bots/bot/1/change/")
    visitor.shot("admin-bot", full_page=True)

    visitor.page.goto(f"{site.url}/admin/bots/bot/")
    visitor.page.get_by_role("link", name="Вопросы без ответа").click()
    form = visitor.page.locator("form", has_text="велосипеды").last
    form.locator("textarea").fill("Нет, только корма и игрушки.")
    visitor.shot("admin-unanswered", full_page=True)
    form.get_by_role("button").click()
    visitor.page.wait_for_load_state()
    visitor.page.wait_for_timeout(1500)  # an index may be that much older than the database

    httpx2.post(messages, json={"text": "x"}, headers={"chat-token": make.token()})
    other = {"chat-token": make.token()}
    httpx2.post(messages, json={"text": "Чините ли вы велосипеды?"}, headers=other)
    answer = httpx2.get(f"{messages}?after=1&wait=10", headers=other, timeout=20).json()["messages"][0]
    assert answer["text"] == "Нет, только корма и игрушки."
