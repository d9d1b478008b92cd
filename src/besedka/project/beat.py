"""The clock of a scaled installation: any number of processes may run it, and one of them at a time ticks."""

import contextlib
import logging
from pathlib import Path
from typing import Any

from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from django.conf import settings
from django.db import Error, connection

from besedka.conversations import posts
from besedka.conversations.posts import Held, Wish
from besedka.project import housekeeping, working

logger = logging.getLogger(__name__)

POST = "beat"
HELD_S = 10  # until a leader that says nothing has lost the post
LOOK_S = 3.0  # seconds between two looks at who leads


class OneLeader(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Sends what its schedule says while it holds the post; while the broker is away, it does it itself."""

    def setup_schedule(self) -> None:
        """The schedule is of the program, and of nobody's file."""
        self.update_from_dict(self.app.conf.beat_schedule)
        self._mine = Held(POST, posts.new_holder())
        self._looked_at = float("-inf")
        self._leads = False

    def tick(self, *arguments: Any, **named: Any) -> float:
        """Send what is due, if we lead; the seconds until the next tick."""
        now = self.app.now().timestamp()
        if now - self._looked_at >= LOOK_S or now < self._looked_at:
            self._looked_at = now
            self._look()
            if settings.BEAT_FILE:
                with contextlib.suppress(OSError):  # a full disk stops no clock
                    Path(settings.BEAT_FILE).touch()
        if not self._leads:
            return LOOK_S
        return min(float(super().tick(*arguments, **named)), LOOK_S)

    def apply_async(self, entry: ScheduleEntry, *arguments: Any, **named: Any) -> Any:
        """Send one task, or do its work."""
        try:
            return super().apply_async(entry, *arguments, **named)
        except SchedulingError as error:
            logger.warning("the broker is away, %s is done here: %s", entry.name, error)
            working.begin(housekeeping.JOBS[entry.name])
            return None

    def close(self) -> None:
        """The post is free for the next one."""
        super().close()
        if self._leads:
            posts.leave_many([self._mine])

    def _look(self) -> None:
        try:
            leads = posts.hold_many([Wish(self._mine.name, self._mine.holder, HELD_S)]) == [True]
        except Error as error:  # not only DatabaseError: a broken connection is an InterfaceError
            logger.warning("no database: %s", error)
            connection.close()
            leads = False
        if leads != self._leads:
            logger.info("this process %s", "leads" if leads else "waits for the post")
        self._leads = leads
