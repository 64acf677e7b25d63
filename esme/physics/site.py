"""The site: one or three phases of mains, and what the house draws from them or feeds back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from esme.physics.signal import Constant, Signal
from han.deadlines import earliest

NOMINAL_MV: Final = 230_000
PRESENT_ABOVE_MV: Final = 11_500
"""A phase counts as missing at or below this: 5 % of nominal."""
_NOMINAL: Final = Constant(NOMINAL_MV)
_NOTHING: Final = Constant()


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase conductor. Power is positive when imported, negative when exported."""

    voltage_mv: Signal = _NOMINAL
    active_mw: Signal = _NOTHING
    reactive_mvar: Signal = _NOTHING


@dataclass(frozen=True)
class Conditions:
    """What the meter's terminals see until something changes; one voltage per phase.

    Powers are sums over the phases that are present.
    """

    voltages_mv: tuple[int, ...]
    active_mw: int = 0
    reactive_mvar: int = 0
    secondary_mw: int = 0

    @cached_property
    def present(self) -> tuple[bool, ...]:
        """Which phases have a supply."""
        return tuple(voltage > PRESENT_ABOVE_MV for voltage in self.voltages_mv)

    @cached_property
    def powered(self) -> bool:
        """Whether any phase keeps the meter running."""
        return any(self.present)


@dataclass(frozen=True, slots=True)
class Site:
    """Everything outside the meter; ``secondary_mw`` feeds the second element of a twin."""

    phases: tuple[Phase, ...] = (Phase(),)
    secondary_mw: Signal | None = None

    def __post_init__(self) -> None:
        if len(self.phases) not in (1, 3):
            raise ValueError(f"a supply has one or three phases, not {len(self.phases)}")

    def conditions(self, moment: datetime) -> Conditions:
        """The terminals at a moment; a missing phase carries no power."""
        voltages = tuple(phase.voltage_mv.at(moment) for phase in self.phases)
        active = reactive = 0
        for phase, voltage in zip(self.phases, voltages, strict=True):
            if voltage > PRESENT_ABOVE_MV:
                active += phase.active_mw.at(moment)
                reactive += phase.reactive_mvar.at(moment)
        has_second = self.secondary_mw is not None and voltages[0] > PRESENT_ABOVE_MV
        secondary = self.secondary_mw.at(moment) if self.secondary_mw and has_second else 0
        return Conditions(voltages, active, reactive, secondary)

    def change_after(self, moment: datetime) -> datetime | None:
        """The next moment at which the terminals may see something else."""
        return earliest(signal.change_after(moment) for signal in self._signals())

    def _signals(self) -> Iterator[Signal]:
        for phase in self.phases:
            yield from (phase.voltage_mv, phase.active_mw, phase.reactive_mvar)
        if self.secondary_mw is not None:
            yield self.secondary_mw


class Terminals:
    """A site as its meter sees it: asked once for each stretch of time in which it holds still."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._conditions = Conditions(())

    def conditions(self, moment: datetime) -> Conditions:
        """What there is at a moment."""
        self._look(moment)
        return self._conditions

    def change_after(self, moment: datetime) -> datetime | None:
        """The next moment at which there may be something else."""
        self._look(moment)
        return self._until

    def _look(self, moment: datetime) -> None:
        since, until = self._since, self._until
        if since is None or moment < since or (until is not None and moment >= until):
            self._since, self._until = moment, self.site.change_after(moment)
            self._conditions = self.site.conditions(moment)
