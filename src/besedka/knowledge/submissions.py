"""Files that are handed in to become sources: taken or refused at once, and looked at until they have ended."""

import time
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from besedka.accounts.models import User
from besedka.conversations import signals
from besedka.knowledge import imports
from besedka.knowledge.formats import apart
from besedka.knowledge.imports import TitleTaken
from besedka.knowledge.leases import UNDER_WAY, GivenUp
from besedka.knowledge.models import Import, ImportPart
from besedka.problems import NotFound, Problem

SIGNAL = "imports"  # the kind that says that an import waits for somebody to begin it
PART = 1024 * 1024  # bytes of a file in one statement: MariaDB takes 16 MB, and doubles what it escapes
MAX_UNDER_WAY = 100  # imports: 2 GB of files in the database
LOOK_S = 0.05  # between two looks whether an import has ended


class TooManyImports(Problem):
    """So many files wait to be imported that no other is taken; come again when some have ended."""

    code = "knowledge_too_many_imports"
    status = 429


_PROBLEMS: dict[str, type[Problem]] = {**apart.PROBLEMS, TitleTaken.code: TitleTaken, GivenUp.code: GivenUp}


def submit(
    content: bytes, *, name: str, title: str, url: str | None = None, asked_by: int | None, now: datetime
) -> int:
    """The file is kept, and will become the source of this title whatever dies; the id of the import.

    To be called outside of transactions: who is woken looks at once. Raises what can be told of a file without
    reading it: `TitleUnfit`, `LinkUnfit`, `FileTooLarge`, `FormatUnknown`, `TooManyImports`.
    """
    title = imports.fit(title, url)
    imports.recognise(name, content)
    if Import.objects.filter(state__in=UNDER_WAY).count() >= MAX_UNDER_WAY:
        raise TooManyImports(retry_after=60)
    with transaction.atomic(durable=True):
        asked = Import.objects.create(
            asked_by_id=asked_by, name=name[:255], title=title, url=url, size=len(content), created_at=now
        )
        for number, start in enumerate(range(0, len(content), PART)):
            ImportPart.objects.create(of=asked, number=number, content=content[start : start + PART])
    signals.send_many({SIGNAL: [asked.pk]})
    return asked.pk


def seen_by(user: User) -> Q:
    """The imports that this person may see: who sees sources sees all, who may add some sees their own."""
    if user.has_perm("knowledge.view_source"):
        return Q()
    return Q(asked_by=user.pk) if user.has_perm("knowledge.add_source") else Q(pk__in=[])


def look(import_id: int, user: User) -> Import:
    """How this import is. Raises `NotFound` where there is none that the person may see."""
    found = Import.objects.filter(seen_by(user), pk=import_id).first()
    if found is None:
        raise NotFound
    return found


def until_ended(import_id: int, *, within_s: float) -> Import:
    """How the import is when it has ended, or after `within_s` seconds."""
    until = time.monotonic() + within_s
    ended = Import.objects.filter(pk=import_id).exclude(state__in=UNDER_WAY)
    while not ended.exists() and time.monotonic() < until:
        time.sleep(LOOK_S)
    return Import.objects.get(pk=import_id)


def problem_of(failed: Import) -> Problem:
    """The problem that this import ended with, as it was raised."""
    told = failed.problem
    return _PROBLEMS[told["code"]](told["detail"], **told["details"])
