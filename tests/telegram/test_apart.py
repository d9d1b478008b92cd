"""`besedka telegram` as a service of its own, which `besedka run` wakes over its internal HTTP interface."""

import contextlib
import subprocess
import sys

import httpx2
import pytest
import running
import telegram_server
from authors import Author
from telegram_server import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

SECRET = "a-secret-of-our-own"
BEARER = {"Authorization": f"Bearer {SECRET}"}
NAMED = "from besedka.accounts.models import User; User.objects.update(first_name='Анна')"

# As `besedka telegram`, but it does not look by itself: what it sends it was woken for. And it is quicker.
WOKEN_ONLY = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "besedka.project.settings")
import django
django.setup()
from besedka import cli
from besedka.telegram import handling, pace, sender
sender.SWEEP_S = handling.SWEEP_S = 3600
pace.CHAT_S = 0.1
sys.exit(cli.main(["telegram"]))
"""


@pytest.fixture
def telegram():
    with telegram_server.running() as telegram:
        yield telegram


@pytest.fixture
def site(telegram, tmp_path):
    """`besedka run`, to which Telegram is somebody else's business."""
    given = {
        "TELEGRAM_BOT_TOKEN": telegram_server.TOKEN,
        "TELEGRAM_API_BASE": telegram.url,
        "BOT_SECRET": SECRET,
        "BOT_PORT": str(running.free_port()),
    }
    with running.server(tmp_path / "home", **given) as site:
        site.shell(NAMED)
        yield site


@contextlib.contextmanager
def service(site, code=None):
    """The process that talks to Telegram."""
    command = [running.BESEDKA, "telegram"] if code is None else [sys.executable, "-c", code]
    with site.log.open("ab") as log:
        process = subprocess.Popen(command, env=site.surroundings(), stdout=log, stderr=log, cwd=site.home.parent)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def attach(telegram, anna):
    """A phone on which the token is attached."""
    phone = telegram.person("Анна")
    token = anna.post("/token/", {})["token"]
    phone.writes(token)
    wait_until(lambda: phone.texts == [f"Successfully attached token '{token}'"], within_s=60)
    return phone


def test_it_is_woken_for_what_is_posted_and_what_was_posted_while_it_was_down_comes_once_in_order(telegram, site):
    anna = Author(site)
    inside = f"http://127.0.0.1:{site.environment['BOT_PORT']}"
    with service(site, WOKEN_ONLY):
        phone = attach(telegram, anna)
        anna.post("/message/", {"message": "awake"})
        wait_until(lambda: phone.texts[1:] == ["Анна, я получил от тебя сообщение: awake"], within_s=30)
        health = httpx2.get(f"{inside}/health", headers=BEARER, timeout=10)
        strangers = [
            httpx2.post(f"{inside}/wake", headers=given, timeout=10) for given in ({}, {"Authorization": "x"})
        ]

    texts = [f"message {number}" for number in range(20)]
    for number, text in enumerate(texts):
        anna.ask("POST", "/message/", json={"message": text}, headers={"Idempotency-Key": f"key-{number}"})
        if number % 5 == 0:  # a client that did not hear the answer
            anna.ask("POST", "/message/", json={"message": text}, headers={"Idempotency-Key": f"key-{number}"})
    assert len(phone.texts) == 2
    with service(site, WOKEN_ONLY):
        wait_until(lambda: len(phone.texts) >= 22, within_s=60)
        anna.post("/message/", {"message": "the last one"})
        wait_until(lambda: phone.texts[-1].endswith("the last one"), within_s=30)

    assert phone.texts[2:-1] == [f"Анна, я получил от тебя сообщение: {text}" for text in texts]
    assert (health.status_code, set(health.json())) == (200, {"status", "telegram"})
    assert [answer.status_code for answer in strangers] == [401, 401]
    assert SECRET not in site.log.read_text(errors="replace")
