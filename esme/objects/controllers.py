"""Auxiliary controllers (ECS46a, ECS46c, ECS46d, ECS47, ECS47a, ECS47e, ECS61, ECS62).

A command sets the start and the end of a period, then names controller and level. What was set is
used up by the order that follows it, whether that is accepted or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from device.cosem.fields import number, octets
from device.cosem.shape import Plain, plain, shape
from device.cosem.table import Access, Attribute, CosemObject, Method, Place, cosem, stored
from esme.control.action import CONTROLLERS, Action, Word
from esme.control.shown import NO_STATE
from esme.control.state import LONGEST, Kind
from esme.objects.commercial import schedule, special_days
from esme.objects.fields import Meter
from gbcs.dlms.apdu import Result
from gbcs.stamp import NEVER, Stamp

_START, _END, _LIMIT_START, _LIMIT_END = 1, 2, 3, 4
_TITLES: Final = {
    _START: "start of a setting",
    _END: "end of a setting",
    _LIMIT_START: "start of a limit",
    _LIMIT_END: "end of a limit",
}
_MOST_ENTRIES: Final = 120
_MOST_SPECIAL_DAYS: Final = 20


def controller_objects() -> Iterator[CosemObject[Meter]]:
    """Objects of controllers 1 to 5, of the boost key and of the calendar."""
    for n in CONTROLLERS:
        yield from _controller(n)
    yield cosem(
        "1/0-0:94.44.7.255",
        "BoostFunctionAvailability",
        stored(2, "value", "bool", False, writable=False),
    )
    yield cosem(
        "9/0-0:10.0.103.255",
        "AuxiliaryController",
        Method(1, "execute", shape("u16"), _command),
    )
    yield cosem(
        "9/0-0:10.0.107.255",
        "AuxiliaryProportionalController",
        Method(1, "execute", shape("u16"), _limit),
    )
    yield from special_days(
        3, 35, "AuxiliaryControllerCalendar(SpecialDays)", most=_MOST_SPECIAL_DAYS
    )
    yield from schedule(2, 26, "AuxiliaryControllerCalendar", most=_MOST_ENTRIES)


def _controller(n: int) -> Iterator[CosemObject[Meter]]:
    title = f"AuxiliaryController[{n}]"
    yield cosem(f"1/0-0:94.44.0.{10 + n}", f"{title}, name", stored(2, "value", "vs(..22)", ""))
    yield cosem(f"1/0-0:94.44.0.{20 + n}", f"{title}, type", _type(n))
    yield cosem(
        f"1/0-0:94.44.0.{30 + n}",
        f"{title}, state",
        stored(2, "value", "utf8", NO_STATE, writable=False),
    )
    for field, meaning in _TITLES.items():
        yield cosem(
            f"1/0-0:94.44.{116 + n}.{field}",
            f"{title}, {meaning}",
            stored(2, "value", "os(12)|u16", NEVER.octets, readable=False),
        )
    yield cosem(
        f"1/0-0:94.44.6.{n}", f"BoostFunctionControl[{n}]", stored(2, "value", "bool", False)
    )
    yield cosem(
        f"70/0-{n}:96.3.10.255",
        f"{title}, output",
        stored(2, "output_state", "bool", False, writable=False),
    )


def _type(n: int) -> Attribute[Meter]:
    """What is connected; setting it to something else forgets what was asked of the former."""

    def write(meter: Meter, value: Plain, _: Access) -> Result:
        meter.controllers.connect(n, octets(value))
        return Result.SUCCESS

    return replace(stored(2, "value", "os(..8)", b""), write=write)


def _command(meter: Meter, value: Plain, access: Access) -> Result:
    """Hold a level for the period set before (ECS47, ECS47a); "other reason" if that cannot be."""
    action = Action.of_command(number(value))
    if action is None:
        return Result.OTHER_REASON
    period = _period(meter, action, access.now, (_START, _END))
    if not meter.controllers.can(action):
        return Result.OTHER_REASON
    if action.level is None:
        meter.controllers.release(action.controller, access.now)
        return Result.SUCCESS
    if not _is_allowed(*period):
        return Result.OTHER_REASON
    meter.controllers.order(action, *period, access.now)
    return Result.SUCCESS


def _limit(meter: Meter, value: Plain, access: Access) -> Result:
    """Cap a proportional controller for the period set before (ECS47e)."""
    action = Action.of_command(number(value))
    if action is None or action.level is None:
        return Result.OTHER_REASON
    period = _period(meter, action, access.now, (_LIMIT_START, _LIMIT_END))
    proportional = meter.controllers.kind(action.controller) is Kind.APC
    if not (proportional and meter.controllers.can(action) and _is_allowed(*period)):
        return Result.OTHER_REASON
    meter.controllers.limit(action, *period, access.now)
    return Result.SUCCESS


def _period(
    meter: Meter, action: Action, now: datetime, fields: tuple[int, int]
) -> tuple[datetime, datetime]:
    """Start and end as set before; the older command gives minutes from now."""
    start, end = (_take(meter, action.controller, field) for field in fields)
    if action.is_older_form:
        minutes = end if action.number & 0xFF == Word.DEACTIVATE else start
        held = meter.controllers.choices.hold_without_period_min
        return now, now + timedelta(minutes=minutes if isinstance(minutes, int) else held)
    first = start if isinstance(start, datetime) else now
    return first, end if isinstance(end, datetime) else first + LONGEST


def _take(meter: Meter, controller: int, field: int) -> datetime | int | None:
    place = Place.parse(f"1/0-0:94.44.{116 + controller}.{field}/2")
    data = meter.settings.find(place)
    if data is None:
        return None
    meter.settings.discard(place)
    value = plain(data)
    return Stamp.from_bytes(value).at if isinstance(value, bytes) else number(value)


def _is_allowed(start: datetime, end: datetime) -> bool:
    """Whether a level may be held from one moment to another."""
    return start < end <= start + LONGEST
