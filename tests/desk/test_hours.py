from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from besedka.desk import hours
from besedka.desk.hours import Hours, HoursInvalid

SHOP = hours.read(
    "Europe/Moscow",
    {"mon": ["09:00-13:00", "14:00-18:00"], "fri": ["20:00-24:00"]},
    {"2026-11-23": [], "2026-11-25": ["10:00-12:00"]},
)


def moscow(day, clock):
    return datetime.fromisoformat(f"2026-11-{day}T{clock}").replace(tzinfo=ZoneInfo("Europe/Moscow"))


@pytest.mark.parametrize(
    ("day", "clock", "is_open"),
    [
        (16, "08:59", False),
        (16, "09:00", True),
        (16, "13:00", False),
        (16, "13:30", False),
        (16, "14:00", True),
        (16, "18:00", False),
        (17, "10:00", False),  # no Tuesday
        (20, "23:59", True),
        (21, "00:00", False),  # 24:00 is the end of the day
        (23, "10:00", False),  # a Monday that is a holiday
        (25, "11:00", True),  # a Wednesday that is not one
    ],
)
def test_it_is_open_in_its_spans_of_its_own_clock(day, clock, is_open):
    assert SHOP.is_open(moscow(day, clock)) is is_open


def test_the_next_opening_steps_over_breaks_holidays_and_weekends():
    assert SHOP.next_opening(moscow(16, "13:10")) == moscow(16, "14:00")
    assert SHOP.next_opening(moscow(21, "00:00")) == moscow(25, "10:00")


def test_without_any_days_it_is_always_open_but_for_holidays():
    always = Hours(exceptions={date(2026, 11, 23): ()})

    assert always.is_open(datetime(2026, 11, 22, 3, tzinfo=UTC))
    assert not always.is_open(datetime(2026, 11, 23, 3, tzinfo=UTC))


def test_who_is_never_there_opens_never():
    assert hours.read("UTC", {"mon": []}, {}).next_opening(datetime(2026, 11, 22, tzinfo=UTC)) is None


def test_the_clock_that_is_put_forward_and_back_loses_no_opening():
    berlin = hours.read("Europe/Berlin", {day: ["02:30-04:00"] for day in hours.DAYS}, {})

    for day in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        opening = berlin.next_opening(day)
        assert opening is not None
        assert berlin.is_open(opening + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("zone", "week", "exceptions", "part"),
    [
        ("Mars/Olympus", {}, {}, "Mars"),
        ("UTC", [], {}, "object"),
        ("UTC", {"someday": []}, {}, "someday"),
        ("UTC", {"mon": "09:00-18:00"}, {}, "mon"),
        ("UTC", {"mon": ["9-18"]}, {}, "9-18"),
        ("UTC", {"mon": ["18:00-09:00"]}, {}, "ends before"),
        ("UTC", {"mon": ["25:00-26:00"]}, {}, "clock"),
        ("UTC", {"mon": ["09:00-12:00", "11:00-13:00"]}, {}, "overlap"),
        ("UTC", {}, {"2026-02-31": []}, "2026-02-31"),
    ],
)
def test_what_is_wrong_with_hours_is_said(zone, week, exceptions, part):
    with pytest.raises(HoursInvalid, match=part):
        hours.read(zone, week, exceptions)


@given(
    st.integers(0, 2_000_000).map(lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
)
def test_at_the_next_opening_it_is_open(at):
    opening = SHOP.next_opening(at)

    assert opening is not None
    assert opening >= at
    assert SHOP.is_open(opening)
