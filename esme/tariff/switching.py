"""Tariff switching: the registers in use follow the switching tables that commands have set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device.cosem.settings import Settings
from device.cosem.shape import plain
from device.cosem.table import Place
from esme.metering.energy import Readings
from esme.tariff.calendar import Calendar, read_calendar
from esme.tariff.registers import (
    UNUSED_THRESHOLD,
    TariffRegisters,
    is_primary_script,
    is_secondary_script,
)
from gbcs.dlms import values as v
from gbcs.dlms.data import Data
from han.deadlines import earliest

_TABLES: Final = tuple(
    Place.parse(name.format(element))
    for element in (0, 1)
    for name in (
        "20/0-0:13.0.{}.255/3",
        "20/0-0:13.0.{}.255/4",
        "20/0-0:13.0.{}.255/5",
        "11/0-0:11.0.{}.255/2",
    )
)
"""Seasons, weeks, days and special days of each element's switching table."""
_THRESHOLDS: Final = tuple(Place.parse(f"21/0-0:16.0.{n}.255/2") for n in range(11, 19))
_NO_THRESHOLDS: Final = v.array(*[v.u32(UNUSED_THRESHOLD)] * 3)


@dataclass(frozen=True, slots=True)
class _NextSwitch:
    """An answer of the tables, which is true until the switch comes (or, without one, all day)."""

    calendars: tuple[Calendar, Calendar]
    asked: datetime
    due: datetime | None

    def holds(self, own: datetime) -> bool:
        """Whether the answer at another time is the same."""
        if self.due is None:
            return own.date() == self.asked.date()
        return self.asked <= own < self.due


class TariffSwitch:
    """Moves consumption into the right registers; ``readings`` shows the cumulative ones."""

    def __init__(
        self, settings: Settings, registers: TariffRegisters, readings: Callable[[], Readings]
    ) -> None:
        self._settings = settings
        self._registers = registers
        self._readings = readings
        self._read: tuple[tuple[Data, ...], tuple[Calendar, Calendar]] | None = None
        self._next: _NextSwitch | None = None

    def settle(self) -> None:
        """Give the registers in use what was consumed up to now."""
        self._registers.settle(self._readings(), self.thresholds())

    def thresholds(self) -> list[tuple[int, ...]]:
        """Block thresholds, Wh, for each time of use."""
        rows = (plain(self._settings.get(place, _NO_THRESHOLDS)) for place in _THRESHOLDS)
        return [
            tuple(n for n in row if isinstance(n, int)) for row in rows if isinstance(row, tuple)
        ]

    def calendars(self) -> tuple[Calendar, Calendar]:
        """Switching tables of the primary and of the secondary element."""
        source = tuple(self._settings.get(place, v.array()) for place in _TABLES)
        if self._read is None or self._read[0] != source:
            values = [plain(data) for data in source]
            primary = read_calendar(*values[:4], selects=is_primary_script)
            secondary = read_calendar(*values[4:], selects=is_secondary_script)
            self._read = source, (primary, secondary)
        return self._read[1]

    def next_switch(self, own: datetime) -> datetime | None:
        """When a script starts next, as far as a week ahead."""
        calendars, known = self.calendars(), self._next
        if known is None or known.calendars is not calendars or not known.holds(own):
            due = earliest(calendar.next_switch(own) for calendar in calendars)
            known = self._next = _NextSwitch(calendars, own, due)
        return known.due

    def switch(self, own: datetime) -> None:
        """Use the registers that the tables say for a time."""
        primary, secondary = (calendar.script_at(own) for calendar in self.calendars())
        registers = self._registers
        if primary is not None and primary != registers.script:
            self.settle()
            registers.script = primary
        if secondary is not None and secondary != registers.secondary_script:
            self.settle()
            registers.secondary_script = secondary
