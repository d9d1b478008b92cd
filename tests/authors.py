"""Authors of the bot builder: what they do over HTTP, with names and passwords."""

from typing import Any

import httpx2
import running


class Author:
    """Somebody with an account, over HTTP Basic."""

    def __init__(self, site: running.Server, name: str = "admin", password: str = running.PASSWORD) -> None:
        self.url, self.auth = site.url, (name, password)

    def ask(self, method: str, path: str, **fields: Any) -> httpx2.Response:
        """One request, as it is answered."""
        return httpx2.request(method, self.url + path, auth=self.auth, timeout=30, **fields)

    def get(self, path: str, **fields: Any) -> Any:
        """A GET that succeeds; its JSON."""
        return self._done(self.ask("GET", path, **fields), 200)

    def post(self, path: str, body: Any, status: int = 201) -> Any:
        """A POST that is answered like this; its JSON."""
        return self._done(self.ask("POST", path, json=body), status)

    def patch(self, path: str, body: Any, status: int = 200) -> Any:
        """A PATCH that is answered like this; its JSON."""
        return self._done(self.ask("PATCH", path, json=body), status)

    def delete(self, path: str) -> None:
        """A DELETE that succeeds."""
        self._done(self.ask("DELETE", path), 204)

    def bot(self, **fields: Any) -> int:
        """The id of a new bot."""
        return int(self.post("/api/bots/", {"name": "Bot", **fields})["id"])

    def scenario(self, bot: int, *steps: tuple[str, dict[str, Any]]) -> tuple[int, list[int]]:
        """A new scenario with these steps; its id and theirs."""
        scenario = self.post("/api/scenarios/", {"name": "Scenario", "bot": bot})["id"]
        return scenario, [self.step(scenario, kind, content) for kind, content in steps]

    def step(self, scenario: int, kind: str, content: dict[str, Any], **fields: Any) -> int:
        """The id of a new step."""
        body = {"name": kind, "scenario": scenario, "step_type": kind, "content": content, **fields}
        return int(self.post("/api/steps/", body)["id"])

    @staticmethod
    def _done(response: httpx2.Response, status: int) -> Any:
        assert response.status_code == status, response.text
        return response.json() if response.content else None


def chat(site: running.Server, bot: int, message: Any, user_session: Any = "user_123", **fields: Any) -> Any:
    """Say something to a bot, without an account; the response."""
    body = {"message": message, "user_session": user_session}
    return httpx2.post(f"{site.url}/api/bots/{bot}/chat/", json=body, timeout=70, **fields)


def says(site: running.Server, bot: int, message: str, user_session: str = "user_123") -> str:
    """What the bot answers."""
    response = chat(site, bot, message, user_session)
    assert response.status_code == 200, response.text
    return str(response.json()["response"])
