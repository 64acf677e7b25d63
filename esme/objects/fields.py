"""Attributes that several objects of a meter share: logs of rows, registers, date-times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from device.cosem.fields import number, octets, rows, stamp_octets
from device.cosem.shape import Plain, shape
from device.cosem.table import Attribute, Limits
from device.logbook import moment, seconds
from esme.meter import ElectricityMeter
from esme.metering.energy import shown
from esme.metering.log import Log
from gbcs.stamp import Stamp

E = TypeVar("E")
Meter = ElectricityMeter
MeterAttribute = Attribute[ElectricityMeter]

WATT: Final = 27
WATT_HOUR: Final = 30
VAR_HOUR: Final = 32
CURRENCY: Final = 254
COUNT: Final = 255
"""DLMS units; 254 is used for prices."""


def timed_log(
    row: str,
    log: Callable[[Meter], Log[E]],
    to_row: Callable[[E], tuple[Plain, ...]],
    from_row: Callable[[tuple[Plain, ...]], E],
) -> MeterAttribute:
    """Attribute 2 of a log whose entries carry the seconds of their time first."""

    def entries(meter: Meter, limits: Limits) -> Plain:
        found = log(meter).between(*limits)
        return tuple((seconds(at), *to_row(entry)) for at, entry in found)

    def load(meter: Meter, value: Plain) -> None:
        held = log(meter)
        held.clear()
        for first, *rest in rows(value):
            held.append(moment(number(first)), from_row(tuple(rest)))

    return Attribute(2, "buffer", shape(f"compact<{{u32,{row}}}>"), entries=entries, load=load)


def register(get: Callable[[Meter], int], put: Callable[[Meter, int], object]) -> MeterAttribute:
    """Attribute 2 of a register: 32 bits, which start again at zero when they are full."""
    return Attribute(
        2,
        "value",
        shape("u32"),
        read=lambda meter: shown(get(meter)),
        load=lambda meter, value: put(meter, number(value)),
    )


def date_time(
    index: int,
    name: str,
    get: Callable[[Meter], datetime | None],
    put: Callable[[Meter, datetime | None], object],
) -> MeterAttribute:
    """A date-time attribute; all wildcards while there is none."""
    return Attribute(
        index,
        name,
        shape("os(12)"),
        read=lambda meter: stamp_octets(get(meter)),
        load=lambda meter, value: put(meter, Stamp.from_bytes(octets(value)).at),
    )
