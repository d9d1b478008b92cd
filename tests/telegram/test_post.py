import threading
from datetime import timedelta

import pytest
import telegram_server
from django.db import connection, transaction
from django.utils import timezone

from besedka.telegram import health, post
from besedka.telegram.models import Post
from besedka.telegram.post import HELD_S, Wish

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


@pytest.fixture(autouse=True)
def bot(settings):
    settings.TELEGRAM_BOT_TOKEN = telegram_server.TOKEN


def hold(holder, *, after_s=0.0, state="ok"):
    [mine] = post.hold_many([Wish(holder, state)], now=NOW + timedelta(seconds=after_s))
    return mine


def test_one_holds_the_post_and_keeps_it_as_long_as_it_says_so():
    assert hold("a")
    assert not hold("b", after_s=1)
    assert hold("a", after_s=10)
    assert not hold("b", after_s=20)


def test_a_dead_one_has_lost_it_after_fifteen_seconds():
    hold("a")

    assert not hold("b", after_s=HELD_S - 1)
    assert hold("b", after_s=HELD_S + 0.1)
    assert not hold("a", after_s=HELD_S + 1)


def test_one_that_leaves_frees_it_at_once():
    hold("a")

    post.leave_many(["b"])
    assert not hold("b")
    post.leave_many(["a"])

    assert hold("b")


def test_a_clock_that_was_moved_back_keeps_nobody_out_for_long():
    hold("a", after_s=3600)

    assert hold("b")


def test_of_many_at_once_one_holds_it():
    results, gate = [], threading.Barrier(8)

    def want(name):
        gate.wait()
        try:
            for _ in range(5):
                try:
                    with transaction.atomic():
                        results.append((name, hold(name)))
                    return
                except Exception:  # a deadlock: whoever runs this in life tries again
                    continue
        finally:
            connection.close()

    threads = [threading.Thread(target=want, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(results) == 8
    assert sum(mine for _, mine in results) == 1


def test_the_page_of_health_says_how_it_goes(client, settings):
    def shown():
        return client.get("/health/ready/").json()["telegram"]

    assert shown() == "nobody"
    [_] = post.hold_many([Wish("a", health.CONFLICT)])
    assert shown() == "conflict"
    assert client.get("/health/ready/").status_code == 200
    Post.objects.update(state_at=timezone.now() - timedelta(minutes=5))
    assert shown() == "nobody"
    settings.TELEGRAM_BOT_TOKEN = ""
    assert shown() == "off"
