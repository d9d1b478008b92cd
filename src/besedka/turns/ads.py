"""A bot that looks ads up: which questions it takes for a search, what goes on about one, and what it answers."""

import asyncio
import dataclasses
from typing import Any

import msgspec
from django.db import InterfaceError, OperationalError, connection

from besedka.ads import offers, wishes
from besedka.ads.offers import Found
from besedka.ads.wishes import Wish
from besedka.answers import texts
from besedka.answers.answerer import Answer
from besedka.problems import Unavailable
from besedka.turns import ads_in_words
from besedka.turns.claim import Task

MODEL = "ads"  # that has answered, for the trace


class Shown(msgspec.Struct, frozen=True):
    """What the bot has just shown, in the payload of its message: the next words may go on about it."""

    wish: Wish
    cursor: str = ""
    cheapest: int | None = None
    dearest: int | None = None
    youngest: int | None = None
    oldest: int | None = None


class _Asked(msgspec.Struct, frozen=True):
    wish: Wish
    cursor: str = ""
    is_over: bool = False  # more of what has no more


async def answer(task: Task, question: str, *, known_better: bool, trace: dict[str, Any]) -> Answer | None:
    """The ads that are asked for, with links; None where the question is no search.

    `known_better`: the knowledge is sure of its answer, which goes before where nothing is said but an animal.
    Raises `Unavailable` without a database.
    """
    bot = task.staff.bot
    before = shown_before(task)
    if bot is None or not bot.finds_ads or not (before or wishes.may_be(question)):
        return None
    try:
        looked = await asyncio.to_thread(_look, question, before, known_better)
    except (OperationalError, InterfaceError):
        raise Unavailable from None
    if looked is None:
        return None
    asked, found = looked
    trace["ads"] = {
        "wish": offers.parameters(asked.wish),
        "found": found.total,
        "without": list(found.without),
        "ids": [ad.pk for ad in found.ads],
    }
    language = texts.language_of(question, task.staff.language)
    text = ads_in_words.nothing_more(found, language) if asked.is_over else None
    text = text or ads_in_words.answer(asked.wish, found, language, goes_on=bool(asked.cursor))
    payload = {"ads": msgspec.to_builtins(_shown(found, asked.wish))}
    return Answer(text, cited=(), confidence=1.0, model=MODEL, payload=payload)


def shown_before(task: Task) -> Shown | None:
    """What the bot has shown with what it said last; None where that were no ads."""
    said = task.claim.said_last
    payload = (said.payload or {}).get("ads") if said is not None else None
    if payload is None:
        return None
    try:
        return msgspec.convert(payload, Shown)
    except msgspec.ValidationError:  # of another version of ours
        return None


def _look(question: str, before: Shown | None, known_better: bool) -> tuple[_Asked, Found] | None:
    try:
        asked = _asked(question, before, known_better)
        if asked is None:
            return None
        if asked.is_over:
            return asked, Found(asked.wish)
        return asked, offers.look_up(asked.wish, cursor=asked.cursor)
    finally:
        connection.close()  # the thread may never be asked again, and must not keep a connection for ever


def _asked(question: str, before: Shown | None, known_better: bool) -> _Asked | None:
    known = offers.known()
    wish = wishes.read(question, known)
    if before is not None and (wish is None or wishes.goes_on(question)):
        followed = wishes.follow(question, before.wish, known)
        if followed is not None:
            return _compared(before, *followed)
    if wish is None or (known_better and wish.is_plain):
        return None
    return _Asked(wish)


def _compared(before: Shown, wish: Wish, relative: frozenset[str]) -> _Asked:
    """The wish in comparison with what was shown: cheaper than the cheapest, older than the oldest."""
    if wish == before.wish and relative == {"more"}:
        return _Asked(wish, before.cursor, is_over=not before.cursor)
    changed: dict[str, Any] = {}
    if "cheaper" in relative and before.cheapest is not None:
        changed |= {"price_min": None, "price_max": max(before.cheapest - 1, 0), "cheap": True}
    if "dearer" in relative and before.dearest is not None:
        changed |= {"price_min": before.dearest + 1, "price_max": None, "cheap": True}
    if "younger" in relative and before.youngest is not None:
        changed |= {"age_min": None, "age_max": max(before.youngest - 1, 0), "young": False}
    if "older" in relative and before.oldest is not None:
        changed |= {"age_min": before.oldest + 1, "age_max": None, "young": False}
    return _Asked(dataclasses.replace(wish, **changed))


def _shown(found: Found, wanted: Wish) -> Shown:
    """What was shown; the wish is the one that was meant, though nearer ads were shown in its place."""
    prices, ages = [ad.price for ad in found.ads], [ad.age for ad in found.ads]
    return Shown(
        found.wish if not found.without else wanted,
        "" if found.without else found.cursor,
        min(prices, default=None),
        max(prices, default=None),
        min(ages, default=None),
        max(ages, default=None),
    )
