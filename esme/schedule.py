"""COSEM schedules (class 10): which script ran last, by weekdays, special days and seasons.

Used by the window of the configurable maximum demand, by the non-disablement calendar and by the
calendar of the auxiliary controllers. Bit n of an entry's special days, from 1, is the day_id of
the special days table (class 11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from device.cosem.shape import Plain
from esme.tariff.calendar import DatePattern, time_of_day
from gbcs.dlms.data import Bits

_WEEK: Final = 7
_WILD_YEAR: Final = 0xFFFF
_WILD: Final = 0xFF


@dataclass(frozen=True, slots=True)
class Action:
    """At this time of day, on these days, from one date to another, this script runs."""

    at: time
    selector: int
    weekdays: str
    special_days: str
    begin: bytes
    end: bytes

    def runs_on(self, day: date, special: int | None) -> bool:
        """Whether it runs on a day; ``special`` is the day_id of a special day, from 1, or None."""
        if not _is_within(day, self.begin, self.end):
            return False
        if special is None:
            return self.weekdays[day.weekday()] == "1"
        return special > 0 and self.special_days[special - 1 : special] == "1"


def _any(_: int) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Schedule:
    """The actions of one schedule, and its special days by day_id."""

    actions: tuple[Action, ...] = ()
    special_days: tuple[tuple[DatePattern, int], ...] = ()

    @classmethod
    def read(cls, schedule: Plain, special_days: Plain) -> Schedule:
        """Read both tables; an entry that is not enabled is none."""
        return cls(tuple(_actions(schedule)), tuple(_special_days(special_days)))

    def last(self, own: datetime, wanted: Callable[[int], bool] = _any) -> int | None:
        """The wanted script that ran last, within a week; None when none did."""
        for back in range(_WEEK + 1):
            day = own.date() - timedelta(days=back)
            ran = [
                (action.at, action.selector)
                for action in self._on(day)
                if wanted(action.selector) and (back or action.at <= own.time())
            ]
            if ran:
                return max(ran)[1]
        return None

    def next_after(self, own: datetime) -> datetime | None:
        """When a script runs next; when to look again, if none does within a week."""
        if not self.actions:
            return None
        for ahead in range(_WEEK + 1):
            day = own.date() + timedelta(days=ahead)
            due = (datetime.combine(day, action.at, own.tzinfo) for action in self._on(day))
            found = min((moment for moment in due if moment > own), default=None)
            if found is not None:
                return found
        return datetime.combine(own.date() + timedelta(days=_WEEK + 1), time(), own.tzinfo)

    def _on(self, day: date) -> list[Action]:
        special = next((n for pattern, n in self.special_days if pattern.matches(day)), None)
        return [action for action in self.actions if action.runs_on(day, special)]


def last_selector(schedule: Plain, special_days: Plain, own: datetime) -> int | None:
    """The script that ran last, within a week; None when none did."""
    return Schedule.read(schedule, special_days).last(own)


def _actions(schedule: Plain) -> Iterator[Action]:
    for row in schedule if isinstance(schedule, tuple) else ():
        match row:
            case (_, True, _, int(selector), bytes(at), _, Bits() as weekdays, Bits() as specials,
                  bytes(begin), bytes(end)):  # fmt: skip
                starts = time_of_day(at)
                if starts is not None:
                    yield Action(starts, selector, str(weekdays), str(specials), begin, end)


def _special_days(special_days: Plain) -> Iterator[tuple[DatePattern, int]]:
    for row in special_days if isinstance(special_days, tuple) else ():
        match row:
            case (_, bytes(pattern), int(day_id)):
                yield DatePattern.from_bytes(pattern), day_id


def _is_within(day: date, begin: bytes, end: bytes) -> bool:
    """Whether a day lies in a season; without a year it comes every year, over New Year too."""
    first, last = _key(begin, low=True), _key(end, low=False)
    yearly = _WILD_YEAR in (int.from_bytes(begin[:2], "big"), int.from_bytes(end[:2], "big"))
    if begin[2] == end[2] == _WILD:
        return True
    if not yearly:
        return first <= (day.year, day.month, day.day) <= last
    here = (day.month, day.day)
    if first[1:] <= last[1:]:
        return first[1:] <= here <= last[1:]
    return here >= first[1:] or here <= last[1:]


def _key(octets: bytes, *, low: bool) -> tuple[int, int, int]:
    year, month, day = int.from_bytes(octets[:2], "big"), octets[2], octets[3]
    if low:
        return year, 1 if month == _WILD else month, 1 if day == _WILD else day
    return year, month, day
