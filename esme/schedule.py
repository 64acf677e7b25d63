"""COSEM schedules (class 10): which script ran last, by weekdays, special days and seasons.

Used by the window of the configurable maximum demand and by the non-disablement calendar.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from device.cosem.shape import Plain
from esme.tariff.calendar import DatePattern
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
        """Whether it runs on a day; ``special`` is the place of a special day from 0, or None."""
        if not _is_within(day, self.begin, self.end):
            return False
        if special is None:
            return self.weekdays[day.weekday()] == "1"
        return self.special_days[special : special + 1] == "1"


def last_selector(schedule: Plain, special_days: Plain, own: datetime) -> int | None:
    """The script that ran last, within a week; None when none did."""
    actions = list(_actions(schedule))
    specials = list(_special_days(special_days))
    for back in range(_WEEK + 1):
        day = own.date() - timedelta(days=back)
        special = _place_of(day, specials)
        ran = [
            (action.at, action.selector)
            for action in actions
            if action.runs_on(day, special) and (back or action.at <= own.time())
        ]
        if ran:
            return max(ran)[1]
    return None


def _actions(schedule: Plain) -> Iterator[Action]:
    for row in schedule if isinstance(schedule, tuple) else ():
        match row:
            case (_, True, _, int(selector), bytes(at), _, Bits() as weekdays, Bits() as specials,
                  bytes(begin), bytes(end)):  # fmt: skip
                starts = time(at[0] % 24, at[1] % 60, at[2] % 60)
                yield Action(starts, selector, str(weekdays), str(specials), begin, end)


def _special_days(special_days: Plain) -> Iterator[DatePattern]:
    for row in special_days if isinstance(special_days, tuple) else ():
        match row:
            case (_, bytes(pattern), _):
                yield DatePattern.from_bytes(pattern)


def _place_of(day: date, specials: Sequence[DatePattern]) -> int | None:
    return next((n for n, pattern in enumerate(specials) if pattern.matches(day)), None)


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
