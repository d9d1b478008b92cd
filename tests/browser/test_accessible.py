"""Every page as somebody meets it who does not see well, or not at all: axe-core finds nothing serious on any.

One page of one browser walks through all of them; each is looked at wide and on a phone, in light and in dark.
"""

from collections.abc import Iterator
from typing import Any, Literal

import httpx2
import make
import pytest
import running
from django.test import RequestFactory
from person import Visitor
from playwright.sync_api import Browser, Route, ViewportSize

from besedka.web import problems

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]

AXE = running.ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")
WIDE: ViewportSize = {"width": 1280, "height": 850}
PHONE: ViewportSize = {"width": 390, "height": 800}
MADE = """
from django.core.management import call_command
from besedka.accounts.models import User
call_command("create_test_data", verbosity=0)
User.objects.create_user("vera", password={password!r})
"""
STRANGERS = [
    "/",
    "/ads/",
    "/auth/login/",
    "/auth/register/",
    "/api/",
    "/api/v1/",
    "/api/root/",
    "/api/v1/desk/",
    "/nothing",
]
OURS = {  # pages of the admin that are ours and that no list leads to
    "/admin/bots/bot/unanswered/",
    "/admin/bots/bot/import/",
    "/admin/knowledge/source/add/",
}
# Not ours: Django's own script puts a name on an element without a role, beside its two lists to choose from.
AXE_RUN = "rules => axe.run({exclude: [['.help-tooltip']]}, rules)"
ALL: dict[str, Any] = {"resultTypes": ["violations"]}
COLOURS = {**ALL, "runOnly": ["color-contrast", "link-in-text-block"]}  # darkness changes nothing else
Way = tuple[ViewportSize, Literal["light", "dark"], dict[str, Any]]
WAYS: tuple[Way, ...] = (
    (WIDE, "light", ALL),
    (WIDE, "dark", COLOURS),
    (PHONE, "light", ALL),
    (PHONE, "dark", COLOURS),
)
# The admin's theme reads the wish for darkness only when a page is loaded.
ADMIN_SCHEME = "dark => document.documentElement.classList.toggle('dark', dark)"


class Reader(Visitor):
    """Somebody who looks at each page in every way, and keeps what is wrong with it."""

    def __init__(self, browser: Browser, site: running.Server) -> None:
        super().__init__(browser)
        self.site = site
        self.wrong: list[str] = []

    def look(self, name: str, *, shot: bool = False, ways: tuple[Way, ...] = WAYS) -> None:
        """What is wrong with the page that is open, wide and narrow, light and dark."""
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))  # past its policy, as a browser's own tools are
        for size, scheme, rules in ways:
            self.page.set_viewport_size(size)
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.evaluate(ADMIN_SCHEME, scheme == "dark")
            if shot and (scheme == "light") is (size is WIDE):
                self.shot(f"page-{name}-{scheme}-{size['width']}")
            self._note(f"{name} {scheme} {size['width']}", rules)
        self.page.set_viewport_size(WIDE)

    def go(self, path: str) -> None:
        """Open a page of the site."""
        self.page.goto(self.site.url + path)
        self.page.wait_for_load_state("load")

    def show(self, path: str, status: int, page: bytes) -> None:
        """From now on this is what stands there."""

        def answer(route: Route) -> None:
            route.fulfill(status=status, body=page, headers={"Content-Type": "text/html"})

        self.page.unroute(self.site.url + path)
        self.page.route(self.site.url + path, answer)

    def _note(self, where: str, rules: dict[str, Any]) -> None:
        for fault in self.page.evaluate(AXE_RUN, rules)["violations"]:
            if fault["impact"] in GRAVE:
                self.wrong += [f"{where}: {fault['id']}: {node['html'][:200]}" for node in fault["nodes"]]

    def sign_in(self, name: str) -> None:
        """Sign in by the form."""
        self.go("/auth/login/")
        self.page.fill("input[name=username]", name)
        self.page.fill("input[name=password]", running.PASSWORD)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: "/auth/login/" not in url)


@pytest.fixture(scope="module")
def filled(site: running.Server) -> dict[str, Any]:
    """The site with something on every page of it."""
    site.shell(MADE.format(password=running.PASSWORD))
    admin = ("admin", running.PASSWORD)
    ad = httpx2.post(f"{site.url}/api/v1/ads/", json=make.AD, auth=admin).json()["id"]
    headers = {"chat-token": make.token()}
    said = {"text": "Здравствуйте! Где мой заказ?", "client_id": "first"}
    httpx2.post(f"{site.url}/api/v1/conversation/messages", json=said, headers=headers)
    httpx2.post(f"{site.url}/api/v1/conversation/handoff", json={}, headers=headers)
    contact = site.select("SELECT max(contact_id) FROM conversations_conversation")[0][0]
    return {"ad": f"/ads/{ad}/", "data": f"/admin/conversations/contact/{contact}/data/"}


@pytest.fixture
def reader(browser: Browser, site: running.Server) -> Iterator[Reader]:
    """A reader with a browser of their own."""
    person = Reader(browser, site)
    yield person
    person.context.close()


def test_what_strangers_see_can_be_read_by_everybody(site, filled, reader):
    for path in [*STRANGERS, filled["ad"]]:
        reader.go(path)
        reader.look(path.strip("/").replace("/", "-") or "home", shot=True)
    reader.open_chat(f"{site.url}/demo/")
    reader.say("Сколько стоит доставка?")
    reader.hears("bot")
    reader.look("demo", shot=True)

    assert reader.wrong == [], "\n".join(reader.wrong)


def test_pages_of_refusals_can_be_read_by_everybody(site, reader):
    for kind in (problems.InternalError, problems.PermissionDenied, problems.Unavailable, problems.CsrfFailed):
        request = RequestFactory().get("/broken", headers={"Accept": "text/html", "Accept-Language": "en"})
        told = problems.plain_refusals(lambda asked, kind=kind: problems.refuse(kind()))(request)
        reader.show("/broken", told.status_code, told.content)
        reader.go("/broken")
        reader.look(f"refusal-{told.status_code}", shot=True)

    assert reader.wrong == [], "\n".join(reader.wrong)


def test_what_people_with_an_account_do_can_be_read_by_everybody(filled, reader):
    reader.sign_in("admin")
    own = ["/auth/second-factor/", "/ads/mine/", "/ads/new/", f"{filled['ad']}edit/", f"{filled['ad']}delete/"]
    for path in own:
        reader.go(path)
        reader.look(path.strip("/").replace("/", "-"), shot=True)
    reader.go("/ads/new/")
    reader.page.locator("form [type=submit]").last.click()
    reader.look("ads-new-refused", shot=True)

    assert reader.wrong == [], "\n".join(reader.wrong)


def test_whom_the_desk_turns_away_is_told_so_readably(filled, reader):
    reader.sign_in("vera")
    reader.go("/desk/")
    reader.look("desk-closed", shot=True)

    assert reader.wrong == [], "\n".join(reader.wrong)


def test_the_desk_can_be_worked_at_by_everybody(filled, reader):
    reader.sign_in("admin")
    reader.go("/desk/")
    reader.page.wait_for_selector("[data-part=card]")
    reader.look("desk")
    reader.page.locator("[data-part=card]").first.click()
    reader.page.wait_for_selector("[data-part=talk]")
    reader.look("desk-talk", shot=True)

    assert reader.wrong == [], "\n".join(reader.wrong)


def test_the_admin_can_be_worked_in_by_everybody(filled, reader):
    reader.sign_in("admin")
    reader.go("/admin/")
    reader.look("admin", shot=True)
    found = reader.page.eval_on_selector_all("a[href^='/admin/']", "links => links.map(a => a.pathname)")
    lists = {path for path in found if path.count("/") == 4}
    assert len(lists) > 10
    for path in sorted({*lists, *OURS, filled["data"]}):
        reader.go(path)
        name = path.removeprefix("/admin/").strip("/").replace("/", "-")
        reader.look(name, ways=WAYS[:3])  # the theme's colours are the same on a phone
        one = reader.page.locator("#result_list a[href*='/change/']").first
        if one.count():
            reader.go(one.get_attribute("href") or "")
            reader.look(f"{name}-one", ways=WAYS[:3])

    assert reader.wrong == [], "\n".join(reader.wrong)
