"""What the emulated electricity meter of a rig is connected to, as its rig file says.

A series has a column ``time`` and one for each phase: ``l1``, and ``l2`` and ``l3`` with three;
that of a second element is ``second``. Numbers that name no phase are the voltage of each, but the
power of the whole house, which the phases share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from bench.rig import ElectricityMeter, Quantity, RigError
from esme.physics.series import MOST, THOUSANDTHS, read_parquet, read_series
from esme.physics.signal import Constant, DailyProfile, Overridden, Signal
from esme.physics.site import NOMINAL_MV, Phase, Site
from gbcs.errors import LocalError

_PARQUET: Final = ".parquet"


def site_of(meter: ElectricityMeter) -> Site:
    """The mains and the house of a meter; RigError when a file cannot be used."""
    load = meter.load or Quantity(steady=meter.load_w, file=meter.load_csv)
    phases = []
    for number in range(1, meter.phases + 1):
        house = _Conductor(number, meter.phases, shares=True)
        mains = _Conductor(number, meter.phases, shares=False, may_be_negative=False)
        phases.append(
            Phase(_voltage(meter, mains), house.signal(load), house.signal(meter.reactive))
        )
    return Site(tuple(phases), _second_element(meter))


def _voltage(meter: ElectricityMeter, mains: _Conductor) -> Signal:
    if meter.voltage is not None:
        return mains.signal(meter.voltage, NOMINAL_MV)
    return mains.signal(Quantity(file=meter.voltage_csv), meter.voltage_mv)


def _second_element(meter: ElectricityMeter) -> Signal | None:
    if meter.second_element is not None:
        return _Conductor(1, 1, shares=False, column="second").signal(meter.second_element)
    return Constant() if meter.twin_element else None


@dataclass(frozen=True, slots=True)
class _Conductor:
    """Number ``number`` of ``count``; with ``shares``, quantities are those of all together."""

    number: int
    count: int
    shares: bool
    column: str = ""
    may_be_negative: bool = True

    def signal(self, quantity: Quantity, otherwise: int = 0) -> Signal:
        """How a quantity goes on it, in thousandths; ``otherwise`` when nothing is said."""
        signal = self._model(quantity, otherwise)
        steps = [
            (step.at, None if step.value is None else self._part(step.value, step.phases))
            for step in quantity.steps
            if self.number in step.phases
        ]
        return Overridden(signal, steps) if steps else signal

    def _model(self, quantity: Quantity, otherwise: int) -> Signal:
        if quantity.daily:
            slots = [self._part(value) for value in quantity.daily]
            return DailyProfile(slots, self._part(quantity.noise), quantity.seed + self.number)
        steady = otherwise if quantity.steady is None else self._part(quantity.steady)
        if quantity.file is None:
            return Constant(steady)
        least = -MOST if self.may_be_negative else 0
        return _read(quantity.file, self.column or f"l{self.number}", steady, least)

    def _part(self, value: float, phases: Sequence[int] = ()) -> int:
        """What falls to this conductor; parts add up to the whole."""
        thousandths = int(Decimal(str(value)) * THOUSANDTHS)
        sharing = [n for n in phases or range(1, self.count + 1) if n <= self.count]
        if not self.shares:
            return thousandths
        place = sharing.index(self.number)
        return thousandths * (place + 1) // len(sharing) - thousandths * place // len(sharing)


def _read(path: Path, column: str, before: int, least: int) -> Signal:
    try:
        if path.suffix.lower() == _PARQUET:
            return read_parquet(path, column, before=before, least=least)
        with path.open(newline="", encoding="utf-8-sig") as lines:
            return read_series(lines, column, before=before, least=least)
    except OSError as error:
        raise RigError(f"{path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, LocalError) as error:
        raise RigError(f"{path}: {error}") from error
