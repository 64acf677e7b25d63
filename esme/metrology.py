"""The measuring part of the meter: everything that follows from its terminals and its clock.

:meth:`Metrology.advance` takes the meter from one moment to another, however far apart. On the way
it stops where something changes: at the terminals, on its own clock, or because a voltage has been
out of its limits for long enough. Between two stops nothing changes, so nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain

from esme.event import MeterEvent
from esme.load_limit import LoadLimiter
from esme.metering.energy import EnergyRegisters
from esme.metering.periods import Closed
from esme.metering.profiles import Days, HalfHours, resume
from esme.own_time import OwnTime
from esme.physics.site import Conditions, Site, Terminals
from esme.voltage.average import AverageVoltage, Crossing
from esme.voltage.codes import Quality, quality_code
from esme.voltage.excursion import (
    Excursion,
    ExcursionLimit,
    excursion_limits,
    excursions,
)
from esme.voltage.outage import Moment, Supply
from han.deadlines import earliest


@dataclass(frozen=True, slots=True)
class MetrologySettings:
    """How the meter reads what its specification leaves open.

    voltage_aligned: measurement periods of the average voltage start on the hour and half hour
        (MP085A); False follows one another from power-up, like older meters.
    voltage_resumes: a period an outage began in goes on after it, if it is not over; by default it
        is abandoned like any period before a power-up.
    adjustment_s: a clock moved by no more than this was adjusted, not stepped: periods keep their
        ends and are that much shorter or longer.
    """

    voltage_aligned: bool = True
    voltage_resumes: bool = False
    adjustment_s: int = 10


@dataclass(slots=True)
class PhaseVoltage:
    """What is kept for one phase."""

    average: AverageVoltage = field(default_factory=AverageVoltage)
    excursions: list[Excursion] = field(default_factory=excursions)


@dataclass(slots=True)
class Measurements:
    """All that the measuring part has to remember; it survives any loss of power."""

    energy: EnergyRegisters = field(default_factory=EnergyRegisters)
    half_hours: HalfHours = field(default_factory=HalfHours)
    days: Days = field(default_factory=Days)
    phases: list[PhaseVoltage] = field(default_factory=lambda: [PhaseVoltage()])
    limits: dict[Quality, ExcursionLimit] = field(default_factory=excursion_limits)
    supply: Supply = field(default_factory=Supply)

    @classmethod
    def of_phases(cls, count: int) -> Measurements:
        """A new meter of one or three phases."""
        return cls(
            phases=[PhaseVoltage() for _ in range(count)], supply=Supply(missing=[None] * count)
        )


class Metrology:
    """One meter's measuring part, from ``time.true`` on.

    ``closed`` is the load switch: while it is open no energy flows through the primary element.
    ``controlled_mw`` is what auxiliary controllers let through beside what the site uses.
    ``limiter`` may open it; ``on_half_hour`` and ``on_day`` are told of every one that is over.
    """

    def __init__(
        self,
        site: Site,
        time: OwnTime,
        measurements: Measurements | None = None,
        settings: MetrologySettings | None = None,
    ) -> None:
        self._terminals = Terminals(site)
        self.time = time
        self.at = time.true
        self.measured = measurements or Measurements.of_phases(len(site.phases))
        self.settings = settings or MetrologySettings()
        self.closed = True
        self.controlled_mw: Callable[[], int] = _nothing
        self.limiter: LoadLimiter | None = None
        self.on_half_hour: Callable[[Closed], object] = _ignore
        self.on_day: Callable[[Closed], object] = _ignore

    @property
    def site(self) -> Site:
        """What the meter is connected to."""
        return self._terminals.site

    @site.setter
    def site(self, site: Site) -> None:
        self._terminals = Terminals(site)

    @property
    def next_change(self) -> datetime | None:
        """When the terminals may see something else than now."""
        return self._terminals.change_after(self.at)

    @property
    def own_now(self) -> datetime | None:
        """What the meter's clock shows; None when it has no time."""
        return self.time.at(self.at) if self.time.valid else None

    def line(self) -> OwnTime:
        """The meter's clock from this moment on, as long as nobody changes it."""
        return replace(self.time, true=self.at, own=self.time.at(self.at))

    def conditions(self) -> Conditions:
        """What flows at this moment."""
        seen = self._terminals.conditions(self.at)
        if self.closed:
            controlled_mw = self.controlled_mw() if seen.powered else 0
            if not controlled_mw:
                return seen
            return replace(seen, active_mw=seen.active_mw + controlled_mw)
        return Conditions(seen.voltages_mv, secondary_mw=seen.secondary_mw)

    @property
    def powered(self) -> bool:
        """Whether there is a supply at this moment."""
        return self._terminals.conditions(self.at).powered

    def advance(self, to: datetime) -> tuple[MeterEvent, ...]:
        """Measure up to a moment; what was noticed on the way, in order."""
        return tuple(self._advance(to))

    @property
    def deadline(self) -> datetime | None:
        """The next moment at which something may be noticed."""
        return self._next_stop(self.conditions())

    def change_clock(self, time: OwnTime) -> tuple[MeterEvent, ...]:
        """The meter's clock, or the trust in it, changed at ``time.true``."""
        return tuple(self._change_clock(time))

    def set_voltage_period(self, phase: int, period_s: int) -> None:
        """Reconfigure the average voltage of a phase (from 0); the period in progress is void."""
        average = self.measured.phases[phase].average
        if period_s == average.period_s:
            return
        average.period_s = period_s
        if self.time.valid:
            average.restart(self.time.at(self.at), aligned=self.settings.voltage_aligned)

    def _advance(self, to: datetime) -> Iterator[MeterEvent]:
        while self.at < to:
            conditions = self.conditions()
            yield from self._see_supply(conditions)
            stop = earliest((to, self._next_stop(conditions))) or to
            if conditions.powered:
                self._measure(conditions, stop - self.at)
            self.at = stop
            if conditions.powered:
                yield from self._close_what_is_over()
                yield from self._confirm_excursions()
                yield from self._confirm_limit()

    def _next_stop(self, conditions: Conditions) -> datetime | None:
        change = self.next_change
        if not conditions.powered:
            return change
        boundary, limit = self._next_boundary(), self._limit_deadline(conditions)
        stop = earliest((change, boundary, limit, *self._excursion_deadlines(conditions)))
        return None if stop is None else max(stop, self.at)  # a shorter duration is over at once

    def _limit_deadline(self, conditions: Conditions) -> datetime | None:
        if self.limiter is None:
            return None
        self.limiter.observe(conditions.active_mw, self.at)
        return self.limiter.deadline()

    def _next_boundary(self) -> datetime | None:
        """When the meter's clock next ends a period, in true time."""
        if not self.time.valid:
            return None
        own = self.time.at(self.at)
        ends = [self.measured.half_hours.periods.end, self.measured.days.periods.end]
        ends += [phase.average.next_boundary(own) for phase in self.measured.phases]
        end = earliest(ends)
        if end is None:
            return None
        return max(self.time.true_of(end), self.at + timedelta.resolution)

    def _excursion_deadlines(self, conditions: Conditions) -> Iterator[datetime | None]:
        if self._excursions_rest():
            return
        for excursion, limit, voltage_mv in self._watched(conditions):
            excursion.observe(limit, voltage_mv, self.at)
            yield excursion.deadline(limit)

    def _watched(self, conditions: Conditions) -> Iterator[tuple[Excursion, ExcursionLimit, int]]:
        seen = zip(self.measured.phases, conditions.voltages_mv, conditions.present, strict=True)
        for phase, voltage_mv, present in seen:
            for excursion in phase.excursions:
                if present:
                    yield excursion, self.measured.limits[excursion.quality], voltage_mv
                else:
                    excursion.lose_sight()

    def _measure(self, conditions: Conditions, elapsed: timedelta) -> None:
        measured = self.measured
        measured.energy.accumulate(conditions, elapsed)
        measured.half_hours.periods.measure()
        measured.days.periods.measure()
        own = self.own_now
        if own is None:
            return
        seen = zip(measured.phases, conditions.voltages_mv, conditions.present, strict=True)
        for phase, voltage_mv, present in seen:
            if present:
                phase.average.measure(own, voltage_mv, elapsed)

    def _close_what_is_over(self) -> Iterator[MeterEvent]:
        own = self.own_now
        if own is None:
            return
        readings = self.measured.energy.readings()
        for kept, tell in self._kept_periods():
            while kept.periods.end is not None and own >= kept.periods.end:
                _tell(tell, kept.close(readings))
        for number, phase in enumerate(self.measured.phases):
            average = phase.average
            while average.period is not None and own >= average.period.end:
                for crossing in average.close(aligned=self.settings.voltage_aligned):
                    yield self._crossed(crossing, number)

    def _crossed(self, crossing: Crossing, number: int) -> MeterEvent:
        code = quality_code(crossing.quality, begins=crossing.begins, phase=self._phase(number))
        return MeterEvent(code, crossing.at)

    def _excursions_rest(self) -> bool:
        """Whether none is watched, nor goes on from when it was."""
        if any(limit.watched for limit in self.measured.limits.values()):
            return False
        found = chain.from_iterable(phase.excursions for phase in self.measured.phases)
        return not any(excursion.outside or excursion.since for excursion in found)

    def _confirm_excursions(self) -> Iterator[MeterEvent]:
        if self._excursions_rest():
            return
        for excursion, limit, voltage_mv in self._watched(self.conditions()):
            excursion.observe(limit, voltage_mv, self.at)  # it may be back at this very moment
        for number, phase in enumerate(self.measured.phases):
            for excursion in phase.excursions:
                limit = self.measured.limits[excursion.quality]
                begins = excursion.confirm(limit, self.at)
                if begins is not None:
                    place = self._phase(number)
                    code = quality_code(excursion.quality, begins=begins, phase=place)
                    yield MeterEvent(code, self.own_now)

    def _confirm_limit(self) -> Iterator[MeterEvent]:
        if self.limiter is not None:
            self.limiter.observe(self.conditions().active_mw, self.at)
            for code in self.limiter.confirm(self.at):
                yield MeterEvent(code, self.own_now)

    def _phase(self, number: int) -> int | None:
        """Which phase an event names: none on a single-phase meter."""
        return number + 1 if len(self.measured.phases) > 1 else None

    def _see_supply(self, conditions: Conditions) -> Iterator[MeterEvent]:
        supply, now = self.measured.supply, Moment(self.at, self.own_now)
        if conditions.powered and not supply.running:
            yield from supply.start(now)
            self._power_up()
        elif supply.running and not conditions.powered:
            supply.fail(now)
            if self.limiter is not None:
                self.limiter.lose_power()
            for phase in self.measured.phases:
                for excursion in phase.excursions:
                    excursion.lose_sight()
        if supply.running and len(conditions.present) > 1:
            yield from supply.see_phases(conditions.present, now)

    def _power_up(self) -> None:
        own = self.own_now
        if own is None:
            return
        readings = self.measured.energy.readings()
        for kept, tell in self._kept_periods():
            if kept.periods.end is None:
                kept.periods.begin(own, readings)
            _tell(tell, resume(kept, own, readings))
        self._restart_averages(own, resumable=self.settings.voltage_resumes)

    def _restart_averages(self, own: datetime, *, resumable: bool = False) -> None:
        for phase in self.measured.phases:
            period = phase.average.period
            if not (resumable and period is not None and own < period.end):
                phase.average.restart(own, aligned=self.settings.voltage_aligned)

    def _change_clock(self, time: OwnTime) -> Iterator[MeterEvent]:
        yield from self._advance(time.true)
        before, self.time = self.own_now, time
        own = self.own_now
        if own is None:
            self._lose_time()
        elif not self.measured.supply.running:
            return  # the power-up will see to it
        elif before is None:
            self._power_up()
        elif abs(own - before) <= timedelta(seconds=self.settings.adjustment_s):
            yield from self._close_what_is_over()
        else:
            self.measured.half_hours.periods.enter(own)
            self.measured.days.periods.enter(own)
            self._restart_averages(own)

    def _kept_periods(self) -> tuple[tuple[HalfHours | Days, Callable[[Closed], object]], ...]:
        return (
            (self.measured.half_hours, self.on_half_hour),
            (self.measured.days, self.on_day),
        )

    def _lose_time(self) -> None:
        self.measured.half_hours.periods.forget()
        self.measured.days.periods.forget()
        for phase in self.measured.phases:
            phase.average.stop()


def _ignore(_: Closed) -> None:
    """What a meter does that keeps nothing beyond its profiles."""


def _nothing() -> int:
    """What a meter lets through that controls no loads."""
    return 0


def _tell(listener: Callable[[Closed], object], closed: Closed | None) -> None:
    if closed is not None:
        listener(closed)
