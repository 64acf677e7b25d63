"""The meter's own clock between two changes of it: a straight line on the timeline.

The metrology keeps such a line of its own, so that what happened before a clock was set is still
accounted by the clock that was showing then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from gbcs.stamp import Reliability

HALF_HOUR: Final = timedelta(minutes=30)
DAY: Final = timedelta(days=1)
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class OwnTime:
    """At true time ``true`` the meter's clock shows ``own``; it gains ``drift_ppm`` from there."""

    true: datetime
    own: datetime
    status: Reliability = Reliability.RELIABLE
    drift_ppm: float = 0.0

    @property
    def valid(self) -> bool:
        """Whether the meter has any time at all; an unreliable clock is still a clock."""
        return self.status is not Reliability.INVALID

    def at(self, true: datetime) -> datetime:
        """What the clock shows at a true moment."""
        passed = true - self.true
        if not self.drift_ppm:
            return self.own + passed
        return _snapped(self.own + passed + passed * self.drift_ppm / _MILLION)

    def true_of(self, own: datetime) -> datetime:
        """True moment at which the clock shows this time."""
        if not self.drift_ppm:
            return self.true + (own - self.own)
        return self.true + (own - self.own) / (1 + self.drift_ppm / _MILLION)


def start_of(own: datetime, length: timedelta) -> datetime:
    """Start of the half hour, or of the day, that this time lies in; UTC."""
    return own - (own - datetime.combine(own.date(), time.min, own.tzinfo)) % length


def next_from(own: datetime, length: timedelta) -> datetime:
    """The given time when a half hour (or day) begins at it, else the next beginning."""
    start = start_of(own, length)
    return own if start == own else start + length


def _snapped(own: datetime) -> datetime:
    """To the nearest ten microseconds, so that rounding cannot put a boundary just out of reach."""
    return own + timedelta(microseconds=(own.microsecond + 5) // 10 * 10 - own.microsecond)
