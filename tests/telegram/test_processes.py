"""`besedka run` and `besedka telegram` as processes: killed, doubled, down for a while, called by webhook."""

import contextlib
import itertools
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
import running
import telegram_server
from faults import dying
from telegram_server import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

ENABLE = """
from besedka.desk.models import Operator
Operator.objects.update(is_enabled=True)
"""
INVITE = """
from besedka.desk import invitations
invitations.sweep_many([100])
"""

SEND_AGAIN = """
from besedka.conversations import deliveries
from besedka.conversations.models import Delivery
deliveries.send_again(list(Delivery.objects.filter(state="parked").values_list("pk", flat=True)))
"""
UNSENT = "SELECT 1 FROM conversations_delivery WHERE state IN ('waiting', 'sending')"


@pytest.fixture
def telegram():
    with telegram_server.running() as telegram:
        yield telegram


def environment(telegram, **more):
    return {"TELEGRAM_BOT_TOKEN": telegram_server.TOKEN, "TELEGRAM_API_BASE": telegram.url, **more}


@contextlib.contextmanager
def beside(site, *command):
    """Another process of the same installation."""
    with site.log.open("ab") as log:
        process = subprocess.Popen(
            command or (running.BESEDKA, "telegram"),
            env=site.surroundings(),
            stdout=log,
            stderr=log,
            cwd=site.home.parent,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def on_duty(site, telegram):
    """An operator who leads a conversation, and the visitor's token."""
    anna = telegram.person("Анна")
    anna.writes("/start")
    wait_until(lambda: anna.texts, within_s=40)
    site.shell(ENABLE)
    anna.writes("/start")
    wait_until(lambda: "Вы перешли в режим ожидания клиентов." in anna.texts, within_s=40)
    ask(site, "Позовите оператора")
    wait_until(lambda: site.select("SELECT 1 FROM conversations_conversation WHERE owner = 'queue'"))
    site.shell(INVITE)
    anna.presses(wait_until(lambda: [one for one in anna.sees if one.buttons])[0])
    wait_until(lambda: site.select("SELECT 1 FROM conversations_conversation WHERE owner = 'operator'"))
    wait_until(
        lambda: site.select("SELECT COUNT(*) FROM conversations_delivery WHERE state <> 'delivered'")[0] == (0,)
    )
    return anna


def ask(site, text):
    answer = httpx2.post(f"{site.url}/api/v1/gpt", json={"message": text}, headers={"chat-token": "visitor-1"})
    assert answer.status_code == 201


def said(site):
    found = site.select("SELECT text FROM conversations_message WHERE author = 'operator' ORDER BY seq")
    return [text for (text,) in found]


def polls_of(telegram, since):
    return [call for call in telegram.of("getUpdates") if call.at > since]


def test_what_waited_while_we_were_down_is_handled_in_order_once(telegram, tmp_path):
    with running.server(tmp_path / "home", **environment(telegram)) as site:
        anna = on_duty(site, telegram)
        site.kill()
        texts = [f"message {number}" for number in range(200)]
        updates = [anna.writes(text) for text in texts]
        for update in updates[::7]:
            telegram.bring_again(update)

        site.start()

        wait_until(lambda: len(said(site)) >= 200, within_s=60)
        time.sleep(1)
        assert said(site) == texts


def test_dying_at_each_point_of_a_messages_way_loses_and_doubles_nothing(telegram, tmp_path):
    with running.server(tmp_path / "home", **environment(telegram)) as site:
        anna = on_duty(site, telegram)
        site.stop()
        site.environment.pop("TELEGRAM_BOT_TOKEN")
        site.start()
        site.environment["TELEGRAM_BOT_TOKEN"] = telegram_server.TOKEN
        texts, survived = [], []
        for point, nth in itertools.product(dying.TELEGRAM, (1, 3)):
            for part in range(2):
                texts.append(f"{point} {nth} {part}")
                anna.writes(texts[-1])
                ask(site, f"asks {texts[-1]}")
            with beside(site, *doomed(point, nth)) as process:
                try:
                    process.wait(timeout=40)
                except subprocess.TimeoutExpired:
                    survived.append((point, nth))
        with beside(site, *doomed(dying.NEVER, 0)):
            wait_until(lambda: len(said(site)) >= len(texts), within_s=60)
            wait_until(lambda: not site.select(UNSENT), within_s=90)
            arrived = asked(anna)
            # Who dies twice over one delivery leaves it to an administrator: it may be there, and nobody knows.
            parked = site.select("SELECT COUNT(*) FROM conversations_delivery WHERE state = 'parked'")[0][0]
            doubtful = site.select("SELECT COUNT(*) FROM conversations_delivery WHERE is_doubtful")[0][0]
            assert len(set(texts) - set(arrived)) <= parked <= 4
            site.shell(SEND_AGAIN)
            wait_until(lambda: set(asked(anna)) == set(texts), within_s=30)
        assert survived == []
        assert said(site) == texts
        firsts = list(dict.fromkeys(arrived))
        assert firsts == [text for text in texts if text in firsts]
        assert len(arrived) - len(firsts) <= doubtful


def doomed(point, nth):
    """`besedka telegram` that dies there."""
    return [sys.executable, str(Path(dying.__file__)), point, str(nth), "--", "besedka", "telegram"]


def asked(anna):
    """What the visitor asked, as it stands on the operator's phone."""
    return [text.removeprefix("asks ") for text in anna.texts if text.startswith("asks ")]


def test_of_two_processes_one_polls_and_the_other_takes_over_when_it_dies(telegram, tmp_path):
    with running.server(tmp_path / "home", **environment(telegram)) as site:
        wait_until(lambda: telegram.polls == 1, within_s=40)
        with beside(site):
            time.sleep(6)
            assert telegram.most_polls == 1
            assert ready(site)["telegram"] == "ok"
            killed_at = time.monotonic()
            site.kill()
            wait_until(lambda: polls_of(telegram, killed_at), within_s=30)
            assert polls_of(telegram, killed_at)[0].at - killed_at < 25
            anna = telegram.person()
            anna.writes("/start")
            wait_until(lambda: anna.texts)


def test_one_that_is_asked_to_end_lets_the_other_begin_at_once(telegram, tmp_path):
    with running.server(tmp_path / "home", **environment(telegram)) as site:
        wait_until(lambda: telegram.polls == 1, within_s=40)
        with beside(site):
            time.sleep(5)
            site.stop()
            stopped_at = time.monotonic()
            wait_until(lambda: polls_of(telegram, stopped_at), within_s=12)


def test_by_webhook_nothing_is_polled_and_everything_works(telegram, tmp_path):
    secret = "a-secret_of-ours"
    given = environment(
        telegram,
        TELEGRAM_WEBHOOK_URL="https://chat.example/telegram/webhook",
        TELEGRAM_WEBHOOK_SECRET=secret,
    )
    with running.server(tmp_path / "home", **given) as site:
        wait_until(lambda: telegram.webhook, within_s=40)
        anna = telegram.person()
        update = {"update_id": 7, "message": anna.message(text="/start")}
        header = {"X-Telegram-Bot-Api-Secret-Token": secret}

        refused = httpx2.post(f"{site.url}/telegram/webhook", json=update)
        for _ in range(3):
            assert httpx2.post(f"{site.url}/telegram/webhook", json=update, headers=header).status_code == 200

        assert refused.status_code == 401
        wait_until(lambda: anna.texts)
        time.sleep(1)
        assert len(anna.texts) == 1
        assert telegram.of("getUpdates") == []
        assert (telegram.webhook["url"], telegram.webhook["secret_token"]) == (
            given["TELEGRAM_WEBHOOK_URL"],
            secret,
        )
        wait_until(lambda: ready(site)["telegram"] == "ok", within_s=20)  # it is written down now and then


def test_a_webhook_that_was_set_before_is_taken_back_without_losing_updates(telegram, tmp_path):
    telegram.webhook = {"url": "https://old.example/telegram/webhook"}
    anna = telegram.person()
    anna.writes("/start")

    with running.server(tmp_path / "home", **environment(telegram)):
        wait_until(lambda: anna.texts, within_s=40)


def test_conflicts_show_red_and_make_nobody_unready(telegram, tmp_path):
    telegram.always["getUpdates"] = telegram_server.CONFLICT

    with running.server(tmp_path / "home", **environment(telegram)) as site:
        wait_until(lambda: ready(site)["telegram"] == "conflict", within_s=40)
        del telegram.always["getUpdates"]
        wait_until(lambda: ready(site)["telegram"] == "ok", within_s=60)


def test_the_token_stands_in_no_log(telegram, tmp_path):
    telegram.fails("getUpdates", telegram_server.DOWN, telegram_server.CUT, telegram_server.NO_JSON)
    telegram.fails("sendMessage", telegram_server.DOWN, telegram_server.LOST, telegram_server.EMPTY)
    with running.server(tmp_path / "home", BESEDKA_LOG_LEVEL="DEBUG", **environment(telegram)) as site:
        anna = telegram.person()
        anna.writes("/start")
        wait_until(lambda: anna.texts, within_s=40)
        time.sleep(2)

        assert telegram_server.TOKEN not in site.log.read_text()
        assert telegram_server.TOKEN.partition(":")[2] not in site.log.read_text()


def test_without_a_token_there_is_nothing_to_do(tmp_path):
    with running.server(tmp_path / "home") as site:
        assert ready(site)["telegram"] == "off"
        with beside(site) as process:
            assert process.wait(timeout=30) == 1


def ready(site):
    return httpx2.get(f"{site.url}/health/ready/", timeout=10).json()
