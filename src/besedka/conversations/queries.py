"""Lists of conversations for people who answer, as cards; the first page costs the same however many there are."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from django.db import connection
from django.db.models import Count, F, Q, QuerySet

from besedka.conversations import sql, wire
from besedka.conversations.models import LONG_AGO, Conversation, Cursor, Identity
from besedka.conversations.wire import Entry

SIZE = 100  # cards of a page at most
UNREAD = 100  # messages that are counted at most
LAST_LENGTH = 140  # characters of the newest message
_HIDDEN = F("inbox_id") + 0  # from planners that would collect a whole inbox and sort it, for one page
LISTS = ("waiting", "mine", "open", "callback", "closed")


class Listing(msgspec.Struct, frozen=True):
    """One page of a list, as this operator sees it. `inbox_ids` None: of every inbox."""

    name: str
    operator_id: int
    inbox_ids: tuple[int, ...] | None = None
    after: int | None = None  # the conversation that the page before ended with
    size: int = 50


class Card(msgspec.Struct, frozen=True):
    """A conversation in a list. `operator` is an id and a name; `last` the newest message that somebody said."""

    id: int
    inbox: int
    contact: dict[str, Any]
    status: str
    owner: str
    operator: dict[str, Any] | None
    owner_version: int
    episode: int
    last_seq: int
    unread: int
    last: dict[str, Any] | None
    active_at: str
    waiting_since: str | None
    reason: str
    stage: int
    snoozed_until: str | None
    callback_at: str | None


class Page(msgspec.Struct, frozen=True):
    """The cards of a page, and whether there are more behind them."""

    cards: list[Card]
    more: bool


class Standing(msgspec.Struct, frozen=True):
    """Of which inbox a conversation is, how long its log is, and where its fence stands."""

    inbox_id: int
    last_seq: int
    owner_version: int


def list_many(listings: Sequence[Listing]) -> list[Page]:
    """Each page, in its list's order.

    Some statements for all of them: many consoles look at one list, and each of its changes stirs them all.
    """
    ids: dict[Listing, list[int]] = {}
    for listing in listings:
        same = _same(listing)
        if same not in ids:
            ids[same] = list(_ordered(same).values_list("pk", flat=True)[: _size(same) + 1])
    pages = [ids[_same(listing)][: _size(listing)] for listing in listings]
    wanted = {(pk, one.operator_id) for one, page in zip(listings, pages, strict=True) for pk in page}
    found = dict(zip(wanted, cards_many(list(wanted)), strict=True))
    return [
        Page(
            [card for pk in page if (card := found[pk, listing.operator_id]) is not None],
            len(ids[_same(listing)]) > len(page),
        )
        for listing, page in zip(listings, pages, strict=True)
    ]


def counts_many(wanted: Sequence[tuple[int, tuple[int, ...] | None]]) -> list[dict[str, int]]:
    """For each operator how many wait, are mine, have to be called, and how many messages are `unread` in mine.

    Some statements for all of them: consoles ask again at every message.
    """
    waiting = _by_inbox(Q(waiting_since__gt=LONG_AGO))
    callback = _by_inbox(Q(callback_at__gt=LONG_AGO))
    mine: dict[int, dict[int, int]] = {}
    held = Conversation.objects.filter(_mine({operator_id for operator_id, _ in wanted}))
    for operator_id, conversation_id, inbox_id in held.values_list("operator_id", "pk", "inbox_id"):
        mine.setdefault(operator_id or 0, {})[conversation_id] = inbox_id
    unread = _unread_by_holders([pk for theirs in mine.values() for pk in theirs])
    counts = []
    for operator_id, inbox_ids in wanted:
        ids = [
            pk for pk, inbox_id in mine.get(operator_id, {}).items() if inbox_ids is None or inbox_id in inbox_ids
        ]
        counts.append(
            {
                "waiting": _sum(waiting, inbox_ids),
                "mine": len(ids),
                "callback": _sum(callback, inbox_ids),
                "unread": sum(unread.get(pk, 0) for pk in ids),
            }
        )
    return counts


def held_by(operator_ids: Collection[int]) -> dict[int, int]:
    """How many open conversations each of these operators answers."""
    found = Conversation.objects.filter(operator_id__in=set(operator_ids), status="open")
    return dict(found.values_list("operator_id").annotate(held=Count("pk")))


def standings_many(conversation_ids: Sequence[int]) -> list[Standing | None]:
    """Where each of these conversations stands; None where there is no such conversation."""
    found = Conversation.objects.filter(pk__in=set(conversation_ids))
    standings = {
        values[0]: Standing(*values[1:]) for values in found.values_list("pk", *Standing.__struct_fields__)
    }
    return [standings.get(conversation_id) for conversation_id in conversation_ids]


def read_by_contact_many(conversation_ids: Sequence[int]) -> list[int]:
    """How far the contact of each of these has read."""
    found = Cursor.objects.filter(conversation_id__in=set(conversation_ids), reader="contact")
    seqs = dict(found.values_list("conversation_id", "seq"))
    return [seqs.get(conversation_id, 0) for conversation_id in conversation_ids]


def cards(conversation_ids: Sequence[int], operator_id: int) -> list[Card]:
    """The card of each of these that exists, in this order, with what this operator has not read."""
    found = cards_many([(conversation_id, operator_id) for conversation_id in conversation_ids])
    return [card for card in found if card is not None]


def cards_many(wanted: Sequence[tuple[int, int]]) -> list[Card | None]:
    """The card of each conversation, with what that operator has not read; None where there is none."""
    conversation_ids = {conversation_id for conversation_id, _ in wanted}
    found: dict[int, dict[str, Any]] = {
        row["pk"]: dict(row)
        for row in Conversation.objects.filter(pk__in=conversation_ids).values(
            "pk",
            "inbox_id",
            "contact_id",
            "contact__name",
            "status",
            "owner",
            "operator_id",
            "operator__first_name",
            "operator__last_name",
            "operator__username",
            "owner_version",
            "episode",
            "last_seq",
            "active_at",
            "waiting_since",
            "reason",
            "stage",
            "snoozed_until",
            "callback_at",
        )
    }
    shown = dict(
        Identity.objects.filter(contact_id__in={row["contact_id"] for row in found.values()})
        .order_by("-pk")
        .values_list("contact_id", "shown")
    )
    last = _last({conversation_id: row["last_seq"] for conversation_id, row in found.items()})
    unread = _unread_of({one: found[one[0]]["operator_id"] for one in wanted if one[0] in found})
    return [
        _card(found[one[0]], shown, last.get(one[0]), unread.get(one, 0)) if one[0] in found else None
        for one in wanted
    ]


def reader(operator_id: int) -> str:
    """The name of this operator's cursors."""
    return f"operator:{operator_id}"


def _same(listing: Listing) -> Listing:
    """What it has in common with those of others: only one's own list depends on who looks."""
    return listing if listing.name == "mine" else msgspec.structs.replace(listing, operator_id=0)


def _size(listing: Listing) -> int:
    return max(1, min(listing.size, SIZE))


def _in_list(name: str, operator_id: int, inbox_ids: tuple[int, ...] | None) -> QuerySet[Conversation]:
    conditions = {
        "waiting": Q(waiting_since__isnull=False),
        "mine": _mine({operator_id}),
        "open": Q(status="open"),
        "callback": Q(callback_at__isnull=False),
        "closed": Q(status="closed"),
    }
    found = Conversation.objects.filter(conditions[name])
    if inbox_ids is None:
        return found
    if len(inbox_ids) == 1 and name in ("open", "closed"):  # has an index in the list's order
        return found.filter(inbox_id=inbox_ids[0])
    return found.alias(where=_HIDDEN).filter(where__in=inbox_ids)


def _mine(operator_ids: Collection[int]) -> Q:
    return Q(operator_id__in=operator_ids, status__in=("open", "snoozed"))


def _by_inbox(condition: Q) -> dict[int, int]:
    """How many there are in each inbox, where they are few of all; `condition` is a range of an index.

    For "is not null" SQLite uses none; and it would rather group by walking through all in the inbox's order.
    """
    found = Conversation.objects.filter(condition).annotate(where=_HIDDEN).values_list("where")
    return dict(found.annotate(number=Count("pk")).order_by())


def _sum(by_inbox: dict[int, int], inbox_ids: tuple[int, ...] | None) -> int:
    return sum(number for inbox_id, number in by_inbox.items() if inbox_ids is None or inbox_id in inbox_ids)


def _ordered(listing: Listing) -> QuerySet[Conversation]:
    """The list from behind `after` on. Where that one stands by now decides, should it have moved."""
    found = _in_list(listing.name, listing.operator_id, listing.inbox_ids)
    column = {"waiting": "waiting_since", "callback": "callback_at"}.get(listing.name, "active_at")
    upward = column != "active_at"
    if listing.after is not None:
        place = Conversation.objects.filter(pk=listing.after).values_list(column, flat=True).first()
        if place is not None:
            side = "gt" if upward else "lt"
            beyond = Q(**{f"{column}__{side}": place})
            found = found.filter(beyond | Q(**{column: place, f"pk__{side}": listing.after}))
    order = (F(column).asc(), F("pk").asc()) if upward else (F(column).desc(), F("pk").desc())
    return found.order_by(*order)


def _last(ends: dict[int, int]) -> dict[int, Entry]:
    """What was said last in each, by somebody: of a few entries, as the house's own notices stand at the end."""
    ranges = sorted((conversation_id, max(0, seq - 8), seq) for conversation_id, seq in ends.items() if seq)
    if not ranges:
        return {}
    entries = [wire.from_select(values) for values in sql.select(*sql.ranges(wire.COLUMNS, ranges))]
    entries.sort(key=lambda entry: (entry.author != "system", entry.seq))
    return {entry.conversation_id: entry for entry in entries}


def _unread_of(wanted: dict[tuple[int, int], int | None]) -> dict[tuple[int, int], int]:
    """How much each of these operators has not read; with each conversation and operator, who answers there."""
    theirs: dict[int, list[int]] = {}
    held = []
    for (conversation_id, operator_id), holder in wanted.items():
        if operator_id == holder:
            held.append(conversation_id)
        else:
            theirs.setdefault(operator_id, []).append(conversation_id)
    by_holders = _unread_by_holders(held)
    found = {one: by_holders.get(one[0], 0) for one, holder in wanted.items() if one[1] == holder}
    begun = _begun_by(theirs)
    untouched = [one for one in wanted if one not in found and one not in begun]
    by_nobody = _count_unread(list({conversation_id for conversation_id, _ in untouched}), "%s", [""])
    found.update({one: by_nobody.get(one[0], 0) for one in untouched})
    for operator_id, ids in theirs.items():
        some = [one for one in ids if (one, operator_id) in begun]
        unread = _count_unread(some, "%s", [reader(operator_id)])
        found.update({(one, operator_id): unread.get(one, 0) for one in some})
    return found


def _begun_by(theirs: dict[int, list[int]]) -> set[tuple[int, int]]:
    """In which of their conversations each of these operators has read something."""
    names = {reader(operator_id): operator_id for operator_id in theirs}
    ids = {pk for some in theirs.values() for pk in some}
    cursors = Cursor.objects.filter(conversation_id__in=ids, reader__in=names)
    return {(pk, names[name]) for pk, name in cursors.values_list("conversation_id", "reader")}


def _unread_by_holders(conversation_ids: Sequence[int]) -> dict[int, int]:
    """How much of each of these those who answer there have not read."""
    name = "CONCAT('operator:', c.operator_id)" if connection.vendor == "mysql" else "'operator:' || c.operator_id"
    return _count_unread(conversation_ids, name, [])


def _count_unread(conversation_ids: Sequence[int], name: str, names: list[str]) -> dict[int, int]:
    """`name` is the SQL of the reader, `names` its parameters."""
    if not conversation_ids:
        return {}
    condition, parameters = sql.any_of("c.id", list(conversation_ids), kind="bigint")
    found = sql.select(
        "SELECT c.id, COUNT(*) FROM conversations_conversation c "
        f"LEFT JOIN conversations_cursor u ON u.conversation_id = c.id AND u.reader = {name} "
        "JOIN conversations_message m ON m.conversation_id = c.id AND m.author = 'contact' AND m.seq > "
        f"CASE WHEN COALESCE(u.seq, 0) + {UNREAD} > c.last_seq THEN COALESCE(u.seq, 0) "
        f"ELSE c.last_seq - {UNREAD} END "  # one bound, so that the index goes no further back than that
        f"WHERE c.heard_seq > COALESCE(u.seq, 0) AND {condition} GROUP BY c.id",
        [*names, *parameters],
    )
    return dict(found)


def _card(row: dict[str, Any], shown: dict[int, str], last: Entry | None, unread: int) -> Card:
    operator = None
    if row["operator_id"] is not None:
        full = f"{row['operator__first_name']} {row['operator__last_name']}".strip()
        operator = {"id": row["operator_id"], "name": full or row["operator__username"]}
    said = last and {
        "seq": last.seq,
        "author": last.author,
        "text": last.text[:LAST_LENGTH],
        "created_at": wire.time(last.created_at),
    }
    return Card(
        id=row["pk"],
        inbox=row["inbox_id"],
        contact={"id": row["contact_id"], "name": row["contact__name"], "shown": shown.get(row["contact_id"], "")},
        status="closed" if row["status"] == "erased" else row["status"],  # what became of it stands in its log
        owner=row["owner"],
        operator=operator,
        owner_version=row["owner_version"],
        episode=row["episode"],
        last_seq=row["last_seq"],
        unread=unread,
        last=said or None,
        active_at=wire.time(row["active_at"]),
        waiting_since=row["waiting_since"] and wire.time(row["waiting_since"]),
        reason=row["reason"],
        stage=row["stage"],
        snoozed_until=row["snoozed_until"] and wire.time(row["snoozed_until"]),
        callback_at=row["callback_at"] and wire.time(row["callback_at"]),
    )
