"""Whose an import is, until when, and how it ended. One process at a time works at it, whoever dies."""

import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from besedka.knowledge.imports import Imported
from besedka.knowledge.models import Import, ImportPart, Source
from besedka.problems import Problem

LEASE_S = 20  # a process that dies is missed after so long; one that lives renews every second
AGAIN_S = 10  # until one is tried again that failed by a fault of ours
ATTEMPTS = 3
KEPT = timedelta(days=30)  # what an import did
TOLD_ERRORS = 1_000  # refused lines of one import that are kept
UNDER_WAY = (Import.State.WAITING, Import.State.RUNNING)


class GivenUp(Problem):
    """The file could not be imported: three attempts were cut off. Try again, or give it in smaller pieces."""

    code = "knowledge_import_given_up"
    status = 500


class Lost(Exception):
    """The lease has run out, and another process has it or had it."""


class Claim(NamedTuple):
    """An import that is ours until the lease runs out."""

    import_id: int
    key: str
    name: str
    title: str
    url: str | None


def due(*, now: datetime, limit: int) -> list[int]:
    """Imports that nobody works at, in their order; of one title only the first, for the last file has to win."""
    earlier = Import.objects.filter(title=OuterRef("title"), pk__lt=OuterRef("pk"), state__in=UNDER_WAY)
    waiting = Import.objects.filter(_free(now), ~Exists(earlier)).order_by("pk")
    return list(waiting.values_list("pk", flat=True)[:limit])


def claim(import_id: int, *, now: datetime) -> Claim | None:
    """The import is ours for `LEASE_S` seconds; None where another has it, or where it has ended.

    One that was begun `ATTEMPTS` times without an end is given up here: it may be what kills its workers.
    """
    key = secrets.token_hex(16)
    won = Import.objects.filter(_free(now), pk=import_id).update(
        state=Import.State.RUNNING,
        stage=Import.Stage.READING,
        done=0,
        of=0,
        lease_key=key,
        held_until=now + timedelta(seconds=LEASE_S),
        attempts=F("attempts") + 1,
    )
    if not won:
        return None
    row = Import.objects.get(pk=import_id)
    mine = Claim(row.pk, key, row.name, row.title, row.url)
    if row.attempts > ATTEMPTS:
        fail(mine, GivenUp(), now=now)
        return None
    return mine


def renew(claim: Claim, stage: str, done: int, of: int, *, now: datetime) -> None:
    """The lease lasts another `LEASE_S` seconds, where it still is ours; whoever asks sees how far it is."""
    until = now + timedelta(seconds=LEASE_S)
    _held(claim).update(held_until=until, stage=stage, done=done, of=of)


def finish(claim: Claim, imported: Imported, *, now: datetime) -> None:
    """The import has ended well. In the transaction that stores its passages, so that both happen or neither.

    Raises `Lost` where it is not ours any more: what another has done or will do must not be done over.
    """
    result = {**imported._asdict(), "id": imported.source_id, "refused": len(imported.errors)}
    del result["source_id"]
    result["errors"] = [error._asdict() for error in imported.errors[:TOLD_ERRORS]]
    if not _end(claim, Import.State.DONE, now, result=result):
        raise Lost
    _log(claim, imported)


@transaction.atomic
def fail(claim: Claim, problem: Problem, *, now: datetime) -> None:
    """The import has ended, and this is why; unless it is not ours any more."""
    told = {"code": problem.code, "detail": problem.detail, "details": problem.details}
    _end(claim, Import.State.FAILED, now, problem=told)


def put_back(claim: Claim, *, now: datetime, after_s: float = 0, counted: bool = True) -> None:
    """Somebody may begin the import anew, in `after_s` seconds; this attempt counts unless it was stopped."""
    _held(claim).update(
        state=Import.State.WAITING,
        stage="",
        lease_key="",
        held_until=now + timedelta(seconds=after_s),
        attempts=F("attempts") - (0 if counted else 1),
    )


def release_all(*, now: datetime) -> int:
    """Every import that somebody has begun may be begun anew at once; how many these were.

    For a process that knows that it is the only one: whoever held these leases is dead.
    """
    return Import.objects.filter(state=Import.State.RUNNING).update(held_until=now - timedelta(seconds=1))


def sweep(*, now: datetime) -> int:
    """What imports did longer ago than `KEPT` is forgotten; how many these were."""
    old = Import.objects.filter(ended_at__lt=now - KEPT)
    count = old.count()
    old.delete()
    return count


def _free(now: datetime) -> Q:
    """Nobody's, or of a process that is missed; what is held for too long was so before a clock went back."""
    never = now + timedelta(seconds=2 * LEASE_S)
    held = Q(held_until__gte=now, held_until__lte=never)
    return Q(state__in=UNDER_WAY) & (Q(held_until=None) | ~held)


def _held(claim: Claim) -> Any:
    return Import.objects.filter(pk=claim.import_id, lease_key=claim.key)


def _end(claim: Claim, state: str, now: datetime, **told: Any) -> bool:
    """Whether it was ours to end; its file is not needed any more."""
    mine: int = _held(claim).update(state=state, stage="", lease_key="", held_until=None, ended_at=now, **told)
    if mine:
        ImportPart.objects.filter(of=claim.import_id).delete()
    return bool(mine)


def _log(claim: Claim, imported: Imported) -> None:
    """Who changed the source stands in its history."""
    asked_by = Import.objects.values_list("asked_by", flat=True).get(pk=claim.import_id)
    if asked_by is not None:
        LogEntry.objects.create(
            user_id=asked_by,
            content_type=ContentType.objects.get_for_model(Source),
            object_id=str(imported.source_id),
            object_repr=claim.title,
            action_flag=ADDITION,
            change_message=f"{imported.added} added, {imported.changed} changed, {imported.removed} removed",
        )
