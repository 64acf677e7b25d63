"""Excursions: the RMS voltage beyond a limit for longer than the configured duration.

Extreme over voltage, extreme under voltage, swell and sag are watched all the time, unlike the
averages, which are judged once a period. A voltage has to stay out for the whole duration to be
reported, and has to be back for the same duration to be reported back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from esme.voltage.codes import Quality

MILLIVOLTS: Final = 1_000
EXCURSIONS: Final = (Quality.EXTREME_OVER, Quality.EXTREME_UNDER, Quality.SAG, Quality.SWELL)


@dataclass(slots=True)
class ExcursionLimit:
    """Threshold (V) and duration (s) of one kind of excursion, the same for every phase."""

    threshold_v: int = 0
    duration_s: int = 0

    @property
    def watched(self) -> bool:
        """Whether it is watched at all: a zero switches it off."""
        return bool(self.threshold_v and self.duration_s)


@dataclass(slots=True)
class Excursion:
    """One kind of excursion on one phase.

    ``outside`` is what was last reported; ``since`` is when the voltage went to the other side, in
    true time, while it has not stayed there long enough.
    """

    quality: Quality
    outside: bool = False
    since: datetime | None = None

    def observe(self, limit: ExcursionLimit, voltage_mv: int, at: datetime) -> None:
        """See the voltage from this moment on."""
        if not limit.watched:
            self.outside, self.since = False, None
            return
        threshold_mv = limit.threshold_v * MILLIVOLTS
        beyond = voltage_mv > threshold_mv if self.quality.above else voltage_mv < threshold_mv
        if beyond == self.outside:
            self.since = None
        elif self.since is None:
            self.since = at

    def deadline(self, limit: ExcursionLimit) -> datetime | None:
        """When it is to be reported, if the voltage stays."""
        return None if self.since is None else self.since + timedelta(seconds=limit.duration_s)

    def confirm(self, limit: ExcursionLimit, at: datetime) -> bool | None:
        """At this moment: True when an excursion begins, False when it ends, None for neither."""
        deadline = self.deadline(limit)
        if deadline is None or at < deadline:
            return None
        self.outside, self.since = not self.outside, None
        return self.outside

    def lose_sight(self) -> None:
        """The phase is missing: what was pending is void, what was reported stands."""
        self.since = None


def excursions() -> list[Excursion]:
    """The four of one phase."""
    return [Excursion(quality) for quality in EXCURSIONS]


def excursion_limits() -> dict[Quality, ExcursionLimit]:
    """A limit of each kind, switched off."""
    return {quality: ExcursionLimit() for quality in EXCURSIONS}
