"""The switching table: seasons, weeks, days and special days; which script runs when.

Times are UTC on the meter's clock. A day without an action before some time goes on with the last
script of the day before.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final

from device.cosem.shape import Plain

_WILD_YEAR: Final = 0xFFFF
_WILD: Final = 0xFF
_LAST, _SECOND_LAST = 0xFE, 0xFD
_WEEK: Final = 7
_LEAP_YEARS_LIE_APART: Final = 8
"""At most: 1896 to 1904, 2096 to 2104."""
_LOOK_BACK_DAYS: Final = 8
"""A week holds every day profile there is; before it there was no switch."""


@dataclass(frozen=True, slots=True)
class Switch:
    """At this time of day this script starts."""

    at: time
    script: int


@dataclass(frozen=True, slots=True)
class DatePattern:
    """A COSEM date; a field of FF (FFFF for the year) matches anything.

    A day of FE is the last one of the month, FD the one before; with a weekday, the last and the
    last but one of these weekdays.
    """

    year: int
    month: int
    day: int
    weekday: int = _WILD

    @classmethod
    def from_bytes(cls, octets: bytes) -> DatePattern:
        """Read the first five octets of a COSEM date or date-time."""
        return cls(int.from_bytes(octets[:2], "big"), octets[2], octets[3], octets[4])

    def matches(self, day: date) -> bool:
        """Whether a day is meant."""
        return (
            self.year in (_WILD_YEAR, day.year)
            and self.month in (_WILD, day.month)
            and self.weekday in (_WILD, day.isoweekday())
            and self._is_day(day)
        )

    def latest_start(self, day: date) -> date | None:
        """The last first-of-season at or before a day: this year's, or an earlier one."""
        years = range(day.year, day.year - _LEAP_YEARS_LIE_APART - 1, -1)
        for year in years if self.year == _WILD_YEAR else (self.year,):
            start = self._start_in(year)
            if start is not None and start <= day:
                return start
        return None

    def _is_day(self, day: date) -> bool:
        if self.day not in (_LAST, _SECOND_LAST):
            return self.day in (_WILD, day.day)
        left = monthrange(day.year, day.month)[1] - day.day
        return left // (1 if self.weekday == _WILD else _WEEK) == _LAST - self.day

    def _start_in(self, year: int) -> date | None:
        """The day meant in a year; where the date is open, the first one."""
        month = 1 if self.month == _WILD else self.month
        try:
            if self.day not in (_LAST, _SECOND_LAST):
                return date(year, month, 1 if self.day == _WILD else self.day)
            first = date(year, month, 1)
        except ValueError:
            return None
        days = (first + timedelta(days=n) for n in range(monthrange(year, month)[1]))
        return next(filter(self.matches, days), None)


@dataclass(frozen=True, slots=True)
class Season:
    """From its start (every year, if the year is wild) this week applies."""

    start: DatePattern
    week: bytes


@dataclass(frozen=True, slots=True)
class Calendar:
    """One switching table."""

    seasons: Sequence[Season] = ()
    weeks: Mapping[bytes, Sequence[int]] = field(default_factory=dict)
    days: Mapping[int, Sequence[Switch]] = field(default_factory=dict)
    special_days: Sequence[tuple[DatePattern, int]] = ()

    def script_at(self, own: datetime) -> int | None:
        """The script that runs at a time; None when the table says nothing."""
        latest = None
        for back in range(_LOOK_BACK_DAYS):
            day = own.date() - timedelta(days=back)
            for switch in self._switches(day):
                if back or switch.at <= own.time():
                    latest = switch.script
            if latest is not None:
                return latest
        return None

    def next_switch(self, own: datetime) -> datetime | None:
        """The first time after this one at which a script starts, within a week."""
        for ahead in range(_LOOK_BACK_DAYS):
            day = own.date() + timedelta(days=ahead)
            for switch in self._switches(day):
                start = datetime.combine(day, switch.at, own.tzinfo)
                if start > own:
                    return start
        return None

    def last_switch(self, own: datetime) -> datetime | None:
        """The last time up to this one at which a script started, within a week."""
        for back in range(_LOOK_BACK_DAYS):
            day = own.date() - timedelta(days=back)
            for switch in reversed(self._switches(day)):
                start = datetime.combine(day, switch.at, own.tzinfo)
                if start <= own:
                    return start
        return None

    def _switches(self, day: date) -> Sequence[Switch]:
        number = self._day_number(day)
        return () if number is None else self.days.get(number, ())

    def _day_number(self, day: date) -> int | None:
        for pattern, number in self.special_days:
            if pattern.matches(day):
                return number
        week = self.weeks.get(self._week(day))
        return week[day.weekday()] if week else None

    def _week(self, day: date) -> bytes:
        starts = [(season.start.latest_start(day), season.week) for season in self.seasons]
        begun = [(start, week) for start, week in starts if start is not None]
        return max(begun, default=(day, b""), key=lambda each: each[0])[1]


def time_of_day(octets: bytes) -> time | None:
    """A COSEM time, what is open in it being zero; None when it is none."""
    hour, minute, second = (0 if field == _WILD else field for field in octets[:3])
    try:
        return time(hour, minute, second)
    except ValueError:
        return None


def read_calendar(
    seasons: Plain,
    weeks: Plain,
    days: Plain,
    special_days: Plain,
    *,
    selects: Callable[[int], bool] = bool,
) -> Calendar:
    """A switching table from the plain values of its COSEM attributes; odd rows are left out.

    So are switches to a script that ``selects`` nothing.
    """
    return Calendar(
        seasons=list(_seasons(seasons)),
        weeks=dict(_weeks(weeks)),
        days=dict(_days(days, selects)),
        special_days=list(_special_days(special_days)),
    )


def _rows(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()


def _seasons(value: object) -> Iterator[Season]:
    for row in _rows(value):
        match row:
            case (_, bytes(start), bytes(week)):
                yield Season(DatePattern.from_bytes(start), week)


def _weeks(value: object) -> Iterator[tuple[bytes, tuple[int, ...]]]:
    for row in _rows(value):
        match row:
            case (bytes(name), *days):
                yield name, tuple(day for day in days if isinstance(day, int))


def _days(value: object, selects: Callable[[int], bool]) -> Iterator[tuple[int, list[Switch]]]:
    for row in _rows(value):
        match row:
            case (int(number), actions):
                known = (switch for switch in _switches(actions) if selects(switch.script))
                yield number, sorted(known, key=lambda switch: switch.at)


def _special_days(value: object) -> Iterator[tuple[DatePattern, int]]:
    for row in _rows(value):
        match row:
            case (_, bytes(pattern), int(number)):
                yield DatePattern.from_bytes(pattern), number


def _switches(value: object) -> Iterator[Switch]:
    for row in _rows(value):
        match row:
            case (bytes(octets), _, int(script)):
                at = time_of_day(octets)
                if at is not None:
                    yield Switch(at, script)
