"""What lies outside: Redis, Telegram, models, and the way by which browsers come to us."""

import asyncio
import importlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
from django.conf import settings
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from besedka.answers import providers
from besedka.answers.answerer import Answer, Model, Prompt
from besedka.project.doctor.findings import Finding, doubtful, fine, told, wrong
from besedka.project.doctor.storage import AWRY_S
from besedka.telegram.failures import Failure, Refused

if TYPE_CHECKING:
    from besedka.telegram.client import Client

PATIENCE_S = 10
PATH = "/ws/visitor"  # takes everybody's connection, and then asks who it is
LOCAL = ("127.0.0.1", "localhost", "::1")


def redis() -> Iterator[Finding]:
    """It answers, and what one says there the other hears."""
    if not settings.REDIS_URL:
        yield fine("redis", "not used: signals stay in the one process")
        return
    import redis as client  # noqa: PLC0415 - 6 MB, for who has one only

    try:
        with client.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=PATIENCE_S, socket_timeout=PATIENCE_S
        ) as server:
            version = str(server.info("server").get("redis_version", "unknown"))
            with server.pubsub(ignore_subscribe_messages=False) as listening:
                listening.subscribe("besedka:doctor")
                listening.get_message(timeout=PATIENCE_S)
                server.publish("besedka:doctor", "well?")
                heard = listening.get_message(timeout=PATIENCE_S)
    except (client.RedisError, OSError, ValueError) as error:
        yield wrong("redis", told(error), "Look at REDIS_URL, and whether Redis runs and lets us in.")
        return
    if heard is None:
        yield wrong("redis", "what is published is not heard", "Allow this account the channels besedka:*.")
    else:
        yield fine("redis", f"Redis {version} brings signals")
    address = urlsplit(settings.REDIS_URL)
    if address.hostname and address.hostname not in LOCAL and not address.password:
        yield doubtful(
            "redis", "it lets everybody in who reaches it", "Give it a password (requirepass, or an ACL)."
        )


def telegram() -> Iterator[Finding]:
    """The bot is known, and its updates come by the way that the settings say."""
    if not settings.TELEGRAM_BOT_TOKEN:
        yield fine("telegram", "not used")
        return
    yield from asyncio.run(_all(_telegram()))


def models(*, ask: bool) -> Iterator[Finding]:
    """The installation's models; with `ask`, each of them says a word, which costs a little."""
    given = [name for name in ("yandex", "openai") if _of(name, "API_KEY") or _of(name, "BASE_URL")]
    if not given:
        yield fine("models", "none: bots answer from knowledge")
    for name in given:
        if not ask:
            yield fine("models", f"{name}: {_of(name, 'MODEL')}, not asked (--models does)")
            continue
        began = time.monotonic()
        model = Model(
            name, _of(name, "MODEL"), _of(name, "BASE_URL"), _of(name, "API_KEY"), _of(name, "FOLDER_ID"), 0.0, 16
        )
        answer = asyncio.run(providers.named(name)(Prompt("Say the word: well", model=model), lambda said: None))
        if isinstance(answer, Answer):
            yield fine("models", f"{name}: {model.name} answers in {time.monotonic() - began:.1f} s")
        else:
            notes = getattr(getattr(answer, "usage", None), "notes", ()) or ("no answer",)
            advice = f"Look at {name.upper()}_API_KEY, _MODEL and _BASE_URL."
            yield wrong("models", f"{name}: {notes[-1]}", advice)


def address(url: str | None) -> Iterator[Finding]:
    """The way by which browsers come, at `url`, or at our own port: HTTP, what its proxies tell us, WebSockets."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.HOST, settings.HOST)
    own = f"http://{host}:{settings.PORT}"
    base = (url or own).rstrip("/")
    try:
        alive = httpx2.get(f"{base}/health/", timeout=PATIENCE_S, follow_redirects=False, trust_env=False)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        advice = (
            "Look at the proxy and its certificate, and whether Besedka runs." if url else "Start it: besedka run"
        )
        yield (wrong if url else doubtful)("address", f"nobody answers at {base}: {told(error)}", advice)
        return
    if alive.status_code != 200 or alive.text.replace(" ", "") != '{"status":"ok"}':
        yield wrong(
            "address", f"{base}/health/ is not ours: {alive.status_code}", "Let the proxy pass every path on."
        )
        return
    yield fine("address", f"{base} answers")
    yield from _date(alive)
    yield from _proxied(base, told_to_look=url is not None)
    yield from _socket(base)


def _date(answer: httpx2.Response) -> Iterator[Finding]:
    """The clock of whoever answers there: a proxy, or the server itself."""
    date = answer.headers.get("Date")
    awry_s = parsedate_to_datetime(date).timestamp() - time.time() if date else 0.0
    if abs(awry_s) > AWRY_S + 1:  # a date has whole seconds
        yield doubtful(
            "clock", f"the server's is {awry_s:+.0f} s from ours", "Let NTP keep both machines' clocks."
        )


def _proxied(base: str, *, told_to_look: bool) -> Iterator[Finding]:
    """Our addresses as Besedka sees them behind its proxies: the links that it makes say what these told it."""
    headers = {"Accept": "application/json"}
    try:
        root = httpx2.get(f"{base}/api/", headers=headers, timeout=PATIENCE_S, trust_env=False)
        seen = urlsplit(json.loads(root.content)["v1"])
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        advice = "Add its host to ALLOWED_HOSTS, and let the proxy pass `Host` on."
        yield wrong("address", f"{base}/api/ is refused", advice)
        return
    wanted = urlsplit(base)
    if seen.scheme != wanted.scheme:
        advice = "Let the proxy set X-Forwarded-Proto, and set BESEDKA_HTTPS=on."
        yield wrong("proxy", f"we are asked over {wanted.scheme} and are told {seen.scheme}", advice)
    elif seen.netloc != wanted.netloc:
        yield wrong("proxy", f"we are told that we are {seen.netloc}", "Let the proxy pass `Host` on as it came.")
    elif told_to_look:
        yield fine("proxy", "it passes on by which address we are called")
    if told_to_look and wanted.scheme == "http" and wanted.hostname not in LOCAL:
        advice = "Put a certificate on the proxy, and set BESEDKA_HTTPS=on."
        yield wrong("address", "passwords and chats travel in the clear", advice)


def _socket(base: str) -> Iterator[Finding]:
    """A real handshake: proxies that were not told to let WebSockets through refuse it."""
    try:
        with connect(f"ws{base.removeprefix('http')}{PATH}", open_timeout=PATIENCE_S, close_timeout=1, proxy=None):
            yield fine("websocket", "a connection is let through")
    except (WebSocketException, OSError, TimeoutError) as error:
        advice = "Let the proxy pass `Upgrade` and `Connection` on, over HTTP/1.1."
        yield wrong("websocket", told(error), advice)


async def _telegram() -> AsyncIterator[Finding]:
    module: Any = importlib.import_module(
        "besedka.telegram.client"
    )  # a second and 100 MB: only who has a bot pays
    client: Client = module.Client(settings.TELEGRAM_BOT_TOKEN, settings.TELEGRAM_API_BASE)
    try:
        yield fine("telegram", f"the bot is @{await client.name()}")
        url, waiting, fault = await client.webhook()
    except Refused:
        yield wrong(
            "telegram", "Telegram does not know the token", "Take TELEGRAM_BOT_TOKEN from @BotFather anew."
        )
        return
    except Failure as failure:
        advice = "Look at the network, and at TELEGRAM_API_BASE where you have one."
        yield wrong("telegram", f"Telegram does not answer: {told(failure)}", advice)
        return
    finally:
        await client.close()
    wanted = settings.TELEGRAM_WEBHOOK_URL
    if url != wanted:
        what = f"updates go to {urlsplit(url).hostname}" if url else "no webhook is set"
        yield doubtful(
            "telegram", what, "Besedka sets its own way when it starts; does another program use this bot?"
        )
    elif wanted:
        yield fine("telegram", "updates come to our webhook")
    else:
        yield fine("telegram", "we ask for updates")
    if fault and wanted:
        yield doubtful("telegram", f"the last call failed: {fault}; {waiting} wait", "Look whether it reaches us.")


async def _all(found: AsyncIterator[Finding]) -> list[Finding]:
    return [finding async for finding in found]


def _of(provider: str, name: str) -> str:
    return str(getattr(settings, f"{provider.upper()}_{name}", ""))
