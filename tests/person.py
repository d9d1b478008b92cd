"""A person with a browser."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

SCREENSHOTS = Path(__file__).resolve().parents[1] / "var" / "screenshots"


class Visitor:
    """A person with a browser of their own; what the console complains about is kept."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.context = browser.new_context(
            **{"locale": "ru-RU", "viewport": {"width": 1280, "height": 850}, **options}
        )
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on(
            "console", lambda message: self.complaints.append(message.text) if message.type == "error" else None
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open_chat(self, address: str) -> None:
        """Go to a page and open its chat."""
        self.page.goto(address)
        self.page.click("[data-part=launcher]")
        self.page.wait_for_selector("[data-part=composer]:enabled")

    def say(self, text: str) -> None:
        """Type and press Enter."""
        self.page.fill("[data-part=composer]", text)
        self.page.press("[data-part=composer]", "Enter")

    def hears(self, author: str, times: int = 1) -> str:
        """Wait for that many messages of an author; the text of the last."""
        messages = self.page.locator(f"[data-author={author}] .bubble")
        messages.nth(times - 1).wait_for(timeout=15_000)
        return messages.nth(times - 1).inner_text()

    def shot(self, name: str, **options: Any) -> None:
        """Keep a picture of what is seen."""
        self.page.wait_for_timeout(300)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", **options)
