"""Billing periods as PublishBillingPeriod and PublishBlockPeriod say them."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta
from typing import Final

from gbcs.zcl.types import zcl_moment
from han.commands.price import PublishBillingPeriod

_MINUTES, _DAYS, _WEEKS, _MONTHS = range(4)
_TIME_BASE: Final = 0x0F
_STEPS: Final = {
    _MINUTES: timedelta(minutes=1),
    _DAYS: timedelta(days=1),
    _WEEKS: timedelta(weeks=1),
}
_MONTHS_PER_YEAR: Final = 12


def next_boundary(period: PublishBillingPeriod, after: datetime) -> datetime | None:
    """The first boundary later than a moment; the first of all is the start of the period.

    None when the period says no length.
    """
    start, base = zcl_moment(period.start_time), period.duration_type & _TIME_BASE
    if after < start:
        return start
    if period.duration < 1 or base > _MONTHS:
        return None
    if base == _MONTHS:
        passed = (after.year - start.year) * _MONTHS_PER_YEAR + after.month - start.month
        number = max(passed // period.duration, 0)
        while (end := _months_later(start, number * period.duration)) <= after:
            number += 1
        return end
    length = period.duration * _STEPS[base]
    return start + ((after - start) // length + 1) * length


def _months_later(start: datetime, months: int) -> datetime:
    """The same day of a later month, or its last day where that month is shorter."""
    years, month = divmod(start.month - 1 + months, _MONTHS_PER_YEAR)
    year, month = start.year + years, month + 1
    day = min(start.day, monthrange(year, month)[1])
    return start.replace(year=year, month=month, day=day)
