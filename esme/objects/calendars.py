"""Calendars of scripts and their special days, and the times at which passive values activate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Protocol, TypeVar

from device.cosem.fields import elements, octets
from device.cosem.shape import Plain, shape
from device.cosem.table import Access, Attribute, CosemObject, Place, cosem, stored
from esme.future import ACTIVATIONS
from gbcs.dlms.apdu import Result
from gbcs.stamp import Stamp

SPECIAL_DAYS: Final = "array<{u16,os(5),u8}>"
SCHEDULE: Final = "array<{u16,bool,os(6),u16,os(4),u16,bs(7),bs,os(5),os(5)}>"


class Scheduling(Protocol):
    """A device that activates passive values at a time."""

    def schedule(self, when: Place, time: Stamp, message_code: int, counter: int) -> None:
        """Activate what belongs to an activation time: now, never, or later."""
        ...


S = TypeVar("S", bound=Scheduling)


def activation_time(index: int, place: str, name: str) -> Attribute[S]:
    """An activation time: writing it activates, schedules or cancels.

    "Other reason" for one that is open in part, or a day that no month has.
    """
    when = Place.parse(place)
    if when not in ACTIVATIONS:
        raise KeyError(f"{place} activates nothing")

    def write(model: S, value: Plain, access: Access) -> Result:
        time = Stamp.from_bytes(octets(value))
        if time.is_vague:
            return Result.OTHER_REASON
        model.schedule(when, time, access.message_code, access.originator_counter)
        return Result.SUCCESS

    return Attribute(index, name, shape("os(12)"), write=write)


def special_days(
    number_: int, activation: int, title: str, *, most: int | None = None
) -> Iterator[CosemObject[S]]:
    """Special days: active under 0-0, passive under 0-1, activation time in extended data.

    ``most`` is how many there may be.
    """
    yield cosem(f"11/0-0:11.0.{number_}.255", title, _active(SPECIAL_DAYS))
    yield cosem(f"11/0-1:11.0.{number_}.255", title, limited(2, "entries", SPECIAL_DAYS, most))
    yield _activation_only(f"94.44.128.{activation}", title)


def schedule(
    number_: int, activation: int, title: str, *, most: int | None = None
) -> Iterator[CosemObject[S]]:
    """A calendar of scripts, kept like special days."""
    yield cosem(f"10/0-0:12.0.{number_}.255", title, _active(SCHEDULE))
    yield cosem(f"10/0-1:12.0.{number_}.255", title, limited(2, "entries", SCHEDULE, most))
    yield _activation_only(f"94.44.128.{activation}", title)


def _active(notation: str) -> Attribute[S]:
    return stored(2, "entries", notation, (), writable=False)


def limited(index: int, name: str, notation: str, most: int | None) -> Attribute[S]:
    """A stored array; more than ``most`` entries are refused with "other reason"."""

    def check(_model: S, value: Plain, _access: Access) -> Result:
        fits = most is None or len(elements(value)) <= most
        return Result.SUCCESS if fits else Result.OTHER_REASON

    entries: Attribute[S] = stored(index, name, notation, ())
    return replace(entries, write=check)


def _activation_only(name: str, title: str) -> CosemObject[S]:
    place = f"9000/0-0:{name}"
    return cosem(place, title, activation_time(6, f"{place}/6", "activate_passive_value_time"))
