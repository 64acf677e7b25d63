"""A meter's register as a display reads it over the HAN, with the moment the meter states for it.

The HAN carries a moment (Metering 0x0007) and says with its invalid value that the clock behind it
has no time. Whose clock it is, and whether it is reliable, no attribute says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Final

from gbcs.zcl.types import Value, zcl_moment

SUMMATION, SNAPSHOT_TIME, UNIT, MULTIPLIER, DIVISOR, DEVICE_TYPE = (
    0x0000,
    0x0007,
    0x0300,
    0x0301,
    0x0302,
    0x0306,
)
KIND: Final = (UNIT, DEVICE_TYPE)
REGISTER: Final = (SUMMATION, SNAPSHOT_TIME, UNIT, MULTIPLIER, DIVISOR)
_NO_TIME: Final = 0xFFFFFFFF
_BCD: Final = 0x80
"""Flag in a unit of measure: shown as binary coded decimal."""


class Fuel(Enum):
    """What a meter meters."""

    ELECTRICITY = "electricity"
    GAS = "gas"


class Trust(Enum):
    """How far the moment of a reading can be trusted, as the HAN tells it."""

    NOT_STATED = "not stated"
    INVALID = "invalid"


_FUEL_OF_TYPE: Final = {0: Fuel.ELECTRICITY, 1: Fuel.GAS, 128: Fuel.GAS}
"""MeteringDeviceType; a mirror adds 127."""
_FUEL_OF_UNIT: Final = {0: Fuel.ELECTRICITY, 1: Fuel.GAS}
_UNIT_NAMES: Final = {0: "kWh", 1: "m3"}


@dataclass(frozen=True, slots=True)
class Reading:
    """The register in its own units, and its moment.

    ``taken_at`` is what the meter states, None when it states none or has no time; ``read_at`` is
    the display's own time.
    """

    register: int
    unit: int
    multiplier: int
    divisor: int
    taken_at: datetime | None
    trust: Trust
    read_at: datetime

    @property
    def is_stated(self) -> bool:
        """Whether the meter says anything of the moment."""
        return self.taken_at is not None or self.trust is Trust.INVALID

    @property
    def moment(self) -> datetime:
        """When the register stood there: as stated, else when it was read."""
        return self.taken_at or self.read_at

    @property
    def text(self) -> str:
        """The amount with its unit, as the display shows it."""
        return amount_text(self.register, self.unit, self.multiplier, self.divisor)


def amount_text(register: int, unit: int, multiplier: int, divisor: int) -> str:
    """An amount of energy or gas with its unit."""
    amount = Decimal(register * multiplier) / (divisor or 1)
    places = len(str(divisor)) - 1
    return f"{amount:.{places}f} {_UNIT_NAMES.get(unit & ~_BCD, '')}".strip()


def numbers_of(values: Mapping[int, Value]) -> dict[int, int]:
    """The numbers among the attributes told, by identifier."""
    return {each: value for each, value in values.items() if isinstance(value, int)}


def fuel_of(values: dict[int, int]) -> Fuel | None:
    """What a meter meters, by its device type or its unit; None while it says neither."""
    by_type = _FUEL_OF_TYPE.get(values.get(DEVICE_TYPE, -1))
    unit = values.get(UNIT)
    return by_type or (None if unit is None else _FUEL_OF_UNIT.get(unit & ~_BCD))


def reading_of(values: dict[int, int], read_at: datetime) -> Reading | None:
    """The reading; None while the meter has no register to show."""
    register = values.get(SUMMATION)
    if register is None:
        return None
    seconds = values.get(SNAPSHOT_TIME)
    has_time = seconds is not None and seconds != _NO_TIME
    return Reading(
        register,
        values.get(UNIT, 0),
        values.get(MULTIPLIER, 1),
        values.get(DIVISOR, 1),
        zcl_moment(seconds) if seconds is not None and has_time else None,
        Trust.INVALID if seconds == _NO_TIME else Trust.NOT_STATED,
        read_at,
    )
