"""Consumption by day, week and month, as displays show it: sums of the daily consumption log.

Periods that were over before a change of tenancy are nobody's business in the house any more: they
read zero. One that is not over counts from the change.
"""

from __future__ import annotations

from datetime import date, datetime

from device.periods import DAY, midnight
from esme.kept import Kept
from esme.own_time import HALF_HOUR, start_of


def today_wh(kept: Kept) -> int:
    """Consumption since midnight, both elements, Wh."""
    used = kept.measurements.energy.readings().since(kept.measurements.days.periods.counted)
    return used.active_import_wh + used.secondary_import_wh


def consumption_wh(
    kept: Kept, shown_since: datetime | None, now: datetime, days: tuple[date, date]
) -> int:
    """Consumption from the first day to before the last; today's so far is included.

    A period that began before ``shown_since`` counts from there if it lasts still, else nothing.
    """
    first, last = days
    begins = midnight(first, now.tzinfo)
    ends = midnight(last, now.tzinfo)
    if shown_since is not None and begins < shown_since:
        return _since(kept, shown_since, now) if begins <= now < ends else 0
    whole_days = kept.measurements.days.consumption.between(begins + DAY, ends)
    total = sum(wh for _, wh in whole_days)
    return total + today_wh(kept) if begins <= now < ends else total


def _since(kept: Kept, moment: datetime, now: datetime) -> int:
    """Consumption by the half hours that began at a moment or later, and in the one that runs."""
    half_hours = kept.measurements.half_hours
    over = half_hours.active_import.between(moment + HALF_HOUR, None)
    total = sum(first + second for _, (first, second) in over)
    if start_of(now, HALF_HOUR) < moment:
        return total
    running = kept.measurements.energy.readings().since(half_hours.periods.counted)
    return total + running.active_import_wh + running.secondary_import_wh
