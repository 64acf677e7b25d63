"""Energy registers: power times time, whole watt hours outside, nothing lost inside."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from esme.physics.site import Conditions

MICROSECOND: Final = timedelta(microseconds=1)
NANOJOULES_PER_WH: Final = 3_600_000_000_000
"""A milliwatt for a microsecond is a nanojoule, so integration is in whole numbers."""
_SHOWN: Final = 1 << 32


def shown(units: int) -> int:
    """What a register shows: 32 bits, which start again at zero when they are full."""
    return units % _SHOWN


@dataclass(slots=True)
class Register:
    """One cumulative register: whole Wh (or varh), and the part that is not yet whole, in nJ."""

    units: int = 0
    part_nj: int = 0

    def accumulate(self, milli_power: int, elapsed: timedelta) -> int:
        """Add a power (mW or mvar, not negative) over a time; return the whole units it gave."""
        total_nj = self.part_nj + milli_power * (elapsed // MICROSECOND)
        whole, self.part_nj = divmod(total_nj, NANOJOULES_PER_WH)
        self.units += whole
        return whole

    def next_unit_us(self, milli_power: int) -> int:
        """How many microseconds it takes a power (mW or mvar, more than 0) to the next unit."""
        return -((self.part_nj - NANOJOULES_PER_WH) // milli_power)


@dataclass(slots=True)
class EnergyRegisters:
    """The cumulative registers of a meter: polyphase sums, and the second element of a twin."""

    active_import: Register = field(default_factory=Register)
    active_export: Register = field(default_factory=Register)
    reactive_import: Register = field(default_factory=Register)
    reactive_export: Register = field(default_factory=Register)
    secondary_import: Register = field(default_factory=Register)

    def accumulate(self, conditions: Conditions, elapsed: timedelta) -> None:
        """Let constant conditions last for a time."""
        active, reactive = conditions.active_mw, conditions.reactive_mvar
        (self.active_import if active > 0 else self.active_export).accumulate(abs(active), elapsed)
        (self.reactive_import if reactive > 0 else self.reactive_export).accumulate(
            abs(reactive), elapsed
        )
        self.secondary_import.accumulate(max(conditions.secondary_mw, 0), elapsed)

    def readings(self) -> Readings:
        """What the registers show."""
        return Readings(
            self.active_import.units,
            self.active_export.units,
            self.reactive_import.units,
            self.reactive_export.units,
            self.secondary_import.units,
        )


@dataclass(frozen=True, slots=True)
class Readings:
    """Registers at one moment, or the difference between two: Wh and varh."""

    active_import_wh: int = 0
    active_export_wh: int = 0
    reactive_import_varh: int = 0
    reactive_export_varh: int = 0
    secondary_import_wh: int = 0

    def since(self, earlier: Readings) -> Readings:
        """What was added since then."""
        return Readings(
            self.active_import_wh - earlier.active_import_wh,
            self.active_export_wh - earlier.active_export_wh,
            self.reactive_import_varh - earlier.reactive_import_varh,
            self.reactive_export_varh - earlier.reactive_export_varh,
            self.secondary_import_wh - earlier.secondary_import_wh,
        )
