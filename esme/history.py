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


def consumption_wh(
    kept: Kept, shown_since: datetime | None, now: datetime, days: tuple[date, date]
) -> int:
    """Consumption from the first day to before the last; today's so far is included."""
    first, last = days
    begins = datetime.combine(first, time.min, now.tzinfo)
    ends = datetime.combine(last, time.min, now.tzinfo)
    if shown_since is not None and begins < shown_since:
        return 0
    whole_days = kept.measurements.days.consumption.between(begins + DAY, ends)
    total = sum(wh for _, wh in whole_days)
    return total + today_wh(kept) if begins <= now < ends else total
