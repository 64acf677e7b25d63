"""Ticks that people like to read: round volts and kWh, whole hours and days."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

from esme.own_time import start_of

_STEPS: Final = (
    *(timedelta(minutes=minutes) for minutes in (10, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12)),
)
_DAY: Final = timedelta(days=1)


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most so many round numbers from ``low`` to ``high``."""
    rough = (high - low) / most or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10, 20) if factor * power >= rough)
    first = math.ceil(low / step)
    return [round(n * step, 6) for n in range(first, math.floor(high / step) + 1)]


def time_ticks(start: datetime, end: datetime, most: int) -> list[datetime]:
    """At most so many times between two, on round parts of the day, or whole days."""
    rough = (end - start) / most
    step = next((step for step in _STEPS if step >= rough), math.ceil(rough / _DAY) * _DAY)
    if step <= timedelta(0):
        return [start]
    at = start_of(start, min(step, _DAY))
    found = []
    while at <= end:
        if at >= start:
            found.append(at)
        at += step
    return found


def time_label(at: datetime, *, days_only: bool) -> str:
    """How a tick is written: midnight has its date."""
    if days_only or (at.hour, at.minute) == (0, 0):
        return f"{at:%a} {at.day} {at:%b}"
    return f"{at:%H:%M}"
