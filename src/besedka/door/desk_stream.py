"""What the console is told without asking: its list, the counters, and the conversations that it looks at."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from besedka import about
from besedka.conversations import log, queries, signals
from besedka.conversations.log import Want
from besedka.conversations.queries import Card, Listing, Page
from besedka.conversations.signals import Woken
from besedka.desk import canned, notes, presence, reading
from besedka.desk.duty import STAFF, Post
from besedka.desk.reading import Opened
from besedka.door.desk_commands import Watch
from besedka.door.desk_counts import Counted
from besedka.door.house import Door
from besedka.problems import NotFound, Problem

SWEEP_S = 10  # seconds after which everybody looks, though no signal came
PAUSE_S = 0.15  # seconds between two looks at a list, however much happens; long lists take longer
TYPING = frozenset({"typing:contact", "typing:bot"})
HEARS = frozenset({"new", "state", "read", "note", "contact", "presence"}) | TYPING
DESK = frozenset({"desk"})

Send = Callable[[dict[str, Any]], Awaitable[None]]


async def follow_list(door: Door, send: Send, watch: Watch, operator_id: int, inbox_ids: Any) -> None:
    """Send the beginning of a list, then every change of it, for ever."""
    topics = {
        "waiting": ["desk:waiting"],
        "mine": [f"desk:{operator_id}"],
        "open": ["desk:open"],
        "callback": ["desk:open"],
        "closed": ["desk:closed"],
    }[watch.list]
    listing = Listing(watch.list, operator_id, inbox_ids, None, watch.size)
    shown: dict[int, Card] = {}
    order: list[int] | None = None
    with signals.listen_to_all({*topics, read_topic(operator_id)}, DESK) as woken:
        while True:
            began = time.monotonic()
            page: Page = await door.desk_reader.submit(queries.list_many, listing)
            changed = [card for card in page.cards if shown.get(card.id) != card]
            now = [card.id for card in page.cards]
            if changed or now != order:
                order = now
                shown = {card.id: card for card in page.cards}
                frame = {"type": "list", "list": watch.list, "inbox": watch.inbox, "order": order}
                await send({**frame, "cards": changed, "more": page.more})
            took_s = time.monotonic() - began
            await woken.wait(SWEEP_S)
            await asyncio.sleep(max(PAUSE_S, 4 * took_s))


async def follow_counts(door: Door, send: Send, known: Counted, operator_id: int, inbox_ids: Any) -> None:
    """Send how many wait and who is on duty whenever that changes from what is `known`."""
    topics = ("desk:waiting", STAFF, f"desk:{operator_id}", read_topic(operator_id))
    with signals.listen_to_all(topics, DESK) as woken:
        while True:
            now = await door.counting.soon(operator_id, inbox_ids)
            if now.counts != known.counts:
                await send({"type": "counts", "counts": now.counts})
            if now.posts is not known.posts:
                await send({"type": "staff", **staff_frame(now.posts, operator_id)})
            known = now
            await woken.wait(SWEEP_S)


async def follow_conversation(door: Door, send: Send, opened: Opened, operator_id: int) -> None:
    """Send what comes after a conversation was opened: messages, notes, who answers, who looks and writes."""
    card, conversation_id = opened.card, opened.card.id
    about.note(conversation=conversation_id)
    after = opened.messages[-1]["seq"] if opened.messages else opened.first_seq - 1
    noted = max((note["id"] for note in opened.notes), default=0)
    people: list[dict[str, Any]] = []
    kinds: set[str] = set()  # look at everything at first: it may have changed since it was opened
    with signals.listen(conversation_id, HEARS) as woken:
        while True:
            if "new" in kinds or not kinds:
                after = await _bring_messages(door, send, conversation_id, after)
            if "state" in kinds or not kinds:
                card = await _bring_card(door, send, conversation_id, operator_id, card)
            if "note" in kinds or not kinds:
                for note in await door.desk_reader.submit(_notes, (conversation_id, noted)):
                    await send({"type": "note", "conversation": conversation_id, "note": note})
                    noted = note["id"]
            if "contact" in kinds:
                contact = await door.desk_reader.submit(reading.contact_many, conversation_id)
                await send({"type": "contact", "conversation": conversation_id, "contact": contact})
            if "read" in kinds:
                seq = await door.desk_reader.submit(queries.read_by_contact_many, conversation_id)
                await send({"type": "read", "conversation": conversation_id, "seq": seq})
            for kind in kinds & TYPING:
                author = kind.partition(":")[2]
                await send({"type": "typing", "conversation": conversation_id, "author": author})
            here = presence.who(conversation_id)
            if here != people:
                people = here
                await send({"type": "presence", "conversation": conversation_id, "people": people})
            kinds = await _hear(woken, conversation_id)


async def ready(door: Door, send: Send, post: Post) -> Counted:
    """Tell the console what it has to know first; what it was told of counters."""
    now = await door.counting.now(post.user_id, post.inbox_ids)
    inboxes = sorted(door.directory.by_key.values(), key=lambda inbox: inbox.id)
    frame = {
        "type": "ready",
        "me": {"id": post.user_id, "name": post.name, "is_supervisor": post.is_supervisor},
        **staff_frame(now.posts, post.user_id),
        "inboxes": [{"id": inbox.id, "name": inbox.name} for inbox in inboxes if post.serves(inbox.id)],
        "replies": await door.desk_reader.submit(_canned, post.inbox_ids),
        "counts": now.counts,
    }
    await send(frame)
    return now


def staff_frame(posts: list[Post], operator_id: int) -> dict[str, Any]:
    """Who is on duty, and whether this operator is."""
    mine = next((post for post in posts if post.user_id == operator_id), None)
    return {
        "on_duty": mine is not None and mine.on_duty,
        "capacity": mine.capacity if mine is not None else 0,
        "operators": [
            {"id": post.user_id, "name": post.name, "on_duty": post.on_duty, "open": post.held} for post in posts
        ],
    }


def read_topic(operator_id: int) -> str:
    """The topic of what this operator has read: it changes counters in every list."""
    return f"desk:{operator_id}:read"


async def _hear(woken: Woken, conversation_id: int) -> set[str]:
    """The kinds of the next signals; "presence" when somebody who wrote has fallen silent."""
    fades_in_s = presence.fades_in_s(conversation_id)
    kinds = await woken.wait(min(fades_in_s, SWEEP_S))
    return kinds or ({"presence"} if fades_in_s < SWEEP_S else set())


async def _bring_messages(door: Door, send: Send, conversation_id: int, after: int) -> int:
    while True:
        page = await door.desk_reader.submit(reading.read_many, Want(conversation_id, after, after + log.PAGE))
        for message in page:
            await send({"type": "message", "conversation": conversation_id, **message})
            after = message["seq"]
        if len(page) < log.PAGE:
            return after


async def _bring_card(door: Door, send: Send, conversation_id: int, operator_id: int, known: Card) -> Card:
    card: Card = await door.desk_reader.submit(card_many, (conversation_id, operator_id))
    if (card.owner_version, card.status) != (known.owner_version, known.status):
        await send({"type": "card", "card": card})
    return card


def card_many(wanted: list[tuple[int, int]]) -> list[Card | Problem]:
    """The card of each conversation, as this operator sees it."""
    return [card or NotFound() for card in queries.cards_many(wanted)]


def _notes(wanted: list[tuple[int, int]]) -> list[list[dict[str, Any]]]:
    return [notes.of_conversation(conversation_id, after=after) for conversation_id, after in wanted]


def _canned(wanted: list[tuple[int, ...] | None]) -> list[list[dict[str, Any]]]:
    return [canned.all_of(inbox_ids) for inbox_ids in wanted]
