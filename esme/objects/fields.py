"""Attributes that several objects share: logs of rows, logs of codes, date-times, resets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from device.cosem.shape import Plain, shape
from device.cosem.table import Access, Attribute, Limits, Method
from device.log import Entry
from esme.logbook import LogBook, moment, seconds
from esme.meter import ElectricityMeter
from esme.metering.log import Log
from gbcs.dlms.apdu import Result
from gbcs.stamp import NEVER, Stamp

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


def code_log(
    row: str,
    log: Callable[[Meter], LogBook],
    to_row: Callable[[bytes], tuple[Plain, ...]],
    from_row: Callable[[tuple[Plain, ...]], bytes],
) -> MeterAttribute:
    """Attribute 2 of a log of codes: time, code, and what ``row`` adds."""

    def entries(meter: Meter, limits: Limits) -> Plain:
        found = log(meter).between(*limits)
        return tuple((seconds(entry.at), entry.code, *to_row(entry.other)) for entry in found)

    def load(meter: Meter, value: Plain) -> None:
        held = log(meter)
        held.clear()
        for at, code, *rest in rows(value):
            held.record(Entry(moment(number(at)), number(code), from_row(tuple(rest))))

    return Attribute(2, "buffer", shape(f"compact<{{u32,u16{row}}}>"), entries=entries, load=load)


def register(get: Callable[[Meter], int], put: Callable[[Meter, int], object]) -> MeterAttribute:
    """Attribute 2 of a register: 32 bits, which start again at zero when they are full."""
    return Attribute(
        2,
        "value",
        shape("u32"),
        read=lambda meter: get(meter) % (1 << 32),
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


def reset(call: Callable[[Meter, datetime], object]) -> Method[Meter]:
    """Method 1 with an integer that means nothing."""

    def run(meter: Meter, _: Plain, access: Access) -> Result:
        call(meter, access.now)
        return Result.SUCCESS

    return Method(1, "reset", shape("i8"), run)


def stamp_octets(at: datetime | None) -> bytes:
    """A date-time as octets; all wildcards for none."""
    return NEVER.octets if at is None else Stamp.of(at).octets


def rows(value: Plain) -> tuple[tuple[Plain, ...], ...]:
    """Rows of an array of structures; the shape has been checked."""
    return tuple(row for row in elements(value) if isinstance(row, tuple))


def elements(value: Plain) -> tuple[Plain, ...]:
    """Elements of an array or structure; the shape has been checked."""
    if not isinstance(value, tuple):
        raise TypeError(f"{value!r} has no elements")
    return value


def number(value: Plain) -> int:
    """A number; the shape has been checked."""
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no number")
    return value


def octets(value: Plain) -> bytes:
    """Octets; the shape has been checked."""
    if not isinstance(value, bytes):
        raise TypeError(f"{value!r} are no octets")
    return value
