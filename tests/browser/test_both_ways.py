"""A visitor whose line breaks again and again, with sockets and without: each message is shown once, in order."""

import os
import random
import threading
import time
import uuid

import pytest
from console import operator
from faults.proxy import proxy_to

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site"), pytest.mark.timeout(900)]

SECONDS = float(os.environ.get("BESEDKA_BOTH_WAYS_S", "20"))
SEED = int(os.environ.get("BESEDKA_SEED", "0")) or int(time.time())


def conversation_of(site, text):
    """The conversation in which this was said."""
    [(number,)] = site.select(f"SELECT conversation_id FROM conversations_message WHERE text = '{text}'")
    return number


def lines_of(site, conversation):
    """What people said, in the log's order."""
    found = site.select(
        f"SELECT text FROM conversations_message WHERE conversation_id = {conversation} "
        "AND author IN ('contact', 'operator') ORDER BY seq"
    )
    return [text for (text,) in found]


def on_screen(page):
    """The texts of the visitor and of the operator, from top to bottom."""
    bubbles = page.locator("[data-author=contact] .bubble, [data-author=operator] .bubble")
    return [text.strip() for text in bubbles.all_inner_texts()]


def test_each_message_is_on_the_screen_once_whatever_happens_to_the_line(site, browser, visitor):
    print(f"BESEDKA_SEED={SEED} BESEDKA_BOTH_WAYS_S={SECONDS:g}")
    dice, mark = random.Random(SEED), uuid.uuid4().hex[:8]
    anna = operator(site, f"anna-{mark}")
    over, cuts = threading.Event(), {"made": 0}
    with proxy_to("127.0.0.1", site.port) as line:

        def break_it() -> None:
            while not over.wait(dice.uniform(0.3, 2.5)):
                line.cut()
                cuts["made"] += 1
                time.sleep(dice.uniform(0.0, 0.8))
                line.mend()

        refused = {"on": False}
        visitor.page.route_web_socket(
            "**/ws/visitor**", lambda ws: ws.close() if refused["on"] else ws.connect_to_server()
        )
        visitor.open_chat(f"http://127.0.0.1:{line.port}/demo/")
        visitor.page.click("[data-part=person]")  # before a word: what the bot does not know calls a person too
        visitor.hears("system")
        visitor.say(f"{mark} 0")
        until = time.monotonic() + 30
        while not site.select(f"SELECT 1 FROM conversations_message WHERE text = '{mark} 0'"):
            assert time.monotonic() < until
            time.sleep(0.1)
        conversation = conversation_of(site, f"{mark} 0")
        wait_for_a_person(site, conversation)
        breaking = threading.Thread(target=break_it)
        breaking.start()
        try:
            with anna.sit_down() as desk:
                card = desk.asks("open", conversation=conversation)["card"]
                card = desk.asks("claim", conversation=conversation, owner_version=card["owner_version"])["card"]
                version = card["owner_version"]
                began, number = time.monotonic(), 0
                while time.monotonic() - began < SECONDS:
                    number += 1
                    refused["on"] = dice.random() < 0.4  # then the chat goes on by polling
                    visitor.say(f"{mark} {number}")
                    where = {"conversation": conversation, "owner_version": version}
                    assert desk.asks("send", **where, text=f"{mark} ответ {number}")["type"] == "done"
                    visitor.page.wait_for_timeout(dice.uniform(50, 400))
        finally:
            over.set()
            breaking.join()
            line.mend()
            refused["on"] = False
        expected = 2 * number + 1
        visitor.page.wait_for_function(
            "([mark, count]) => [...document.querySelectorAll('*')].flatMap(one => one.shadowRoot ? "
            "[...one.shadowRoot.querySelectorAll('.bubble')] : []).filter(one => one.textContent.includes(mark))"
            ".length >= count",
            arg=[mark, expected],
            timeout=90_000,
        )
        visitor.page.wait_for_timeout(1_000)
        shown = on_screen(visitor.page)

    print(f"{expected} messages, {cuts['made']} cuts")
    assert cuts["made"] > 3
    assert shown == lines_of(site, conversation)
    assert len(shown) == len(set(shown)) == expected


def wait_for_a_person(site, conversation):
    """The conversation stands in the queue when this returns."""
    until = time.monotonic() + 30
    query = f"SELECT owner FROM conversations_conversation WHERE id = {conversation}"
    while site.select(query) != [("queue",)]:
        assert time.monotonic() < until
        time.sleep(0.1)
