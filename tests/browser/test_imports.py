"""A file that is imported, as who has handed it in sees it: how far it is, then what it did."""

from collections.abc import Iterator

import pytest
import running
from browser.test_admin import sign_in
from person import Visitor
from playwright.sync_api import expect
from running import Server

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("imports-seen")]

HALFWAY = """
from django.utils import timezone
from besedka.knowledge.models import Import
fields = {"state": "running", "stage": "writing", "done": 7, "of": 10, "attempts": 1, "lease_key": "somebody"}
Import.objects.update(**fields, held_until=timezone.now())
"""
WORK = "from besedka.knowledge import workshop; workshop.run_due()"


@pytest.fixture(scope="module")
def unstaffed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A site that leaves imports to workers, and has none."""
    home = tmp_path_factory.mktemp("unstaffed") / "home"
    with running.server(home, CELERY_BROKER_URL="amqp://127.0.0.1:1//") as server:
        yield server


def hand_in(site: Server, visitor: Visitor, title: str) -> None:
    """By the form, as somebody who is signed in."""
    visitor.page.goto(f"{site.url}/admin/knowledge/source/add/")
    table = {"name": "shop.csv", "mimeType": "text/csv", "buffer": b"question,answer\na,A\nb,\n"}
    visitor.page.locator("input[type=file]").set_input_files(table)
    visitor.page.locator("input[name=title]").fill(title)
    visitor.page.locator("#upload_form button").click()


def test_what_became_of_a_file_is_told_where_it_was_handed_in(site, visitor):
    sign_in(site, visitor)

    hand_in(site, visitor, "Handed in")

    expect(visitor.page.get_by_role("status")).to_contain_text("добавлено 1", timeout=60_000)
    expect(visitor.page.locator("table")).to_contain_text("answer is empty")


def test_the_page_of_a_long_import_shows_how_far_it_is_until_it_has_ended(unstaffed, visitor):
    sign_in(unstaffed, visitor)
    page, status = visitor.page, visitor.page.get_by_role("status")

    hand_in(unstaffed, visitor, "A long book")
    expect(status).to_have_text("ждёт своей очереди", timeout=30_000)
    unstaffed.shell(HALFWAY)
    expect(status).to_have_text("записываются отрывки", timeout=30_000)
    expect(page.get_by_role("progressbar")).to_have_js_property("value", 7)
    expect(page.locator("[data-done]")).to_have_text("7 / 10")
    visitor.shot("admin-import", full_page=True)
    unstaffed.shell(WORK)

    expect(status).to_contain_text("добавлено 1", timeout=30_000)
    expect(page.locator("table")).to_contain_text("answer is empty")
    visitor.shot("admin-import-done", full_page=True)
