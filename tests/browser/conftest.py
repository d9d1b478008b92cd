"""A real browser: the system's Chromium."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from person import SCREENSHOTS, Visitor
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    if not Path(CHROMIUM).exists():
        assert os.environ.get("BESEDKA_REQUIRE_ALL") != "on", "Chromium is missing"
        pytest.skip("Chromium is missing")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """A visitor in light, on a wide screen, in Russian."""
    person = Visitor(browser)
    yield person
    person.context.close()
