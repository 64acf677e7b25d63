"""The registers cut into half hours, or days, of the meter's own clock.

Energy is never lost and never counted twice while the meter has a time: what a period cannot
report (its boundary was skipped by a step, or its end was reported before the clock was put back)
is in the next entry. So the entries always add up to what the register moved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from esme.metering.energy import Readings
from esme.own_time import start_of


@dataclass(frozen=True, slots=True)
class Closed:
    """A period that is over: its end by the meter's clock, what it used, the registers then."""

    end: datetime
    used: Readings
    readings: Readings


@dataclass(slots=True)
class Periods:
    """Equal periods from midnight UTC; ``end`` of the one in progress is None without a time."""

    length: timedelta
    end: datetime | None = None
    powered: bool = False
    """Whether the meter has had power in the period in progress."""
    counted: Readings = field(default_factory=Readings)
    """Registers up to which entries account for everything."""

    def begin(self, own: datetime, readings: Readings) -> None:
        """Start counting: the clock has just become usable."""
        self.counted, self.powered = readings, False
        self._enter(own)

    def forget(self) -> None:
        """Stop: there is no time any more."""
        self.end = None

    def measure(self) -> None:
        """Say that some of the period in progress was powered."""
        self.powered = True

    def close(self, readings: Readings, *, reported: bool) -> Closed | None:
        """The period in progress is over and the next begins.

        None when its end was ``reported`` before, or all of it was dark.
        """
        if self.end is None:
            return None
        closed = None
        if self.powered and not reported:
            closed = Closed(self.end, readings.since(self.counted), readings)
            self.counted = readings
        self.end, self.powered = self.end + self.length, False
        return closed

    def enter(self, own: datetime) -> None:
        """Be in the period of this time, without entries for boundaries in between."""
        if self.end is not None:
            self._enter(own)

    def _enter(self, own: datetime) -> None:
        self.end = start_of(own, self.length) + self.length
