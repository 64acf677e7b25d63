"""Single-action schedules (class 22): at these times on these days something is done.

The billing calendar and the resets of the block counters are such schedules.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Final

from device.cosem.settings import Settings
from device.cosem.shape import plain
from device.cosem.table import Place
from esme.tariff.calendar import DatePattern, time_of_day
from gbcs.dlms.data import Data
from han.deadlines import earliest

_LOOK_BACK_DAYS: Final = 366
_LOOK_AHEAD_DAYS: Final = 366 * 4 + 1
"""A 29 February is at most so far away."""


class Execution:
    """The executions of one schedule; the next one is looked up once and then remembered."""

    def __init__(self, settings: Settings, place: Place) -> None:
        self._settings = settings
        self._place = place
        self._known: tuple[Data | None, datetime, datetime | None] | None = None

    def next_after(self, own: datetime) -> datetime | None:
        """The first execution after a time; None when there is none."""
        schedule = self._settings.find(self._place)
        if self._known is not None:
            known_schedule, asked_at, found = self._known
            still_ahead = asked_at <= own and (found is None or own < found)
            if known_schedule is schedule and still_ahead:
                return found
        found = earliest(_next(entry, own) for entry in _entries(schedule))
        self._known = (schedule, own, found)
        return found

    def last_before(self, own: datetime) -> datetime | None:
        """The last execution at or before a time; None when there was none in the year before."""
        found = (_last(entry, own) for entry in _entries(self._settings.find(self._place)))
        return max((each for each in found if each is not None), default=None)


def _entries(schedule: Data | None) -> Iterator[tuple[time, DatePattern]]:
    rows: object = None if schedule is None else plain(schedule)
    for row in rows if isinstance(rows, tuple) else ():
        match row:
            case (bytes(octets), bytes(day)):
                at = time_of_day(octets)
                if at is not None:
                    yield at, DatePattern.from_bytes(day)


def _next(entry: tuple[time, DatePattern], own: datetime) -> datetime | None:
    at, pattern = entry
    for ahead in range(_LOOK_AHEAD_DAYS):
        day = own.date() + timedelta(days=ahead)
        due = datetime.combine(day, at, own.tzinfo)
        if due > own and pattern.matches(day):
            return due
    return None


def _last(entry: tuple[time, DatePattern], own: datetime) -> datetime | None:
    at, pattern = entry
    for back in range(_LOOK_BACK_DAYS + 1):
        day = own.date() - timedelta(days=back)
        due = datetime.combine(day, at, own.tzinfo)
        if due <= own and pattern.matches(day):
            return due
    return None
