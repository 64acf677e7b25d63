"""What happens in a GPF and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from device.events import Event
from gpf.tap_off import TapFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class TenancyChanged(Event):
    """A change of tenancy was accepted, for the time ``at``; None when one was cancelled."""

    at: datetime | None
    control: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TapOffFailed(Event):
    """A buffered command could not be applied (alert 0x819E)."""

    failure: TapFailure
