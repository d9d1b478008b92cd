"""An account as its owner meets it, in Chromium: by keyboard, on a phone, in the dark."""

import base64
import re
import time

import make
import pytest
import running
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from person import Visitor
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]

PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "locale": "en-GB"}


def type_all(page, *texts):
    """Into one field after the other, as a keyboard gets there; then Enter."""
    expect(page.locator("input:focus")).to_be_visible()  # the first one, as soon as the page is there
    for number, text in enumerate(texts):
        if number:
            page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")


def code_of(secret, step=0):
    return HOTP(base64.b32decode(secret), 6, SHA1()).generate(int(time.time()) // 30 + step).decode()


def test_somebody_registers_signs_in_and_out_by_keyboard(site, visitor):
    page, name = visitor.page, make.token()
    page.goto(f"{site.url}/auth/login/")
    page.get_by_role("link", name="Зарегистрироваться").press("Enter")
    expect(page.get_by_label("Имя для входа")).to_be_focused()
    visitor.shot("register")

    type_all(page, "admin", "Анна", "password1234")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Имя для входа")).to_have_attribute("aria-invalid", "true")
    visitor.shot("register-refused")
    page.get_by_label("Имя для входа").fill("")
    page.get_by_label("Имя для входа").focus()
    type_all(page, name, "", running.PASSWORD)
    expect(page.get_by_role("status")).to_contain_text(name)
    visitor.shot("login-registered")
    type_all(page, name, "wrong password")
    expect(page.get_by_role("alert")).to_contain_text("не подходят")
    page.keyboard.type(running.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/")

    assert any(cookie["name"] == "sessionid" for cookie in visitor.context.cookies())
    page.goto(f"{site.url}/auth/login/")
    visitor.shot("login-signed-in")
    page.get_by_role("button", name="Выйти").press("Enter")
    expect(page.get_by_role("button", name="Выйти")).to_have_count(0)
    page.goto(f"{site.url}/auth/second-factor/")
    assert page.url.startswith(f"{site.url}/auth/login/")
    assert [
        text for text in visitor.complaints if "40" not in text
    ] == []  # a form that comes back is a 400 or 403


def test_somebody_switches_on_a_second_factor_on_a_phone_in_the_dark(site, browser):
    visitor, name = Visitor(browser, **PHONE), make.token()
    page = visitor.page
    page.goto(f"{site.url}/auth/register/")
    visitor.shot("register-phone-dark")
    type_all(page, name, "Anna", running.PASSWORD)
    page.wait_for_url(f"{site.url}/auth/login/")
    visitor.shot("login-phone-dark")
    type_all(page, name, running.PASSWORD)
    page.wait_for_url(f"{site.url}/")

    page.goto(f"{site.url}/auth/second-factor/")
    secret = page.locator(".secret").inner_text().replace(" ", "")
    assert page.locator(".qr").evaluate("picture => picture.naturalWidth") > 0
    visitor.shot("second-factor-phone-dark", full_page=True)
    page.get_by_label("Code of the app").fill(code_of(secret))
    page.get_by_label("Password").fill(running.PASSWORD)
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    recovery = page.locator(".codes code").first.inner_text()
    visitor.shot("second-factor-codes-phone-dark", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    visitor.context.clear_cookies()
    page.goto(f"{site.url}/auth/login/?next=/auth/second-factor/")
    type_all(page, name, running.PASSWORD)
    page.wait_for_url(f"{site.url}/auth/login/code/")
    visitor.shot("code-phone-dark")
    type_all(page, recovery)
    page.wait_for_url(re.compile("/auth/second-factor/"))
    expect(page.get_by_text("Codes left on your list: 9.")).to_be_visible()
    visitor.shot("second-factor-on-phone-dark")
    assert visitor.complaints == []
    visitor.context.close()
