"""Operators who sit outside, in Telegram: one conversation at a time, and all that they have to know of it."""

from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.accounts import links
from besedka.conversations import deliveries, details, histories, ownership, queries
from besedka.conversations.changes import Change
from besedka.conversations.deliveries import Outgoing, Watch
from besedka.conversations.histories import Stretch
from besedka.conversations.rows import Row
from besedka.conversations.wire import Entry
from besedka.desk import duty, routing
from besedka.problems import Invalid, Problem

TELEGRAM = "telegram"
BRIEFED = 200  # messages of the day that somebody who takes over is told at most
_WHO = {"bot": "GPT", "contact": "клиент", "operator": "оператор"}


class Lost(msgspec.Struct, frozen=True):
    """Somebody who cannot be reached any more in their chat."""

    recipient: str


def recipient_of(operator_id: int) -> str | None:
    """Where this operator is written to; None for who has no Telegram."""
    link = links.of_users([operator_id]).get(operator_id)
    return str(link.chat_id) if link is not None else None


def led_by(operator_id: int) -> int | None:
    """The conversation that this operator leads in Telegram."""
    recipient = recipient_of(operator_id)
    led = deliveries.watched_by(TELEGRAM, recipient) if recipient is not None else []
    return led[0] if led else None


def take(row: Row, operator_id: int, recipient: str, *, now: datetime) -> None:
    """Whoever has just become the owner leads the conversation in Telegram, and is told what was said before.

    First the exchange of the day, then every message that waits for an answer, then all that comes.
    """
    deliveries.watch_many([Watch(row.id, TELEGRAM, recipient, operator_id)])
    row.watched = True
    said, unanswered = _so_far(row, now)
    [contact] = details.contacts_of([row.id])
    shown = (contact or {}).get("shown", "")
    told = briefing(said, shown, routing.zone_of(row.inbox_id))
    outgoings = [
        Outgoing(TELEGRAM, recipient, {"kind": "briefing", "said": told}, conversation_id=row.id) for _ in told[:1]
    ]
    outgoings += [
        Outgoing(TELEGRAM, recipient, {"kind": "message"}, None, entry.conversation_id, entry.seq)
        for entry in unanswered
    ]
    deliveries.post_many(outgoings, now=now)


def briefing(entries: Sequence[Entry], shown: str, zone: ZoneInfo) -> list[dict[str, str]]:
    """What was said, one message after another: who, to whom and when as `heading`, what as `text`."""
    client = f"клиент {shown}"
    lines = []
    for entry in entries:
        if entry.author not in _WHO:
            continue
        who, whom = (client, "GPT") if entry.author == "contact" else (_WHO[entry.author], client)
        at = entry.created_at.astimezone(zone)
        heading = f"{who[:1].upper()}{who[1:]} → {whom}, {at:%H:%M}:"
        file = (entry.payload or {}).get("file")
        named = [str(file.get("name", ""))] if isinstance(file, dict) else []
        lines.append({"heading": heading, "text": "\n".join([text for text in (entry.text, *named) if text])})
    return lines


@transaction.atomic(savepoint=False)
def transfer_many(transfers: Sequence[Change], *, now: datetime | None = None) -> list[Row | Problem]:
    """As `ownership.transfer_many`, to operators who serve the conversation's inbox: `Invalid` for anybody else.

    Who is on duty outside and leads nothing there, leads it now.
    """
    now = now or timezone.now()
    posts = [duty.of_user_many([transfer.to])[0] if transfer.to is not None else None for transfer in transfers]
    standings = queries.standings_many([transfer.conversation_id for transfer in transfers])
    sound = [
        transfer
        for transfer, post, standing in zip(transfers, posts, standings, strict=True)
        if transfer.to is None or standing is None or (post and post.is_enabled and post.serves(standing.inbox_id))
    ]
    moved = iter(ownership.transfer_many(sound, now=now))
    results: list[Row | Problem] = []
    for transfer, post in zip(transfers, posts, strict=True):
        if transfer not in sound:
            results.append(Invalid("`to` is nobody who answers in this inbox.", field="to"))
            continue
        row = next(moved)
        results.append(row)
        if isinstance(row, Problem) or post is None or not post.on_duty:
            continue
        recipient = recipient_of(post.user_id)
        if recipient is not None and led_by(post.user_id) is None:
            take(row, post.user_id, recipient, now=now)
    return results


@transaction.atomic(savepoint=False)
def lost_many(lost: Sequence[Lost], *, now: datetime | None = None) -> list[None]:
    """These operators are off duty, what they answered waits for the next one, nothing more is sent to them."""
    now = now or timezone.now()
    for one in lost:
        for conversation_id in deliveries.watched_by(TELEGRAM, one.recipient):
            ownership.transfer_many([Change(conversation_id, over=True)], now=now)
        deliveries.park_all(TELEGRAM, one.recipient, "the operator has blocked the bot")
        link = links.of_chat(int(one.recipient))
        if link is not None:
            duty.end_many([link.user_id], now=now)
    return [None] * len(lost)


def _so_far(row: Row, now: datetime) -> tuple[list[Entry], list[Entry]]:
    """What was said today and has been answered, and what has not."""
    zone = routing.zone_of(row.inbox_id)
    midnight = datetime.combine(now.astimezone(zone).date(), time(0), zone)
    [newest] = histories.read_many([Stretch(row.id)], newest=BRIEFED)
    today = [entry for entry in newest if entry.created_at >= midnight and entry.author != "system"]
    answered = max((entry.seq for entry in newest if entry.author in ("bot", "operator")), default=0)
    waiting = [entry for entry in newest if entry.seq > answered and entry.author == "contact"]
    return [entry for entry in today if entry not in waiting], waiting
