"""What an operator does in a conversation: answer, note, finish."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.conversations import audit, closing, edits, log, ownership
from besedka.conversations.audit import Deed
from besedka.conversations.changes import Change
from besedka.conversations.log import Append
from besedka.conversations.wire import Entry
from besedka.desk import duty, outside
from besedka.problems import ChangedMeanwhile, Invalid, Problem


class NoClient(Problem):
    """You are in no conversation just now."""

    code = "no_client"
    status = 409


class Reply(msgspec.Struct, frozen=True):
    """What an operator says; without `conversation_id`, in the one that they lead in Telegram.

    `payload` with `edits`, the seq of what it replaces as the operator saw it: of a message, or of its last edit.
    """

    operator_id: int
    conversation_id: int | None
    text: str
    payload: dict[str, Any] | None = None
    client_id: str | None = None
    owner_version: int | None = None
    file: str | None = None  # the key of a file that comes along


class Finish(msgspec.Struct, frozen=True):
    """An operator has finished with the conversation that they lead in Telegram."""

    operator_id: int


@transaction.atomic(savepoint=False)
def reply_many(replies: Sequence[Reply], *, now: datetime | None = None) -> list[Entry | Problem]:
    """What each operator says is in the log and on record; who says something first in a conversation claims it.

    Said again with the same client id: the entry that is there, whoever answers by now. Refused with `Taken`,
    `Stale`, `NotFound`, `NoClient`, and an edit with `ChangedMeanwhile` where another one came first; who names no
    owner version is not asked what they saw.
    """
    now = now or timezone.now()
    results: list[Entry | Problem | None] = [None] * len(replies)
    ids = [reply.conversation_id or outside.led_by(reply.operator_id) for reply in replies]
    stored = _stored(replies, ids)
    open_ones: list[tuple[int, int, Reply]] = []
    for at, (reply, conversation_id) in enumerate(zip(replies, ids, strict=True)):
        earlier = stored.get((conversation_id, reply.client_id))
        if conversation_id is None:
            results[at] = NoClient()
        elif earlier is not None:
            same = earlier.text == reply.text
            results[at] = earlier if same else log.IdempotencyKeyReused(client_id=reply.client_id)
        elif not _may_edit(reply, conversation_id):
            results[at] = Invalid("`edits` is no message of yours in this conversation.", field="edits")
        else:
            open_ones.append((at, conversation_id, reply))
    taken = ownership.claim_many(_claims(open_ones), now=now)
    for (at, _, _), row in zip(open_ones, taken, strict=True):
        results[at] = row if isinstance(row, Problem) else None
    changed: dict[tuple[int, int], str | None] = {}
    theirs: list[tuple[int, int, Reply]] = []
    for at, conversation_id, reply in (one for one in open_ones if results[one[0]] is None):
        edited = _as_edited(reply, conversation_id, changed)
        if isinstance(edited, Problem):
            results[at] = edited
        else:
            theirs.append((at, conversation_id, edited))
    entries = log.append_many([_append(reply, conversation_id) for _, conversation_id, reply in theirs], now=now)
    deeds: dict[tuple[int, int], Deed] = {}  # one that stands there twice was sent once
    for (at, conversation_id, reply), entry in zip(theirs, entries, strict=True):
        results[at] = entry
        if isinstance(entry, Entry):
            deeds[conversation_id, entry.seq] = Deed(
                "sent", reply.operator_id, conversation_id, {"seq": entry.seq}
            )
    audit.record_many(list(deeds.values()), now)
    return [result or NoClient() for result in results]


def _claims(open_ones: Sequence[tuple[int, int, Reply]]) -> list[Change]:
    """What each reply changes. One that comes twice at once meets its own claim, and is not late for that."""
    claims, seen = [], set()
    for _, conversation_id, reply in open_ones:
        itself = (conversation_id, reply.operator_id, reply.client_id)
        is_repeat = reply.client_id is not None and itself in seen
        seen.add(itself)
        claims.append(Change(conversation_id, reply.operator_id, reply.owner_version, exact=not is_repeat))
    return claims


def _stored(replies: Sequence[Reply], ids: Sequence[int | None]) -> dict[tuple[int | None, str | None], Entry]:
    """What is in the log already under the client ids of these replies."""
    wanted = [
        (conversation_id, "operator", reply.client_id)
        for reply, conversation_id in zip(replies, ids, strict=True)
        if conversation_id is not None and reply.client_id is not None
    ]
    found = log.find_many(wanted) if wanted else []
    return {(entry.conversation_id, entry.client_id): entry for entry in found if entry is not None}


def _append(reply: Reply, conversation_id: int) -> Append:
    return Append(
        "operator",
        reply.text,
        conversation_id=conversation_id,
        client_id=reply.client_id,
        payload=reply.payload,
        operator_id=reply.operator_id,
        file=reply.file,
    )


def _may_edit(reply: Reply, conversation_id: int) -> bool:
    """Whether what it replaces, if anything, is this operator's own."""
    if not _edits(reply):
        return True
    [version] = edits.versions_many([(conversation_id, _edits(reply))])
    return version is not None and version.operator_id == reply.operator_id


def _as_edited(reply: Reply, conversation_id: int, changed: dict[tuple[int, int], str | None]) -> Reply | Problem:
    """The reply as it is stored: an edit is one of the message, not of its last edit. The conversation is locked.

    `changed` says which messages a reply before this one edits, under which client id: it may come twice at once.
    """
    [version] = edits.versions_many([(conversation_id, _edits(reply))]) if _edits(reply) else [None]
    if version is None:
        return reply
    others = changed.setdefault((conversation_id, version.root), reply.client_id)
    is_first = others == reply.client_id and version.latest == _edits(reply)
    if reply.owner_version is not None and not is_first:
        return ChangedMeanwhile(seq=version.latest)
    return msgspec.structs.replace(reply, payload={**(reply.payload or {}), "edits": version.root})


def _edits(reply: Reply) -> int:
    """The seq that it replaces; 0 where it replaces none."""
    seq: int = (reply.payload or {}).get("edits") or 0
    return seq


@transaction.atomic(savepoint=False)
def finish_many(wishes: Sequence[Finish], *, now: datetime | None = None) -> list[int | Problem]:
    """Each operator's conversation in Telegram is closed and they are off duty; its id, or `NoClient`."""
    now = now or timezone.now()
    results: list[int | Problem] = []
    for wish in wishes:
        conversation_id = outside.led_by(wish.operator_id)
        if conversation_id is None:
            results.append(NoClient())
            continue
        [row] = closing.close_many([Change(conversation_id, wish.operator_id)], now=now)
        duty.end_many([wish.operator_id], now=now)
        results.append(row if isinstance(row, Problem) else conversation_id)
    return results
