"""A contact's data is erased: first a fence in one short transaction, then all there is, a little at a time.

From the fence on nobody finds the contact any more, and nobody writes into its conversations: whatever is under
way (a turn, a delivery, an upload, a note) finds no conversation when it wants to be stored. That something is
left to be removed stands in the conversations' own rows, so it goes on after a crash, by whoever looks next. What
stays is an empty conversation with the word that its data is erased, and the acts.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec
from django.apps import apps
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from besedka.conversations import (
    attachments,
    audit,
    changes,
    holdings,
    log,
    notices,
    often,
    rows,
    search_index,
    signals,
    sql,
)
from besedka.conversations.audit import Deed
from besedka.conversations.holdings import Holding
from besedka.conversations.models import (
    Attachment,
    Contact,
    Conversation,
    Delivery,
    Identity,
    Inbox,
    Message,
    Watcher,
)
from besedka.conversations.rows import Row
from besedka.conversations.wire import Entry
from besedka.problems import NotFound, Problem, Unavailable

logger = logging.getLogger(__name__)

PORTION = 1_000  # rows in one transaction: some 10 ms, so writers hardly notice
TOGETHER = 100  # conversations that one transaction looks at
BYTES_AT_ONCE = 100  # files of which one step removes the bytes: on S3 each is a request
FENCED = 50  # contacts behind the fence in one transaction
TRIES = 5  # of a transaction that met a deadlock
CHECKPOINT_MS = 1_000  # that writers on SQLite may have to wait, so that old pages leave its journal

T = TypeVar("T")


class Begun(msgspec.Struct, frozen=True):
    """A contact is behind the fence. How much there is to be removed."""

    contact_id: int
    conversation_ids: tuple[int, ...]
    messages: int
    files: int


class Removed(msgspec.Struct, frozen=True):
    """What one step removed, and the conversations of which nothing is left now."""

    messages: int = 0
    rows: int = 0
    files: int = 0
    emptied: tuple[int, ...] = ()


def begin_many(
    contact_ids: Iterable[int], *, actor_id: int | None = None, why: str = "asked", now: datetime | None = None
) -> list[Begun | Problem]:
    """Nobody knows these contacts any more, and nothing can be added to what is known of them.

    `NotFound` for one that is not there. Of one that is erased already nothing changes. To be called outside of
    transactions; each act is on record, by `actor_id` (None: the house, or somebody at its command line).
    """
    ids = list(dict.fromkeys(contact_ids))
    results: list[Begun | Problem] = []
    for start in range(0, len(ids), FENCED):
        some = ids[start : start + FENCED]
        results += _trying(lambda some=some: _fence(some, actor_id, why, now or timezone.now()))  # type: ignore[misc]
    return results


def begin_old_many(conversation_ids: Sequence[int], *, before: datetime, now: datetime | None = None) -> list[int]:
    """Those of these conversations that nobody has written in since `before` are behind the fence, others not.

    A contact whose last conversation that was is erased with it.
    """
    return _trying(lambda: _fence_old(conversation_ids, before, now or timezone.now()))


def go_on(*, limit: int = PORTION, after: int = 0) -> Removed:
    """Remove up to `limit` more rows of what is behind the fence, and bytes of files. May be killed anywhere.

    Only of conversations with a number above `after`: those before it are emptied. Raises `Unavailable` where
    nothing is left but files, and their store is away; a step then is for later.
    """
    gone, away = _remove_bytes(min(limit, BYTES_AT_ONCE), after)
    step = _trying(lambda: _remove_some(limit, after, gone))
    if away is not None and not step.rows and not step.emptied:
        raise away
    return step


def finish(*, within_s: float | None = None, told: Callable[[Removed], None] | None = None) -> bool:
    """Go on until nothing is left to be removed, or time is over; whether nothing is left. `told` hears steps.

    Raises `Unavailable` where only files are left and their store is away.
    """
    began = time.monotonic()
    waiting = Conversation.objects.filter(erasing_since__isnull=False)
    emptied: list[int] = []
    some = False
    while waiting.exists():
        if within_s is not None and time.monotonic() - began > within_s:
            if emptied:
                _settle(emptied)
            return not waiting.exists()
        some = True
        try:
            step = go_on(after=emptied[-1] if emptied else 0)
        except Unavailable:
            if emptied:
                _settle(emptied)
            raise
        if told is not None:
            told(step)
        emptied += step.emptied
        if not step.rows and not step.emptied:  # the end of them
            if emptied:
                _settle(emptied)
                emptied = []
            else:
                time.sleep(0.05)  # another process is at it
    if some:
        forget_journal()
    return True


def forget_journal() -> None:
    """On SQLite, the pages as they were leave the journal beside the database, where they would lie a while."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    [(usual,)] = sql.select("PRAGMA busy_timeout", [])
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {CHECKPOINT_MS:d}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual:d}")


@transaction.atomic(savepoint=False)
def _fence(contact_ids: Sequence[int], actor_id: int | None, why: str, now: datetime) -> list[Begun | Problem]:
    locked = _lock(contact_ids)
    people = {contact.pk: contact for contact in Contact.objects.filter(pk__in=contact_ids)}
    known = {pk: one for pk, one in people.items() if one.erased_at is None}
    if actor_id is not None and known:
        often.count_against(actor_id, "erased", now=now)
    theirs: dict[int, list[Row]] = {pk: [] for pk in known}
    for row in locked.values():
        theirs[row.contact_id].append(row)
    _claim_unsent_files(theirs)
    begun = {pk: _begun(pk, found) for pk, found in theirs.items()}
    _forget_people(theirs, now)
    _empty(list(locked.values()), actor_id, now)
    deeds = [
        Deed("erased", actor_id, number, {"contact": pk, "why": why, "messages": one.messages, "files": one.files})
        for pk, one in begun.items()
        for number in one.conversation_ids or (None,)
    ]
    audit.record_many(deeds, now)
    _tell(begun, actor_id, why)
    return [begun.get(pk) or (Begun(pk, (), 0, 0) if pk in people else NotFound()) for pk in contact_ids]


@transaction.atomic(savepoint=False)
def _fence_old(conversation_ids: Sequence[int], before: datetime, now: datetime) -> list[int]:
    locked = rows.lock_many(conversation_ids)
    old = {row.id: row for row in locked.values() if row.active_at is not None and row.active_at < before}
    contact_ids = {row.contact_id for row in old.values()}
    list(Identity.objects.select_for_update().filter(contact_id__in=contact_ids).order_by("pk"))
    others = Conversation.objects.filter(contact_id__in=contact_ids).exclude(pk__in=old).exclude(status="erased")
    staying = set(others.values_list("contact_id", flat=True))
    leaving: dict[int, list[Row]] = {}
    for row in old.values():
        if row.contact_id in staying:  # known elsewhere still: this conversation gets an unknown contact
            blank = Contact.objects.create(name=_word(row.inbox_id), created_at=now, erased_at=now)
            Conversation.objects.filter(pk=row.id).update(contact=blank)
        else:
            leaving.setdefault(row.contact_id, []).append(row)
    _claim_unsent_files(leaving)
    _forget_people(leaving, now)
    _empty(list(old.values()), None, now)
    deeds = [
        Deed("erased", None, row.id, {"why": "kept_days", "messages": row.last_seq - 1}) for row in old.values()
    ]
    audit.record_many(deeds, now)
    if old:
        transaction.on_commit(lambda: logger.info("%d conversations are erased for their age", len(old)))
    return list(old)


def _lock(contact_ids: Sequence[int]) -> dict[int, Row]:
    """All conversations of these contacts, locked; none can be added, as nobody finds the contacts any more."""
    locked: dict[int, Row] = {}
    forgotten = False
    while True:
        found = Conversation.objects.filter(contact_id__in=contact_ids).exclude(status="erased")
        new = set(found.values_list("pk", flat=True)) - locked.keys()
        if forgotten and not new:
            return locked
        locked |= rows.lock_many(new)
        if not forgotten:
            # Whoever makes a conversation of one of them just now has locked these: we wait, and look once more.
            list(Identity.objects.select_for_update().filter(contact_id__in=contact_ids).order_by("pk"))
            forgotten = True


def _begun(contact_id: int, found: Sequence[Row]) -> Begun:
    ids = tuple(row.id for row in found)
    files = Attachment.objects.filter(conversation_id__in=ids).count()
    return Begun(contact_id, ids, sum(row.last_seq for row in found), files)


def _claim_unsent_files(theirs: dict[int, list[Row]]) -> None:
    """Files that these contacts have not sent yet belong to one of their conversations, and go with it."""
    inbox_ids = list(Inbox.objects.values_list("pk", flat=True))
    for identity in Identity.objects.filter(contact_id__in=theirs):
        found = theirs[identity.contact_id]
        if found:
            files = Attachment.objects.filter(
                inbox_id__in=inbox_ids, kind=identity.kind, known_as=identity.known_as, conversation=None
            )
            files.update(conversation_id=found[0].id, known_as="")


def _forget_people(theirs: dict[int, list[Row]], now: datetime) -> None:
    Identity.objects.filter(contact_id__in=theirs).delete()
    for contact_id, found in theirs.items():
        name = _word(found[0].inbox_id) if found else notices.text("erased", "ru").rstrip(".")
        Contact.objects.filter(pk=contact_id).update(name=name, email="", phone="", erased_at=now)


def _word(inbox_id: int) -> str:
    language = Inbox.objects.values_list("language", flat=True).get(pk=inbox_id)
    return notices.text("erased", language).rstrip(".")


def _empty(found: Sequence[Row], actor_id: int | None, now: datetime) -> None:
    """Nobody answers in these any more, nothing of them goes out; their logs say what became of them."""
    ids = [row.id for row in found]
    languages = dict(Inbox.objects.values_list("pk", "language"))
    payload = {"event": "erased"} | (
        {"by": name} if (name := changes.names([actor_id]).get(actor_id or 0)) else {}
    )
    entries = []
    desk = log.desk_topics(found) | {"desk:waiting", "desk:closed"}
    for row in found:
        row.change_owner("queue", now=now)
        row.status, row.waiting_since, row.snoozed_until, row.callback_at = "erased", None, None, None
        row.reason, row.details_asked, row.watched = "", False, False
        row.last_seq += 1
        text = notices.text("erased", languages[row.inbox_id])
        entries.append(Entry(row.id, row.last_seq, "system", text, None, now, payload))
    log.write(entries)
    rows.save_many(found, now)  # not as grown: an old conversation stays in its place among the old ones
    Conversation.objects.filter(pk__in=ids).update(erasing_since=now)
    Watcher.objects.filter(conversation_id__in=ids).delete()
    Delivery.objects.filter(conversation_id__in=ids).exclude(state="delivered").delete()
    transaction.on_commit(lambda: signals.send_many({"new": ids, "state": ids, "contact": ids, "desk": desk}))


def _tell(begun: dict[int, Begun], actor_id: int | None, why: str) -> None:
    def tell() -> None:
        for one in begun.values():
            counts = (len(one.conversation_ids), one.messages, one.files)
            logger.info(
                "contact %d is erased (%s, by %s): conversations %d, messages %d, files %d",
                *(one.contact_id, why, actor_id or "the house", *counts),
            )

    transaction.on_commit(tell)


def _remove_bytes(limit: int, after: int) -> tuple[list[int], Unavailable | None]:
    """The rows of files whose bytes are gone, and why not all of them are.

    Before any row is touched and outside of transactions: it may wait for S3. Nobody adds a file behind the fence;
    a row without bytes is found again, bytes without a row would lie there for a day.
    """
    found = Attachment.objects.filter(conversation__erasing_since__isnull=False, conversation_id__gt=after)
    gone: list[int] = []
    for pk, key in found.order_by("conversation_id", "pk").values_list("pk", "key")[:limit]:
        try:
            attachments.remove_many([key])
        except Unavailable as problem:
            return gone, problem
        gone.append(pk)
    return gone, None


@transaction.atomic(savepoint=False)
def _remove_some(limit: int, after: int, gone: Sequence[int]) -> Removed:
    # What another process is removing is its own business.
    skip = connection.features.has_select_for_update_skip_locked
    waiting = Conversation.objects.select_for_update(skip_locked=skip).filter(erasing_since__isnull=False)
    ids = list(waiting.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:TOGETHER])
    if not ids:
        return Removed()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten; many builds do so anyway
    messages = _remove_messages(ids, limit)
    files = _remove_files(ids, gone)
    removed = messages + files
    for holding in holdings.all_of():
        if removed < limit:
            removed += _remove_rows(holding, ids, limit - removed)
    if removed >= limit:
        return Removed(messages, removed, files)
    # Where S3 is away one that has files waits for it, and keeps none of the others waiting.
    waiting_for = set(Attachment.objects.filter(conversation_id__in=ids).values_list("conversation_id", flat=True))
    return Removed(messages, removed, files, tuple(number for number in ids if number not in waiting_for))


def _settle(emptied: Sequence[int]) -> None:
    """Nothing is left of these anywhere: their rows need say no more that there is."""
    search_index.forget_for_good()
    for start in range(0, len(emptied), TOGETHER):
        some = emptied[start : start + TOGETHER]
        _trying(lambda some=some: Conversation.objects.filter(pk__in=some).update(erasing_since=None))  # type: ignore[misc]
    logger.info("nothing is left of %d conversations that were erased", len(emptied))


def _remove_messages(ids: Sequence[int], limit: int) -> int:
    """All but the one that says that they are gone; their words in the search first."""
    found = Message.objects.filter(conversation_id__in=ids, seq__lt=F("conversation__last_seq"))
    chosen = list(found.values_list("pk", flat=True)[:limit])
    search_index.forget_messages(chosen)
    _delete(Message._meta.db_table, chosen)
    return len(chosen)


def _remove_files(ids: Sequence[int], gone: Sequence[int]) -> int:
    """The rows of files whose bytes are gone."""
    chosen = list(Attachment.objects.filter(pk__in=gone, conversation_id__in=ids).values_list("pk", flat=True))
    _delete(Attachment._meta.db_table, chosen)
    return len(chosen)


def _remove_rows(holding: Holding, ids: Sequence[int], limit: int) -> int:
    model = apps.get_model(holding.label)
    found = model._base_manager.filter(**{f"{holding.conversation}__in": ids})
    chosen = list(found.values_list("pk", flat=True)[:limit])
    _delete(model._meta.db_table, chosen)
    return len(chosen)


def _delete(table: str, chosen: Sequence[int]) -> None:
    if chosen:
        condition, values = sql.any_of("id", chosen, kind="bigint")
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE {condition}", values)


def _trying(work: Callable[[], T]) -> T:
    """The result of `work`, which is a transaction, tried again where it met a deadlock or a lock that lasted."""
    for attempt in range(1, TRIES):
        try:
            return work()
        except OperationalError as error:
            if connection.in_atomic_block:
                raise
            logger.warning("erasure: %s (try %d of %d)", error, attempt, TRIES)
            time.sleep(0.05 * attempt)
    return work()
