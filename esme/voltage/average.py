"""Average RMS voltage of one phase: measured over whole periods, judged once at their end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from esme.metering.log import Log
from esme.voltage.codes import Quality
from esme.voltage.period import Period, first_period, next_period

ENTRIES: Final = 4_320
DEFAULT_PERIOD_S: Final = 1_800
MILLIVOLTS: Final = 1_000
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class Limit:
    """One threshold of the average (V; 0 switches it off) and how often it was crossed outwards."""

    threshold_v: int
    crossings: int = 0
    outside: bool = False

    def judge(self, outside: bool) -> bool | None:
        """Take a new verdict: True when the average has just left, False when it has returned."""
        if not self.threshold_v:
            self.outside = False
        elif outside != self.outside:
            self.outside = outside
            self.crossings += outside
            return outside
        return None


@dataclass(frozen=True, slots=True)
class Crossing:
    """The average has left a limit, or returned within it, at the end of a period."""

    at: datetime
    quality: Quality
    begins: bool


@dataclass(slots=True)
class AverageVoltage:
    """The average RMS voltage profile of one phase and its two limits.

    ``period`` is the one in progress or the next to come; None while the meter has no time.
    ``volt_time`` is in millivolts times microseconds, over ``measured`` of the period.
    """

    period_s: int = DEFAULT_PERIOD_S
    over: Limit = field(default_factory=lambda: Limit(threshold_v=0))
    under: Limit = field(default_factory=lambda: Limit(threshold_v=0))
    profile: Log[int] = field(default_factory=lambda: Log(ENTRIES, unique=True))
    period: Period | None = None
    volt_time: int = 0
    measured: timedelta = timedelta(0)

    def restart(self, own: datetime, *, aligned: bool) -> None:
        """Abandon what is measured so far and wait for the first whole period."""
        self.period = first_period(own, self._length, aligned=aligned) if self.period_s else None
        self._empty()

    def stop(self) -> None:
        """Measure nothing: there is no time to put it under."""
        self.period = None
        self._empty()

    def measure(self, own: datetime, voltage_mv: int, elapsed: timedelta) -> None:
        """Take a voltage that held from ``own`` on; before the period has started it is discarded.

        Whoever measures stops at the start and at the end of the period.
        """
        if self.period is not None and own >= self.period.start:
            self.volt_time += voltage_mv * (elapsed // _MICROSECOND)
            self.measured += elapsed

    def close(self, *, aligned: bool) -> tuple[Crossing, ...]:
        """The period is over: record its average under its end, judge it, go on to the next.

        A period in which the phase was missing throughout leaves no entry and no verdict.
        """
        period = self.period
        if period is None:
            return ()
        crossings = self._record(period.end) if self.measured else ()
        self.period = next_period(period, self._length, aligned=aligned)
        self._empty()
        return crossings

    def next_boundary(self, own: datetime) -> datetime | None:
        """Where on the meter's clock the next measurement starts or ends."""
        if self.period is None:
            return None
        return self.period.start if own < self.period.start else self.period.end

    @property
    def _length(self) -> timedelta:
        return timedelta(seconds=self.period_s)

    def _empty(self) -> None:
        self.volt_time, self.measured = 0, timedelta(0)

    def _record(self, end: datetime) -> tuple[Crossing, ...]:
        millivolts = MILLIVOLTS * (self.measured // _MICROSECOND)
        mean_v = (2 * self.volt_time + millivolts) // (2 * millivolts)  # half up
        if not self.profile.append(end, mean_v):
            return ()
        over = self.volt_time > self.over.threshold_v * millivolts
        under = self.volt_time < self.under.threshold_v * millivolts
        verdicts = (
            (Quality.AVERAGE_OVER, self.over.judge(over)),
            (Quality.AVERAGE_UNDER, self.under.judge(under)),
        )
        return tuple(
            Crossing(end, quality, begins) for quality, begins in verdicts if begins is not None
        )
