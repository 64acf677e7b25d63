"""Consumption by day, week and month, as displays show it: sums of the daily consumption log.

Weeks begin on Monday, days and months are UTC on the meter's clock. Periods that began before a
change of tenancy are nobody's business in the house any more: they read zero.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from esme.kept import Kept

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def day_start(today: date, back: int) -> date:
    """First day of the day ``back`` days ago."""
    return today - back * DAY


def week_start(today: date, back: int) -> date:
    """Monday of this week, or of one ``back`` weeks ago."""
    return today - today.weekday() * DAY - back * WEEK


def month_start(today: date, back: int) -> date:
    """First of this month, or of one ``back`` months ago."""
    months = today.year * 12 + today.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def today_wh(kept: Kept) -> int:
    """Consumption since midnight, both elements, Wh."""
    used = kept.measurements.energy.readings().since(kept.measurements.days.periods.counted)
    return used.active_import_wh + used.secondary_import_wh


def consumption_wh(kept: Kept, now: datetime, first: date, last: date) -> int:
    """Consumption of the days from ``first`` to before ``last``; today's so far is included."""
    begins = datetime.combine(first, time.min, now.tzinfo)
    ends = datetime.combine(last, time.min, now.tzinfo)
    if _is_hidden(kept, begins):
        return 0
    days = kept.measurements.days.consumption.between(begins + DAY, ends)
    total = sum(wh for _, wh in days)
    return total + today_wh(kept) if begins <= now < ends else total


def _is_hidden(kept: Kept, begins: datetime) -> bool:
    changed = kept.tenancy_changed_at
    return changed is not None and begins < changed
