"""Business hours: when somebody is there, and when next. Pure: dates in, dates out."""

import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import msgspec

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AHEAD_DAYS = 60  # how far the next opening is looked for
_SPAN = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")

Span = tuple[time, time]  # from, up to but without; 24:00 is the end of the day


class HoursInvalid(ValueError):
    """The sentence says what is wrong with which part of some business hours."""


class Hours(msgspec.Struct, frozen=True):
    """Opening hours. Without any days in `week` it is always open, but for the `exceptions`."""

    zone: str = "UTC"
    week: dict[str, tuple[Span, ...]] = {}
    exceptions: dict[date, tuple[Span, ...]] = {}

    def spans(self, day: date) -> tuple[Span, ...]:
        """When it is open on this day of its own calendar."""
        if day in self.exceptions:
            return self.exceptions[day]
        return self.week.get(DAYS[day.weekday()], ()) if self.week else (WHOLE_DAY,)

    def is_open(self, at: datetime) -> bool:
        """Whether somebody is there at this moment."""
        local = at.astimezone(ZoneInfo(self.zone))
        return any(
            _begins(local.date(), span, self.zone) <= at < _ends(local.date(), span, self.zone)
            for span in self.spans(local.date())
        )

    def next_opening(self, at: datetime) -> datetime | None:
        """The next moment from `at` on at which somebody comes, in UTC; None where nobody does for two months."""
        today = at.astimezone(ZoneInfo(self.zone)).date()
        for ahead in range(AHEAD_DAYS):
            day = today + timedelta(days=ahead)
            openings = [_begins(day, span, self.zone) for span in sorted(self.spans(day))]
            for opening in openings:
                if opening >= at:
                    return opening
        return None


WHOLE_DAY: Span = (time(0), time.max)


def read(zone: str, week: object, exceptions: object) -> Hours:
    """Hours from what an administrator wrote. Raises `HoursInvalid`, which says where."""
    if zone not in _zones():
        raise HoursInvalid(f"There is no time zone {zone!r}.")
    if not isinstance(week, Mapping) or not isinstance(exceptions, Mapping):
        raise HoursInvalid("Hours are an object of days.")
    unknown = [day for day in week if day not in DAYS]
    if unknown:
        raise HoursInvalid(f"{unknown[0]!r} is none of {', '.join(DAYS)}.")
    return Hours(
        zone,
        {day: _spans(day, spans) for day, spans in week.items()},
        {_date(day): _spans(day, spans) for day, spans in exceptions.items()},
    )


@functools.cache
def _zones() -> set[str]:
    return available_timezones()  # it walks through hundreds of files


def _spans(day: str, written: object) -> tuple[Span, ...]:
    if isinstance(written, str) or not isinstance(written, Sequence):
        raise HoursInvalid(f'{day}: a list of spans, as ["09:00-18:00"].')
    spans = tuple(sorted(_span(day, span) for span in written))
    if any(earlier[1] > later[0] for earlier, later in itertools.pairwise(spans)):
        raise HoursInvalid(f"{day}: two spans overlap.")
    return spans


def _span(day: str, written: object) -> Span:
    found = _SPAN.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise HoursInvalid(f'{day}: {written!r} is no span, as "09:00-18:00".')
    hours = [int(part) for part in found.groups()]
    try:
        begin = time(hours[0], hours[1])
        end = time.max if (hours[2], hours[3]) == (24, 0) else time(hours[2], hours[3])
    except ValueError:
        raise HoursInvalid(f"{day}: {written!r} has a time that no clock shows.") from None
    if begin >= end:
        raise HoursInvalid(f"{day}: {written!r} ends before it begins.")
    return begin, end


def _date(written: object) -> date:
    try:
        return date.fromisoformat(str(written))
    except ValueError:
        raise HoursInvalid(f"{written!r} is no date, as 2027-01-01.") from None


def _begins(day: date, span: Span, zone: str) -> datetime:
    return datetime.combine(day, span[0], ZoneInfo(zone)).astimezone(UTC)


def _ends(day: date, span: Span, zone: str) -> datetime:
    if span[1] == time.max:
        return datetime.combine(day + timedelta(days=1), time(0), ZoneInfo(zone)).astimezone(UTC)
    return datetime.combine(day, span[1], ZoneInfo(zone)).astimezone(UTC)
