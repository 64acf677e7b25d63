"""Calendar 0x0707: the switching table of the primary element as publications."""

from __future__ import annotations

from typing import Final

from esme.face.base import tariff_seconds
from esme.meter import ElectricityMeter
from esme.tariff.calendar import Calendar, DatePattern
from han.clusters import CALENDAR
from han.commands.calendar import (
    PublishCalendar,
    PublishDayProfile,
    PublishSeasons,
    PublishSpecialDays,
    PublishWeekProfile,
    ScheduleEntry,
    Season,
    SpecialDay,
)
from han.published import Publications, published
from han.zcl.tables import Served

DELIVERED: Final = 0
UTC: Final = 0
_WILD_YEAR: Final = 0xFFFF
_WILD: Final = 0xFF
_FIRST_YEAR: Final = 1900
_FIRST_BLOCK_TOU: Final = 100
"""Scripts 101 to 108 are tiers 1 to 8 with blocks."""


def calendar(meter: ElectricityMeter) -> Served:
    """The server, over the switching table in force."""
    return published(CALENDAR, publications(meter))


def publications(meter: ElectricityMeter) -> Publications:
    """What the meter publishes of its switching table; nothing while it has none."""
    return {
        PublishCalendar: lambda _: _calendars(meter),
        PublishDayProfile: lambda _: _days(meter),
        PublishWeekProfile: lambda _: _weeks(meter),
        PublishSeasons: lambda _: _seasons(meter),
        PublishSpecialDays: lambda _: _special_days(meter),
    }


def _held(meter: ElectricityMeter) -> Calendar | None:
    held = meter.tariff.calendars()[0]
    return held if held.days else None


def _calendars(meter: ElectricityMeter) -> list[PublishCalendar]:
    held, event = _held(meter), tariff_seconds(meter)
    if held is None:
        return []
    counts = len(held.seasons), len(held.weeks), len(held.days)
    return [PublishCalendar(0, event, event, event, DELIVERED, UTC, b"", *counts)]


def _days(meter: ElectricityMeter) -> list[PublishDayProfile]:
    held, event = _held(meter), tariff_seconds(meter)
    found = []
    for number, switches in sorted(held.days.items()) if held else ():
        entries = tuple(
            ScheduleEntry(each.at.hour * 60 + each.at.minute, each.script % _FIRST_BLOCK_TOU)
            for each in switches
        )
        count = len(entries)
        found.append(PublishDayProfile(0, event, event, number, count, 0, 1, DELIVERED, entries))
    return found


def _weeks(meter: ElectricityMeter) -> list[PublishWeekProfile]:
    held, event = _held(meter), tariff_seconds(meter)
    if held is None:
        return []
    return [
        PublishWeekProfile(0, event, event, number, *days)
        for number, days in enumerate(held.weeks.values(), start=1)
        if len(days) == 7
    ]


def _seasons(meter: ElectricityMeter) -> list[PublishSeasons]:
    held, event = _held(meter), tariff_seconds(meter)
    if held is None or not held.seasons:
        return []
    numbers = {name: number for number, name in enumerate(held.weeks, start=1)}
    seasons = tuple(Season(_date(each.start), numbers.get(each.week, 0)) for each in held.seasons)
    return [PublishSeasons(0, event, event, 0, 1, seasons)]


def _special_days(meter: ElectricityMeter) -> list[PublishSpecialDays]:
    held, event = _held(meter), tariff_seconds(meter)
    if held is None or not held.special_days:
        return []
    days = tuple(SpecialDay(_date(pattern), number) for pattern, number in held.special_days)
    return [PublishSpecialDays(0, event, event, event, DELIVERED, len(days), 0, 1, days)]


def _date(pattern: DatePattern) -> int:
    """A ZCL date: year from 1900, month, day, day of the week, from the lowest octet up."""
    year = _WILD if pattern.year == _WILD_YEAR else pattern.year - _FIRST_YEAR
    octets = bytes((year & 0xFF, pattern.month, pattern.day, pattern.weekday))
    return int.from_bytes(octets, "little")
