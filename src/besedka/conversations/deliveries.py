"""The outbox: what has to be brought to the outside, in order per recipient, until it is there or given up.

A row is written in the transaction of what it brings. Somebody who sends takes the first of each recipient, and
says how it went; one that does not say so has died, and what it sent may have arrived: that is tried once more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import F, Min
from django.utils import timezone

from besedka.conversations import signals, sql, wire
from besedka.conversations.models import Delivery, Watcher
from besedka.conversations.rows import Row
from besedka.conversations.wire import Entry

SENDING_S = 60  # seconds after which one that was begun counts as lost sight of
MAX_ERROR = 300  # characters of an error that are kept
_UNSENT = ("waiting", "sending")


class Watch(msgspec.Struct, frozen=True):
    """Somebody outside wants every message of a conversation; with `operator_id`, but those of this operator."""

    conversation_id: int
    channel: str
    recipient: str
    operator_id: int | None = None


class Outgoing(msgspec.Struct, frozen=True):
    """Something to bring to a recipient. With a `key` it is brought once, however often it is posted."""

    channel: str
    recipient: str
    body: dict[str, Any]
    key: str | None = None
    conversation_id: int | None = None
    seq: int | None = None


class Beginning(msgspec.Struct, frozen=True):
    """A wish to send, on one channel, at most so many at once."""

    channel: str
    limit: int = 100


class Due(msgspec.Struct, frozen=True):
    """A delivery to be sent now. `body["kind"]` says what it is; a `message` has `author`, `text`, `payload`."""

    id: int
    channel: str
    recipient: str
    body: dict[str, Any]
    conversation_id: int | None
    seq: int | None
    attempts: int
    is_doubtful: bool


class Delivered(msgspec.Struct, frozen=True):
    """It is there; the other side calls it `external_id`."""

    id: int
    external_id: str = ""


class Later(msgspec.Struct, frozen=True):
    """It certainly is not there; to be tried again in `after_s` seconds."""

    id: int
    after_s: float
    error: str


class Unclear(msgspec.Struct, frozen=True):
    """It may be there or not."""

    id: int
    error: str


class Parked(msgspec.Struct, frozen=True):
    """It cannot be brought there."""

    id: int
    reason: str


class Abroad(msgspec.Struct, frozen=True):
    """Something that the other side has, as it calls it."""

    channel: str
    recipient: str
    external_id: str


class Brought(msgspec.Struct, frozen=True):
    """A message of a log that somebody outside may have."""

    channel: str
    recipient: str
    conversation_id: int
    seq: int


@transaction.atomic(savepoint=False)
def watch_many(watches: Sequence[Watch]) -> list[None]:
    """Each of these gets every message from now on. The rows of the conversations have to be locked."""
    Watcher.objects.bulk_create(
        [
            Watcher(
                conversation_id=watch.conversation_id,
                channel=watch.channel,
                recipient=watch.recipient,
                operator_id=watch.operator_id,
            )
            for watch in watches
        ],
        ignore_conflicts=True,
    )
    marks = [(True, conversation_id) for conversation_id in sorted({watch.conversation_id for watch in watches})]
    sql.update("conversations_conversation", {"watched": "boolean"}, marks)
    return [None] * len(watches)


def unwatch(conversation_id: int, channel: str, recipient: str) -> None:
    """This recipient gets no further message, and none that has not gone out. The row has to be locked."""
    watching = Watcher.objects.filter(conversation_id=conversation_id)
    watching.filter(channel=channel, recipient=recipient).delete()
    sql.update("conversations_conversation", {"watched": "boolean"}, [(bool(watching.exists()), conversation_id)])
    unsent = Delivery.objects.filter(conversation_id=conversation_id, channel=channel, recipient=recipient)
    unsent.filter(state__in=_UNSENT).update(
        state="parked", error="the recipient gets no more of this conversation"
    )


def watched_by(channel: str, recipient: str) -> list[int]:
    """The conversations whose messages this recipient gets, in the order in which they began."""
    mine = Watcher.objects.filter(channel=channel, recipient=recipient).order_by("pk")
    return list(mine.values_list("conversation_id", flat=True))


def leave(row: Row, operator_id: int | None, event: str, name: str, *, by: int | None, now: datetime) -> None:
    """Who watched for this operator watches no more, and hears why, unless it was their own doing."""
    watching = Watcher.objects.filter(conversation_id=row.id)
    theirs = [watcher for watcher in watching if watcher.operator_id == operator_id and operator_id is not None]
    Watcher.objects.filter(pk__in=[watcher.pk for watcher in theirs]).delete()
    row.watched, row.changed = len(theirs) < len(watching), True
    if by != operator_id:
        post_many(
            [
                Outgoing(
                    watcher.channel,
                    watcher.recipient,
                    {"kind": "event", "event": event, "by": name},
                    conversation_id=row.id,
                )
                for watcher in theirs
            ],
            now=now,
        )


def bring_many(entries: Sequence[Entry], now: datetime) -> None:
    """Every watcher of these conversations has to get these messages; their transaction is ours."""
    wanted = [entry for entry in entries if entry.author in ("contact", "operator")]
    if not wanted:
        return
    found = Watcher.objects.filter(conversation_id__in={entry.conversation_id for entry in wanted}).order_by("pk")
    watching: dict[int, list[Watcher]] = {}
    for watcher in found:
        watching.setdefault(watcher.conversation_id, []).append(watcher)
    post_many(
        [
            Outgoing(
                watcher.channel, watcher.recipient, {"kind": "message"}, None, entry.conversation_id, entry.seq
            )
            for entry in wanted
            for watcher in watching.get(entry.conversation_id, ())
            if entry.operator_id is None or entry.operator_id != watcher.operator_id
        ],
        now=now,
    )


@transaction.atomic(savepoint=False)
def post_many(outgoings: Sequence[Outgoing], *, now: datetime | None = None) -> list[int]:
    """Each of these will be brought; their ids. One whose `key` was used gets the id of the one that used it."""
    now = now or timezone.now()
    keys = {outgoing.key for outgoing in outgoings if outgoing.key is not None}
    known = dict(Delivery.objects.filter(key__in=keys).values_list("key", "pk")) if keys else {}
    ids = []
    for outgoing in outgoings:
        if outgoing.key is not None and outgoing.key in known:
            ids.append(known[outgoing.key])
            continue
        made = Delivery.objects.create(
            channel=outgoing.channel,
            recipient=outgoing.recipient,
            conversation_id=outgoing.conversation_id,
            seq=outgoing.seq,
            body=outgoing.body,
            key=outgoing.key,
            due_at=now,
            created_at=now,
        )
        ids.append(made.pk)
        if outgoing.key is not None:
            known[outgoing.key] = made.pk
    channels = {outgoing.channel for outgoing in outgoings}
    transaction.on_commit(lambda: signals.send_many({"deliver": channels}))
    return ids


@transaction.atomic(savepoint=False)
def begin_many(beginnings: Sequence[Beginning], *, now: datetime | None = None) -> list[list[Due]]:
    """The first unsent of each recipient, where its time has come; they count as being sent from now on.

    One that was begun a minute ago and whose end nobody told is given out once more, as doubtful; after that it is
    parked.
    """
    now = now or timezone.now()
    return [_begin(beginning, now) for beginning in beginnings]


def _begin(beginning: Beginning, now: datetime) -> list[Due]:
    unsent = Delivery.objects.filter(channel=beginning.channel, state__in=_UNSENT)
    firsts = [first for _, first in unsent.values_list("recipient").annotate(first=Min("pk")).order_by("first")]
    due: list[Delivery] = []
    for start in range(0, len(firsts), 500):
        ready = Delivery.objects.filter(pk__in=firsts[start : start + 500], due_at__lte=now).order_by("pk")
        for delivery in ready[: beginning.limit - len(due)]:
            if delivery.state == "sending" and delivery.is_doubtful:
                _end(delivery.pk, state="parked", error="nobody knows whether it arrived, twice")
                continue
            began = Delivery.objects.filter(pk=delivery.pk, state=delivery.state, attempts=delivery.attempts)
            doubtful = delivery.is_doubtful or delivery.state == "sending"
            if began.update(
                state="sending",
                attempts=F("attempts") + 1,
                is_doubtful=doubtful,
                due_at=now + timedelta(seconds=SENDING_S),
            ):
                delivery.is_doubtful, delivery.attempts = doubtful, delivery.attempts + 1
                due.append(delivery)
    said = _messages([(d.conversation_id, d.seq) for d in due if d.conversation_id and d.seq])
    return [
        Due(
            d.pk,
            d.channel,
            d.recipient,
            {**d.body, **said.get((d.conversation_id, d.seq), {})},
            d.conversation_id,
            d.seq,
            d.attempts,
            d.is_doubtful,
        )
        for d in due
    ]


def delivered_many(ends: Sequence[Delivered], *, now: datetime | None = None) -> list[None]:
    """These are there."""
    for end in ends:
        _end(end.id, state="delivered", external_id=end.external_id, delivered_at=now or timezone.now(), error="")
    return [None] * len(ends)


def later_many(ends: Sequence[Later], *, now: datetime | None = None) -> list[None]:
    """These are tried again when their time has come; nothing overtakes them on the way to their recipient."""
    now = now or timezone.now()
    for end in ends:
        _end(end.id, state="waiting", due_at=now + timedelta(seconds=end.after_s), error=end.error[:MAX_ERROR])
    return [None] * len(ends)


def unclear_many(ends: Sequence[Unclear], *, now: datetime | None = None) -> list[None]:
    """These are tried once more; where that was the second time, they are parked."""
    now = now or timezone.now()
    for end in ends:
        once = Delivery.objects.filter(pk=end.id, is_doubtful=False)
        error = end.error[:MAX_ERROR]
        if not once.update(state="waiting", is_doubtful=True, due_at=now, error=error):
            _end(end.id, state="parked", error=error)
    return [None] * len(ends)


def park_many(ends: Sequence[Parked]) -> list[None]:
    """These are given up; an administrator sees them and may send them again."""
    for end in ends:
        _end(end.id, state="parked", error=end.reason[:MAX_ERROR])
    return [None] * len(ends)


def park_all(channel: str, recipient: str, reason: str) -> int:
    """Everything that this recipient has not got yet is given up; how many these were."""
    unsent = Delivery.objects.filter(channel=channel, recipient=recipient, state__in=_UNSENT)
    return unsent.update(state="parked", error=reason[:MAX_ERROR])


def take_back(delivery_id: int) -> bool:
    """It is as if this one had never been posted; no, where somebody has begun to bring it."""
    deleted, _ = Delivery.objects.filter(pk=delivery_id, state="waiting", attempts=0).delete()
    return deleted > 0


@transaction.atomic(savepoint=False)
def send_again(delivery_ids: Sequence[int], *, now: datetime | None = None) -> int:
    """Parked ones are tried again; how many. What comes after them has gone out already, so they come late."""
    now = now or timezone.now()
    parked = Delivery.objects.filter(pk__in=delivery_ids, state="parked")
    channels = set(parked.values_list("channel", flat=True))
    count = parked.update(state="waiting", due_at=now, attempts=0, is_doubtful=False)
    transaction.on_commit(lambda: signals.send_many({"deliver": channels}))
    return count


def external_of_many(delivery_ids: Sequence[int]) -> list[str | None]:
    """How the other side calls what each of these brought; None where it is not there."""
    found = dict(
        Delivery.objects.filter(pk__in=set(delivery_ids), state="delivered").values_list("pk", "external_id")
    )
    return [found.get(delivery_id) for delivery_id in delivery_ids]


def source_of_many(wanted: Sequence[Abroad]) -> list[tuple[int, int] | None]:
    """Which message of which log (conversation, seq) each of these is; None for what is none."""
    found = Delivery.objects.filter(
        channel__in={one.channel for one in wanted},
        recipient__in={one.recipient for one in wanted},
        external_id__in={one.external_id for one in wanted},
    )
    rows = found.values_list("channel", "recipient", "external_id", "conversation_id", "seq")
    sources = {
        Abroad(channel, recipient, known): (conversation_id, seq)
        for channel, recipient, known, conversation_id, seq in rows
        if conversation_id is not None and seq is not None
    }
    return [sources.get(one) for one in wanted]


def external_of_messages(wanted: Sequence[Brought]) -> list[str | None]:
    """How the other side calls each of these messages, as it got them last; None where it has not got them."""
    found = Delivery.objects.filter(
        channel__in={one.channel for one in wanted},
        recipient__in={one.recipient for one in wanted},
        conversation_id__in={one.conversation_id for one in wanted},
        seq__in={one.seq for one in wanted},
        state="delivered",
    ).order_by("pk")
    known = {
        Brought(channel, recipient, conversation_id, seq): external_id
        for channel, recipient, conversation_id, seq, external_id in found.values_list(
            "channel", "recipient", "conversation_id", "seq", "external_id"
        )
        if conversation_id is not None and seq is not None
    }
    return [known.get(one) for one in wanted]


def _end(delivery_id: int, **fields: Any) -> None:
    Delivery.objects.filter(pk=delivery_id).update(**fields)


def _messages(places: Sequence[tuple[int, int]]) -> dict[tuple[int | None, int | None], dict[str, Any]]:
    ranges = sorted({(conversation_id, seq - 1, seq) for conversation_id, seq in places})
    if not ranges:
        return {}
    entries = [wire.from_select(values) for values in sql.select(*sql.ranges(wire.COLUMNS, ranges))]
    return {
        (entry.conversation_id, entry.seq): {
            "author": entry.author,
            "text": entry.text,
            "payload": entry.payload or {},
        }
        for entry in entries
    }
