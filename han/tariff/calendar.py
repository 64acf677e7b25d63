"""Calendars of the Calendar cluster: which day profile holds on a day, which tier at a moment.

Everything is UTC. A day without an entry before some time goes on with the last entry of the days
before. Dates may leave fields open (0xFF).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from han.commands.calendar import (
    PublishCalendar,
    PublishDayProfile,
    PublishSeasons,
    PublishSpecialDays,
    PublishWeekProfile,
)

ANY: Final = 0xFF
_FIRST_YEAR: Final = 1900
_LOOK_AROUND_DAYS: Final = 8
_LEAP_YEARS_LIE_APART: Final = 8
"""At most: 1896 to 1904, 2096 to 2104."""
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(slots=True)
class PublishedCalendar:
    """One calendar and what belongs to it, as published."""

    header: PublishCalendar | None = None
    days: dict[int, PublishDayProfile] = field(default_factory=dict)
    weeks: dict[int, PublishWeekProfile] = field(default_factory=dict)
    seasons: PublishSeasons | None = None
    special_days: PublishSpecialDays | None = None

    def begin(self, header: PublishCalendar) -> None:
        """Take the place of the calendar before; its special days stay until others come."""
        self.header, self.days, self.weeks, self.seasons = header, {}, {}, None


@dataclass(frozen=True, slots=True)
class Switch:
    """From this moment on, this tier (or state)."""

    at: datetime
    tier: int


def in_force(calendar: PublishedCalendar, now: datetime) -> Switch | None:
    """The entry that holds at a moment; None when the calendar says nothing about it."""
    for back in range(_LOOK_AROUND_DAYS):
        begun = [s for s in _switches(calendar, _day(now, -back)) if s.at <= now]
        if begun:
            return begun[-1]
    return None


def next_switch(calendar: PublishedCalendar, now: datetime) -> datetime | None:
    """When the next entry begins, whatever it says; None when none does within a week."""
    for ahead in range(_LOOK_AROUND_DAYS):
        to_come = [s.at for s in _switches(calendar, _day(now, ahead)) if s.at > now]
        if to_come:
            return to_come[0]
    return None


def _day(now: datetime, offset: int) -> date:
    return now.date() + timedelta(days=offset)


def _switches(calendar: PublishedCalendar, day: date) -> Iterator[Switch]:
    """The entries of a day, in order."""
    special = _special(calendar, day)
    number = _ordinary(calendar, day) if special is None else special
    profile = None if number is None else calendar.days.get(number)
    for entry in sorted(profile.entries, key=lambda e: e.start_min) if profile else ():
        midnight = datetime.combine(day, time(), UTC)
        yield Switch(midnight + timedelta(minutes=entry.start_min), entry.tier)


def _special(calendar: PublishedCalendar, day: date) -> int | None:
    published = calendar.special_days
    found = (one.day_id for one in (published.days if published else ()) if matches(one.date, day))
    return next(found, None)


def _ordinary(calendar: PublishedCalendar, day: date) -> int | None:
    """The day profile of the weekday, in the season that began last."""
    published = calendar.seasons
    starts = [
        (start, season.week_id)
        for season in (published.seasons if published else ())
        if (start := latest(season.start_date, day)) is not None
    ]
    if not starts:
        return None
    week = calendar.weeks.get(max(starts, key=lambda one: one[0])[1])
    number: int | None = None if week is None else getattr(week, _WEEKDAYS[day.weekday()])
    return number


def matches(zcl_date: int, day: date) -> bool:
    """Whether a ZCL date (year from 1900, month, day, weekday) means this day."""
    year, month, day_of_month, weekday = zcl_date.to_bytes(4, "little")
    return (
        year in (ANY, day.year - _FIRST_YEAR)
        and month in (ANY, day.month)
        and day_of_month in (ANY, day.day)
        and weekday in (ANY, day.isoweekday())
    )


def latest(zcl_date: int, day: date) -> date | None:
    """The last day at or before ``day`` that a ZCL date means; None when there is none."""
    year, month, day_of_month, _ = zcl_date.to_bytes(4, "little")
    years = range(day.year, day.year - _LEAP_YEARS_LIE_APART - 1, -1)
    for candidate in years if year == ANY else (year + _FIRST_YEAR,):
        try:
            start = date(candidate, _or_first(month), _or_first(day_of_month))
        except ValueError:
            continue
        if start <= day:
            return start
    return None


def _or_first(number: int) -> int:
    return 1 if number == ANY else number
