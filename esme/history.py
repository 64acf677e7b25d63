"""Consumption by day, week and month, as displays show it: sums of the daily consumption log.

Periods that began before a change of tenancy are nobody's business in the house any more: they read
zero.
"""

from __future__ import annotations

from datetime import date, datetime

from device.periods import DAY, midnight
from esme.kept import Kept


def today_wh(kept: Kept) -> int:
    """Consumption since midnight, both elements, Wh."""
    used = kept.measurements.energy.readings().since(kept.measurements.days.periods.counted)
    return used.active_import_wh + used.secondary_import_wh


def consumption_wh(
    kept: Kept, shown_since: datetime | None, now: datetime, days: tuple[date, date]
) -> int:
    """Consumption from the first day to before the last; today's so far is included."""
    first, last = days
    begins = midnight(first, now.tzinfo)
    ends = midnight(last, now.tzinfo)
    if shown_since is not None and begins < shown_since:
        return 0
    whole_days = kept.measurements.days.consumption.between(begins + DAY, ends)
    total = sum(wh for _, wh in whole_days)
    return total + today_wh(kept) if begins <= now < ends else total
