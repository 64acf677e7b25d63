"""Maximum demand: the highest average power of a half hour since the last reset, in W."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from esme.metering.periods import Closed

_HALF_HOURS_PER_HOUR: Final = 2
WINDOW_OPENS: Final = 1
"""Script selector that opens the window of the configurable maximum; any other closes it."""


@dataclass(slots=True)
class MaximumDemand:
    """One maximum; ``at`` is the end of its half hour, ``reset_at`` when it was last reset."""

    power_w: int = 0
    at: datetime | None = None
    reset_at: datetime | None = None

    def see(self, energy_wh: int, end: datetime) -> None:
        """A half hour is over."""
        power_w = energy_wh * _HALF_HOURS_PER_HOUR
        if power_w > self.power_w:
            self.power_w, self.at = power_w, end

    def reset(self, now: datetime) -> None:
        """Start anew."""
        self.power_w, self.at, self.reset_at = 0, None, now


@dataclass(slots=True)
class MaximumDemands:
    """The maxima of a meter; ``configurable_import`` counts in a daily window only."""

    active_import: MaximumDemand = field(default_factory=MaximumDemand)
    configurable_import: MaximumDemand = field(default_factory=MaximumDemand)
    active_export: MaximumDemand = field(default_factory=MaximumDemand)

    def see(self, closed: Closed, *, in_window: bool) -> None:
        """A half hour is over, by whose end ``closed.end`` all of it was in the window, or not."""
        self.active_import.see(closed.used.active_import_wh, closed.end)
        self.active_export.see(closed.used.active_export_wh, closed.end)
        if in_window:
            self.configurable_import.see(closed.used.active_import_wh, closed.end)


def middle_of(closed: Closed) -> datetime:
    """A moment inside a half hour that is over."""
    return closed.end - timedelta(minutes=15)
