"""Whom an inbox calls when somebody waits: the ladder, and the hours in which there is anybody to call."""

import logging
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from besedka.conversations import waits
from besedka.conversations.waits import Step
from besedka.desk import hours
from besedka.desk.hours import Hours, HoursInvalid
from besedka.desk.models import Routing

logger = logging.getLogger(__name__)

LOOKED_AT = 2_000  # of those who wait longest: some may wait for a step that never comes
FREE, EVERYONE, SUPERVISORS, NOBODY = 1, 2, 3, 4  # who has been called


def of_inbox(inbox_id: int) -> Routing:
    """The routing of an inbox; the usual one where nobody has set it."""
    return Routing.objects.filter(inbox_id=inbox_id).first() or Routing(inbox_id=inbox_id)


def zone_of(inbox_id: int) -> ZoneInfo:
    """The time zone in which the people of this inbox work."""
    return ZoneInfo(hours_of(of_inbox(inbox_id)).zone)


def hours_of(routing: Routing) -> Hours:
    """Its business hours. Ones that cannot be read are none: then it is always open."""
    try:
        return hours.read(routing.time_zone, routing.week, routing.exceptions)
    except HoursInvalid:
        logger.warning("inbox %d: its hours cannot be read; it counts as open", routing.inbox_id)
        return Hours()


def stage(routing: Routing, waiting_s: float, *, is_open: bool) -> int:
    """How far the ladder calls for somebody who waits so long. Out of hours there is nobody to call."""
    if not is_open:
        return NOBODY
    if 0 < routing.bot_s <= waiting_s:
        return NOBODY
    if 0 < routing.supervisors_s <= waiting_s:
        return SUPERVISORS
    return EVERYONE if 0 < routing.everyone_s <= waiting_s else FREE


@transaction.atomic(savepoint=False)
def climb_many(limits: Sequence[int], *, now: datetime | None = None) -> list[int]:
    """Everybody is called whose turn it is by now, for those who wait longest; for how many somebody new was.

    Where nobody came in time, the contact is told so and asked for an address, and the bot answers again.
    """
    now = now or timezone.now()
    counts = []
    for limit in limits:
        steps: list[Step] = []
        waiting = waits.longest(LOOKED_AT, below=NOBODY)
        routings = {
            one.inbox_id: one for one in Routing.objects.filter(inbox_id__in={w.inbox_id for w in waiting})
        }
        opening: dict[int, tuple[bool, datetime | None]] = {}
        for wait in waiting:
            routing = routings.setdefault(wait.inbox_id, Routing(inbox_id=wait.inbox_id))
            if wait.inbox_id not in opening:
                opening[wait.inbox_id] = _opening(hours_of(routing), now)
            is_open, opens_at = opening[wait.inbox_id]
            reached = stage(routing, (now - wait.since).total_seconds(), is_open=is_open)
            if reached > wait.stage and len(steps) < limit:
                steps.append(Step(wait.conversation_id, wait.owner_version, reached, reached == NOBODY, opens_at))
        counts.append(waits.climb(steps, now))
    return counts


def _opening(open_hours: Hours, now: datetime) -> tuple[bool, datetime | None]:
    """Whether it is open, and if not, when it opens by its own clock."""
    if open_hours.is_open(now):
        return True, None
    opens_at = open_hours.next_opening(now)
    return False, opens_at.astimezone(ZoneInfo(open_hours.zone)) if opens_at else None
