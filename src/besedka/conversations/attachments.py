"""Files that messages carry: stored, taken along once, fetched by a name that nobody guesses, swept up."""

import itertools
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from django.core.files import File
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from besedka.conversations import contacts
from besedka.conversations import rows as locks
from besedka.conversations.contacts import Address
from besedka.conversations.models import Attachment, Conversation, Inbox
from besedka.conversations.uploads import Upload, examine
from besedka.media import store
from besedka.problems import NotFound, Problem, Unavailable

logger = logging.getLogger(__name__)

UNSENT = 20  # files of one sender for one conversation that no message carries yet
ALL_BYTES = 100 * 1024 * 1024  # of all files of one side of a conversation
FORGOTTEN_AFTER = timedelta(hours=24)  # until a file that no message carries is removed
SWEPT_AT_ONCE = 500  # rows in one transaction
FOLDER = "files"  # of the store; in it are folders of two characters each


class QuotaExceeded(Problem):
    """There are too many files here already: 20 that were not sent, or 100 MB in one conversation."""

    code = "quota_exceeded"
    status = 413


class Kept(msgspec.Struct, frozen=True):
    """A file that we have. Whoever has the key may fetch it."""

    key: str
    name: str
    media_type: str
    size: int


class Written(msgspec.Struct, frozen=True):
    """A file that is stored and that no row knows yet, and whom it is for."""

    kept: Kept
    conversation_id: int | None
    address: Address | None
    led_to: int | None = None  # of a contact's: where the address led when the file set out


class Room(msgspec.Struct, frozen=True):
    """Somebody who wants to send a file: a contact at an address, or staff in a conversation."""

    conversation_id: int | None
    address: Address | None


class Taking(msgspec.Struct, frozen=True):
    """A message of this conversation wants to carry this file."""

    key: str
    conversation_id: int


def write(upload: Upload) -> Written | Problem:
    """The file is stored, whole and to stay, or is refused; asks no database."""
    try:
        examined = examine(upload)
        kept = Kept(secrets.token_hex(16), examined.name, examined.media_type, len(examined.data))
        store.write(name_of(kept.key), examined.data)
    except Problem as problem:
        return problem
    return Written(kept, upload.conversation_id, upload.address, upload.led_to)


@transaction.atomic(savepoint=False)
def record_many(written: Sequence[Written], *, now: datetime | None = None) -> list[Kept | Problem]:
    """The files are known from now on, or refused: `QuotaExceeded`, `NotFound`. The caller discards those.

    `NotFound` also where the contact, or the conversation, was erased while its file was on the way.
    """
    now = now or timezone.now()
    named = {one.conversation_id for one in written if one.conversation_id is not None}
    entered = {one.address.inbox_id for one in written if one.address is not None}
    conversations = locks.lock_many(named)
    led = contacts.find_many(
        {one.address for one in written if one.address is not None and one.led_to is not None}
    )
    inboxes = set(Inbox.objects.filter(pk__in=entered).values_list("pk", flat=True)) if entered else set()
    used: dict[Room, tuple[int, int]] = {}
    results: list[Kept | Problem] = []
    rows = []
    for one in written:
        room = Room(one.conversation_id, one.address)
        there = one.conversation_id in conversations if one.address is None else one.address.inbox_id in inboxes
        if one.address is not None and one.led_to is not None:
            there = one.address in led and led[one.address].id == one.led_to
        unsent, size = used.get(room) or _used(room)
        refusal = _refusal(unsent, size, more=one.kept.size) if there else NotFound()
        if refusal is None:
            used[room] = (unsent + 1, size + one.kept.size)
            rows.append(_row(one, now))
        results.append(refusal or one.kept)
    Attachment.objects.bulk_create(rows)
    return results


def discard(written: Written) -> None:
    """A file that was refused a row is no more; where that cannot be done now, sweeping does it."""
    try:
        store.remove(name_of(written.kept.key))
    except Unavailable as problem:
        logger.warning("a file that was refused stays for a day: %s", problem.detail)


def room_many(rooms: Sequence[Room]) -> list[Problem | int | None]:
    """For each whether one more file would be taken: `QuotaExceeded`; else which conversation it would come to."""
    used = {room: _used(room) for room in set(rooms)}
    return [_refusal(*used[room], more=1) or _led_to(room) for room in rooms]


def payload(kept: Kept) -> dict[str, Any]:
    """What a message that carries the file has in its payload."""
    return {"file": msgspec.to_builtins(kept)}


def look_many(takings: Sequence[Taking]) -> dict[Taking, Kept]:
    """The files that these messages may carry, locked until the transaction ends; the others are left out."""
    rows = {
        row.key: row
        for row in Attachment.objects.select_for_update().filter(
            key__in={t.key for t in takings}, taken_at__isnull=True
        )
    }
    wanted = [taking for taking in takings if taking.key in rows]
    places = _places({t.conversation_id for t in wanted if rows[t.key].conversation_id is None})
    found = {}
    for taking in wanted:
        row = rows[taking.key]
        brought = (taking.conversation_id, row.inbox_id, row.kind, row.known_as)
        if row.conversation_id == taking.conversation_id or (row.conversation_id is None and brought in places):
            found[taking] = _kept(row)
    return found


def mark_many(takings: Sequence[Taking], now: datetime) -> None:
    """Messages carry these files now, and no other message will."""
    for taking in takings:
        Attachment.objects.filter(key=taking.key).update(conversation_id=taking.conversation_id, taken_at=now)


@transaction.atomic(savepoint=False)
def take_many(takings: Sequence[Taking], *, now: datetime | None = None) -> list[Kept | Problem]:
    """Each message of these conversations may carry this file, once: `NotFound` for one that is used or another's.

    For whoever stores messages past `log.append_many`, in that transaction; `Append.file` does the same.
    """
    found = look_many(takings)
    results: list[Kept | Problem] = []
    taken = []
    for taking in takings:
        kept = found.pop(taking, None)
        results.append(kept or unknown())
        if kept is not None:
            taken.append(taking)
    mark_many(taken, now or timezone.now())
    return results


def unknown() -> NotFound:
    """The refusal of a file that this message may not carry."""
    return NotFound("There is no such file for this conversation, or a message carries it already.", field="file")


def read_many(keys: Sequence[str]) -> list[Kept | Problem]:
    """Each file; `NotFound` for those that are not there, or go with what is being erased.

    Whether its bytes are there is known at once only where they lie on this machine; `opened` knows always.
    """
    files = Attachment.objects.filter(key__in=set(keys)).exclude(conversation__erasing_since__isnull=False)
    rows = {row.key: _kept(row) for row in files}
    return [rows[key] if key in rows and _may_lie(place_of(key)) else NotFound() for key in keys]


def read(key: str) -> Kept:
    """The file. Raises `NotFound`."""
    [found] = read_many([key])
    if isinstance(found, Problem):
        raise found
    return found


def opened(key: str) -> "File[Any]":
    """The bytes of the file, whole; the caller closes it. May wait for S3. Raises `NotFound`, `Unavailable`."""
    try:
        return store.opened(name_of(key))
    except FileNotFoundError:
        raise NotFound from None


def sweep_many(now: datetime) -> int:
    """Files that no message carried in a day are gone, row and bytes, and so are bytes that no row knows.

    Gives how many stored files were removed. May be interrupted anywhere and begun again. Raises `Unavailable`.
    """
    removed = 0
    latest = now - FORGOTTEN_AFTER
    while keys := _forget_some(latest):
        for key in keys:
            removed += store.remove(name_of(key))
    return removed + _sweep_store(latest)


def name_of(key: str) -> str:
    """What the file with this key is called in the store."""
    return f"{FOLDER}/{key[:2]}/{key}"


def place_of(key: str) -> Path | None:
    """Where the file with this key would lie on this machine; None where files lie elsewhere."""
    return store.place(name_of(key))


def remove_many(keys: Sequence[str]) -> int:
    """The bytes of these are gone, as far as they were there; how many were. Their rows are the caller's.

    Raises `Unavailable`: some of them may be there still.
    """
    return sum(store.remove(name_of(key)) for key in keys)


def _led_to(room: Room) -> int | None:
    if room.address is None:
        return room.conversation_id
    who = {"contact__identities__kind": room.address.kind, "contact__identities__known_as": room.address.known_as}
    there = Conversation.objects.filter(inbox_id=room.address.inbox_id, **who)
    return there.values_list("pk", flat=True).first()


def _row(one: Written, now: datetime) -> Attachment:
    row = Attachment(
        key=one.kept.key,
        name=one.kept.name,
        media_type=one.kept.media_type,
        size=one.kept.size,
        created_at=now,
        conversation_id=one.conversation_id if one.address is None else None,
    )
    if one.address is not None:
        row.inbox_id, row.kind, row.known_as = one.address.inbox_id, one.address.kind, one.address.known_as
    return row


def _used(room: Room) -> tuple[int, int]:
    """How many files of this sender were not sent, and the bytes of all of them."""
    if room.address is not None:
        address = room.address
        mine = Q(inbox_id=address.inbox_id, known_as=address.known_as, kind=address.kind)
    else:
        mine = Q(conversation_id=room.conversation_id, known_as="")
    files = Attachment.objects.filter(mine)
    return files.filter(taken_at__isnull=True).count(), files.aggregate(all=Sum("size"))["all"] or 0


def _refusal(unsent: int, size: int, *, more: int) -> QuotaExceeded | None:
    if unsent >= UNSENT:
        return QuotaExceeded(f"{UNSENT} files wait for a message that carries them.", limit=UNSENT)
    if size + more > ALL_BYTES:
        return QuotaExceeded("The files of this conversation take 100 MB already.", limit_bytes=ALL_BYTES)
    return None


def _places(conversation_ids: set[int]) -> set[tuple[int, int | None, str, str]]:
    """Who writes in these conversations: (conversation, inbox, kind, known as)."""
    if not conversation_ids:
        return set()
    known = ("pk", "inbox_id", "contact__identities__kind", "contact__identities__known_as")
    return set(Conversation.objects.filter(pk__in=conversation_ids).values_list(*known))


def _kept(row: Attachment) -> Kept:
    return Kept(row.key, row.name, row.media_type, row.size)


def _may_lie(place: Path | None) -> bool:
    return place is None or place.is_file()


@transaction.atomic
def _forget_some(latest: datetime) -> list[str]:
    """Remove some of the rows that nobody took; the bytes go after the commit, so that no row lacks its own."""
    old = Attachment.objects.filter(taken_at__isnull=True, created_at__lt=latest).order_by("created_at")
    found = dict(old.select_for_update().values_list("pk", "key")[:SWEPT_AT_ONCE])
    Attachment.objects.filter(pk__in=found).delete()
    return list(found.values())


def _sweep_store(latest: datetime) -> int:
    """Remove bytes that no row knows: of a crash between file and row, and of conversations that are erased."""
    removed = 0
    names = (name for name, written_at in store.stored(FOLDER) if written_at < latest.timestamp())
    while old := {name.rpartition("/")[2]: name for name in itertools.islice(names, SWEPT_AT_ONCE)}:
        known = set(Attachment.objects.filter(key__in=old).values_list("key", flat=True))
        for key in old.keys() - known:
            removed += store.remove(old[key])
    return removed
