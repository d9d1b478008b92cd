"""Fill a running service with ads of dogs and cats through its API: `run.py URL --user anna`.

Ads that this author has published already are found by their titles and left as they are: a second run changes
nothing, and one that was broken off goes on. The password is asked for, or read from `BESEDKA_ADMIN_PASSWORD`.
"""

import argparse
import base64
import getpass
import json
import os
import sys
import time
from typing import Any

import drawing
import httpx2
from ads import ADS, SampleAd

TIMEOUT_S = 60
PATIENCE = 10  # times that one request waits where it is told that it comes too fast
BAR = 30  # characters


class CannotGoOn(Exception):
    """What the person at the keyboard is told."""


class Service:
    """The service that is filled, and who is signed in there."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._client = httpx2.Client(timeout=TIMEOUT_S)
        self.author_id = 0

    def sign_in(self, name: str, password: str) -> None:
        """Everything from now on is done by this person."""
        answer = self._ask("POST", "/api/token/", json={"username": name, "password": password})
        if answer.status_code in (400, 401, 403):
            raise CannotGoOn(f"{self.url} does not know {name} with this password.")
        token = str(self._read(answer, 200).get("access", ""))
        self.author_id = _whose(token)
        self._client.headers["Authorization"] = f"Bearer {token}"

    def has(self, ad: SampleAd) -> bool:
        """Whether this person has published it already."""
        address: str | None = "/api/v1/ads/"
        query: dict[str, Any] | None = {"search": ad.title, "page_size": 100}
        while address:
            page = self._read(self._ask("GET", address, params=query), 200)
            if any(
                found["title"] == ad.title and found["created_by"] == self.author_id for found in page["results"]
            ):
                return True
            address, query = page["next"] and page["next"].removeprefix(self.url), None
        return False

    def publish(self, ad: SampleAd) -> None:
        """It is there, with a picture drawn for it."""
        picture = drawing.portrait(ad.breed, young=ad.age == 0, seed=ad.title)
        body = {**ad._asdict(), "image": base64.b64encode(picture).decode()}
        self._read(self._ask("POST", "/api/v1/ads/", json=body), 201)

    def _ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        address = path if path.startswith("http") else self.url + path
        for _ in range(PATIENCE):
            try:
                answer = self._client.request(method, address, **options)
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise CannotGoOn(f"{self.url} does not answer ({error}). Is it running?") from None
            if answer.status_code != 429:
                break
            time.sleep(min(float(answer.headers.get("Retry-After", 1)), TIMEOUT_S))
        return answer

    def _read(self, answer: httpx2.Response, expected: int) -> dict[str, Any]:
        try:
            body = answer.json()
        except ValueError:
            body = None
        if answer.status_code != expected or not isinstance(body, dict):
            said = body.get("detail", "") if isinstance(body, dict) else "That is no Besedka."
            raise CannotGoOn(f"{answer.request.url} answered {answer.status_code}. {said}".strip())
        return body


def _whose(token: str) -> int:
    """The id of who has this token, as it says itself."""
    try:
        inside = token.split(".")[1]
        return int(json.loads(base64.urlsafe_b64decode(inside + "=" * (-len(inside) % 4)))["user_id"])
    except (IndexError, KeyError, ValueError):
        raise CannotGoOn("The service gave a token that cannot be read.") from None


def progress(done: int, title: str) -> None:
    """A bar where somebody watches; in a file or a pipe only the end matters."""
    if sys.stderr.isatty():
        filled = "█" * (BAR * done // len(ADS))
        print(f"\r{filled:░<{BAR}} {done}/{len(ADS)} {title[:40]:<40}", end="", file=sys.stderr, flush=True)


def fill(service: Service) -> int:
    """All ads are there; how many were not before."""
    added = 0
    for number, ad in enumerate(ADS, start=1):
        if not service.has(ad):
            service.publish(ad)
            added += 1
        progress(number, ad.title)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return added


def main() -> int:
    """0 when all ads are there, 1 with a reason when they cannot be."""
    parser = argparse.ArgumentParser(description="Fill a running service with ads of dogs and cats.")
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000", help="default: %(default)s")
    parser.add_argument("--user", default="admin", help="who publishes them; default: %(default)s")
    parser.add_argument(
        "--password", help="better asked for, or in BESEDKA_ADMIN_PASSWORD: others see a command line"
    )
    given = parser.parse_args()
    service = Service(given.url)
    try:
        password = given.password or os.environ.get("BESEDKA_ADMIN_PASSWORD") or getpass.getpass("Password: ")
        service.sign_in(given.user, password)
        added = fill(service)
    except CannotGoOn as reason:
        print(f"\n{reason}" if sys.stderr.isatty() else reason, file=sys.stderr)
        return 1
    except EOFError:
        print("Nobody gave a password: `--password`, or BESEDKA_ADMIN_PASSWORD.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nBroken off; the next run goes on from here.", file=sys.stderr)
        return 1
    print(f"{added} ads added, {len(ADS) - added} were there: {service.url}/ads/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
