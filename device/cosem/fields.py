"""Attributes and methods that objects of several devices share: logs of codes, resets, octets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from device.cosem.shape import Plain, shape
from device.cosem.table import Access, Attribute, Limits, Method
from device.log import Entry
from device.logbook import LogBook, moment, seconds
from gbcs.dlms.apdu import Result
from gbcs.stamp import NEVER, Stamp

M = TypeVar("M")


def code_log(
    row: str,
    log: Callable[[M], LogBook],
    to_row: Callable[[bytes], tuple[Plain, ...]],
    from_row: Callable[[tuple[Plain, ...]], bytes],
) -> Attribute[M]:
    """Attribute 2 of a log of codes: time, code, and what ``row`` adds."""

    def entries(model: M, limits: Limits) -> Plain:
        found = log(model).between(*limits)
        return tuple((seconds(entry.at), entry.code, *to_row(entry.other)) for entry in found)

    def load(model: M, value: Plain) -> None:
        held = log(model)
        held.clear()
        for at, code, *rest in rows(value):
            held.record(Entry(moment(number(at)), number(code), from_row(tuple(rest))))

    return Attribute(2, "buffer", shape(f"compact<{{u32,u16{row}}}>"), entries=entries, load=load)


def reset(call: Callable[[M, datetime], object]) -> Method[M]:
    """Method 1 with an integer that means nothing."""

    def run(model: M, _: Plain, access: Access) -> Result:
        call(model, access.now)
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
