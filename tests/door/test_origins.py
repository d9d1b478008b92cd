"""Which pages may talk to an inbox: the browser is told, and who lies to it is refused."""

import asyncio
import contextlib
import json
import time

import httpx2
import make
import pytest
import running
import websockets

pytestmark = pytest.mark.xdist_group("site")

SHOP = "https://shop.example"
STRANGERS = [
    "https://evil.example",
    "null",
    "https://shop.example.evil.example",
    "https://evil.example/https://shop.example",
    "http://shop.example",
    "https://shop.example:8443",
    "HTTPS://SHOP.EXAMPLE",
    "",
]
LISTED = """
from besedka.conversations.models import Inbox
print(Inbox.objects.create(name="Listed", first_owner="queue", allowed_origins=["https://shop.example/"]).public_key)
"""
PATHS = ["/gpt", "/api/v1/gpt/", "/api/v1/conversation/messages", "/api/v1/conversation/handoff/"]


@pytest.fixture(scope="module")
def key(site: running.Server) -> str:
    """The key of an inbox that only pages of one site may use."""
    found = site.shell(LISTED).strip()
    until = time.monotonic() + 10
    while httpx2.get(f"{site.url}/api/v1/widget?inbox={found}").status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.1)
    return found


def write(site: running.Server, path: str, origin: str | None) -> httpx2.Response:
    headers = {"chat-token": make.token()} | ({} if origin is None else {"Origin": origin})
    return httpx2.post(site.url + path, json={"text": "hello", "message": "hello"}, headers=headers)


def preflight(site: running.Server, path: str, origin: str) -> httpx2.Response:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "chat-token,content-type"}
    return httpx2.options(site.url + path, headers={"Origin": origin, **asked})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", [SHOP, "https://evil.example", "null"])
def test_an_inbox_without_a_list_is_open_to_every_page_and_never_with_cookies(site, path, origin):
    asked, answer = preflight(site, path, origin), write(site, path, origin)

    allowed = asked.headers["Access-Control-Allow-Headers"].split(", ")
    assert asked.status_code == 204
    assert {"chat-token", "content-type"} <= set(allowed)
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    for response in (asked, answer):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", PATHS)
def test_the_listed_site_is_let_in_by_its_name(site, key, path):
    asked, answer = preflight(site, f"{path}?inbox={key}", SHOP), write(site, f"{path}?inbox={key}", SHOP)

    assert answer.status_code in (200, 201)
    for response in (asked, answer):
        assert response.headers["Access-Control-Allow-Origin"] == SHOP
        assert response.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_page_of_another_site_is_refused_and_its_browser_told_nothing(site, key, origin):
    path = f"{PATHS[2]}?inbox={key}"

    asked, answer = preflight(site, path, origin), write(site, path, origin)

    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert answer.headers["content-type"] == "application/problem+json"
    for response in (asked, answer):
        assert "Access-Control-Allow-Origin" not in response.headers
        assert response.headers["Vary"] == "Origin"


def test_reading_asks_the_same_of_a_page_as_writing(site, key):
    headers = {"chat-token": make.token(), "Origin": "https://evil.example"}

    for path in ("/message", "/api/v1/message", "/api/v1/conversation", PATHS[2], "/api/v1/conversation/stream"):
        response = httpx2.get(f"{site.url}{path}?inbox={key}", headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed"), path


def test_who_is_no_page_and_who_is_ours_are_let_in(site, key):
    for origin in (None, site.url):
        assert write(site, f"{PATHS[2]}?inbox={key}", origin).status_code == 201


def test_a_token_in_two_inboxes_has_two_conversations(site, key):
    headers = {"chat-token": make.token()}
    httpx2.post(f"{site.url}{PATHS[2]}?inbox={key}", json={"text": "here"}, headers=headers)

    there = httpx2.get(f"{site.url}{PATHS[2]}", headers=headers).json()

    assert there == {"messages": []}


def test_an_error_can_be_read_by_the_page_that_caused_it(site):
    response = httpx2.post(f"{site.url}{PATHS[2]}", headers={"Origin": SHOP, "chat-token": "short"})

    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (400, "*")
    assert "x-request-id" in response.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(("origin", "code"), [("https://evil.example", 4403), ("null", 4403), (SHOP, None)])
def test_a_socket_of_a_page_is_asked_where_the_page_comes_from(site, key, origin, code):
    async def talk() -> tuple[str, int | None]:
        url = f"ws://127.0.0.1:{site.port}/ws/visitor?inbox={key}"
        async with websockets.connect(url, additional_headers={"Origin": origin}) as ws, asyncio.timeout(5):
            with contextlib.suppress(websockets.ConnectionClosed):  # who is refused need not say hello
                await ws.send(json.dumps({"type": "hello", "token": make.token()}))
            first = json.loads(await ws.recv())
            if code is not None:
                await ws.wait_closed()
            return first.get("code", first["type"]), ws.close_code

    assert asyncio.run(talk()) == (("origin_not_allowed", code) if code else ("ready", None))


def test_a_socket_for_an_inbox_that_is_not_there_is_hung_up_on(site):
    async def talk() -> int | None:
        async with websockets.connect(f"ws://127.0.0.1:{site.port}/ws/visitor?inbox=pk_none") as ws:
            async with asyncio.timeout(5):
                await ws.wait_closed()
            return ws.close_code

    assert asyncio.run(talk()) == 4404
