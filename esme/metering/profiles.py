"""What the meter keeps of its registers: half-hour profiles, daily reads and daily consumption."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from esme.metering.energy import Readings
from esme.metering.log import Log
from esme.metering.periods import Closed, Periods
from esme.own_time import DAY, HALF_HOUR

IMPORT_HALF_HOURS: Final = 19_056
"""Thirteen months of active import (SMETS profile data log)."""
OTHER_HALF_HOURS: Final = 4_464
"""Three months of export and of reactive import."""
DAILY_READS: Final = 31
DAILY_CONSUMPTIONS: Final = 731


@dataclass(slots=True)
class HalfHours:
    """Profile data logs; every entry carries the END of its half hour."""

    active_import: Log[tuple[int, int]] = field(
        default_factory=lambda: Log(IMPORT_HALF_HOURS, unique=True)
    )
    """Wh on the primary element, Wh on the secondary."""
    export: Log[tuple[int, int]] = field(default_factory=lambda: Log(OTHER_HALF_HOURS, unique=True))
    """Wh active, varh reactive."""
    reactive_import: Log[int] = field(default_factory=lambda: Log(OTHER_HALF_HOURS, unique=True))
    """varh."""
    periods: Periods = field(default_factory=lambda: Periods(HALF_HOUR))

    def close(self, readings: Readings) -> Closed | None:
        """End the half hour in progress; its entry is in all three logs."""
        end = self.periods.end
        reported = end is not None and self.active_import.holds(end)
        closed = self.periods.close(readings, reported=reported)
        if closed is not None:
            used = closed.used
            self.active_import.append(closed.end, (used.active_import_wh, used.secondary_import_wh))
            self.export.append(closed.end, (used.active_export_wh, used.reactive_export_varh))
            self.reactive_import.append(closed.end, used.reactive_import_varh)
        return closed


@dataclass(slots=True)
class Days:
    """Daily consumption, Wh on both elements, under the midnight that ends the day."""

    consumption: Log[int] = field(default_factory=lambda: Log(DAILY_CONSUMPTIONS, unique=True))
    periods: Periods = field(default_factory=lambda: Periods(DAY))

    def close(self, readings: Readings) -> Closed | None:
        """End the day in progress."""
        end = self.periods.end
        reported = end is not None and self.consumption.holds(end)
        closed = self.periods.close(readings, reported=reported)
        if closed is not None:
            used = closed.used
            self.consumption.append(closed.end, used.active_import_wh + used.secondary_import_wh)
        return closed


def resume(kept: HalfHours | Days, own: datetime, readings: Readings) -> Closed | None:
    """Power is back: close the period the outage began in, if over. Dark ones leave no entry."""
    periods = kept.periods
    if periods.end is None or own < periods.end:
        return None
    closed = kept.close(readings)
    periods.enter(own)
    return closed
