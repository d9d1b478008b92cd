"""Of all processes of an installation one holds a post, and a dead one loses it."""

from datetime import timedelta
from functools import partial

import pytest
from at_once import together
from django.utils import timezone

from besedka.conversations import posts
from besedka.conversations.posts import Held, Wish

pytestmark = pytest.mark.django_db
NOW = timezone.now()
HELD_S = 10


def held(holder, *, name="beat", after_s=0.0):
    return posts.hold_many([Wish(name, holder, HELD_S)], now=NOW + timedelta(seconds=after_s)) == [True]


def test_a_free_post_is_whoevers_asks_first_and_stays_theirs_while_they_ask_again():
    assert held("anna")
    assert not held("boris")

    assert held("anna", after_s=HELD_S - 1)
    assert not held("boris", after_s=HELD_S + 1)


def test_who_says_nothing_has_lost_it():
    assert held("anna")

    assert held("boris", after_s=HELD_S + 1)
    assert not held("anna", after_s=HELD_S + 2)


def test_who_leaves_frees_it_at_once_and_nobody_can_leave_for_another():
    assert held("anna")

    posts.leave_many([Held("beat", "boris")])
    still = held("boris")
    posts.leave_many([Held("beat", "anna")])

    assert not still
    assert held("boris")


def test_each_post_has_a_holder_of_its_own():
    assert held("anna", name="beat")
    assert held("boris", name="files")

    assert posts.is_held("beat", now=NOW)
    assert not posts.is_held("retention", now=NOW)


def test_a_term_from_before_the_clock_was_moved_back_holds_nobody_up():
    assert held("anna", after_s=86_400)

    assert held("boris")


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_holds_it():
    holders = [posts.new_holder() for _ in range(8)]

    results = together(*(partial(held, holder) for holder in holders))

    assert sorted(results) == [False] * 7 + [True]
