"""Days, weeks and months as displays count them: UTC on the device's clock, weeks from Monday."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)


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


def midnight(day: date, zone: tzinfo | None) -> datetime:
    """The moment at which a day begins."""
    return datetime.combine(day, time.min, zone)
