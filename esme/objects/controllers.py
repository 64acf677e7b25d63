"""Auxiliary controllers (ECS46a, ECS46c, ECS46d, ECS47, ECS47a, ECS47e, ECS61, ECS62).

A command sets the start and the end of a period, then names controller and level. What was set is
used up by the order that follows it, whether that is accepted or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from struct import Struct
from typing import Final, Protocol, TypeVar

from device.cosem.fields import code_log, number, octets, reset
from device.cosem.settings import Settings
from device.cosem.shape import Plain, plain, shape
from device.cosem.table import Access, Attribute, CosemObject, Method, Place, cosem, stored
from esme.control.action import CONTROLLERS, Action, Word
from esme.control.bank import ControllerBank
from esme.control.offset import FIRST_NUMBER, LONGEST_S, make_offset, randomised_offset
from esme.control.shown import NO_STATE
from esme.control.state import LONGEST, Kind
from esme.objects.calendars import Scheduling, schedule, special_days
from esme.reporter import Reporter
from gbcs.dlms.apdu import Result
from gbcs.stamp import NEVER, Stamp


class Controlled(Scheduling, Protocol):
    """A device with auxiliary controllers."""

    @property
    def controllers(self) -> ControllerBank:
        """Its controllers."""
        ...

    @property
    def settings(self) -> Settings:
        """Its stored attributes."""
        ...

    @property
    def reporter(self) -> Reporter:
        """Its event, security and controller logs."""
        ...


_ENTRY: Final = Struct(">BI")
"""Outcome and HANCommandID."""
C = TypeVar("C", bound=Controlled)
_START, _END, _LIMIT_START, _LIMIT_END = 1, 2, 3, 4
_TITLES: Final = {
    _START: "start of a setting",
    _END: "end of a setting",
    _LIMIT_START: "start of a limit",
    _LIMIT_END: "end of a limit",
}
_MOST_ENTRIES: Final = 120
_MOST_SPECIAL_DAYS: Final = 20


def controller_objects() -> Iterator[CosemObject[C]]:
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


def _controller(n: int) -> Iterator[CosemObject[C]]:
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


def _type(n: int) -> Attribute[C]:
    """What is connected; setting it to something else forgets what was asked of the former."""

    def write(model: Controlled, value: Plain, _: Access) -> Result:
        model.controllers.connect(n, octets(value))
        return Result.SUCCESS

    return replace(stored(2, "value", "os(..8)", b""), write=write)


def _command(model: Controlled, value: Plain, access: Access) -> Result:
    """Hold a level for the period set before (ECS47, ECS47a); "other reason" if that cannot be."""
    action = Action.of_command(number(value))
    if action is None:
        return Result.OTHER_REASON
    period = _period(model, action, access.now, (_START, _END))
    if not model.controllers.can(action):
        return Result.OTHER_REASON
    if action.level is None:
        model.controllers.release(action, access.now)
        return Result.SUCCESS
    if not _is_allowed(*period):
        return Result.OTHER_REASON
    model.controllers.order(action, *period, access.now)
    return Result.SUCCESS


def _limit(model: Controlled, value: Plain, access: Access) -> Result:
    """Cap a proportional controller for the period set before (ECS47e)."""
    action = Action.of_command(number(value))
    if action is None or action.level is None:
        return Result.OTHER_REASON
    period = _period(model, action, access.now, (_LIMIT_START, _LIMIT_END))
    proportional = model.controllers.kind(action.controller) is Kind.APC
    if not (proportional and model.controllers.can(action) and _is_allowed(*period)):
        return Result.OTHER_REASON
    model.controllers.limit(action, *period, access.now)
    return Result.SUCCESS


def _period(
    model: Controlled, action: Action, now: datetime, fields: tuple[int, int]
) -> tuple[datetime, datetime]:
    """Start and end as set before; the older command gives minutes from now."""
    start, end = (_take(model, action.controller, field) for field in fields)
    if action.is_older_form:
        minutes = end if action.number & 0xFF == Word.DEACTIVATE else start
        held = model.controllers.choices.hold_without_period_min
        return now, now + timedelta(minutes=minutes if isinstance(minutes, int) else held)
    first = start if isinstance(start, datetime) else now
    return first, end if isinstance(end, datetime) else first + LONGEST


def _take(model: Controlled, controller: int, field: int) -> datetime | int | None:
    place = Place.parse(f"1/0-0:94.44.{116 + controller}.{field}/2")
    data = model.settings.find(place)
    if data is None:
        return None
    model.settings.discard(place)
    value = plain(data)
    return Stamp.from_bytes(value).at if isinstance(value, bytes) else number(value)


def _is_allowed(start: datetime, end: datetime) -> bool:
    """Whether a level may be held from one moment to another."""
    return start < end <= start + LONGEST


def offset_objects() -> Iterator[CosemObject[C]]:
    """The randomised offset, its limit and its number (ECS26c, ECS38)."""
    yield cosem("1/0-0:94.44.0.0", "RandomisedOffset", _randomised_offset())
    yield cosem("1/0-0:94.44.0.1", "RandomisedOffsetLimit", _offset_limit())
    yield cosem(
        "1/0-0:94.44.0.2",
        "RandomisedOffsetNumber",
        stored(2, "value", "u16", FIRST_NUMBER, writable=False),
    )


def _offset_limit() -> Attribute[C]:
    """In seconds, at most 1799."""

    def check(_model: C, value: Plain, _access: Access) -> Result:
        return Result.SUCCESS if number(value) <= LONGEST_S else Result.OTHER_REASON

    limit: Attribute[C] = stored(2, "value", "u16", 0)
    return replace(limit, write=check)


def _randomised_offset() -> Attribute[C]:
    """In whole seconds."""

    def read(model: C) -> Plain:
        return randomised_offset(model.settings) // timedelta(seconds=1)

    def load(model: C, value: Plain) -> None:
        make_offset(model.settings, number(value))

    return Attribute(2, "value", shape("u16"), read=read, load=load)


def controller_log() -> CosemObject[C]:
    """The auxiliary controller event log (ECS15c, ECS35f, ECS35g)."""
    return cosem(
        "7/0-17:99.98.2.255",
        "AuxiliaryControllerEventLog",
        code_log(
            ",enum,u32",
            lambda m: m.reporter.controller_log,
            _ENTRY.unpack,
            lambda row: _ENTRY.pack(number(row[0]), number(row[1])),
        ),
        reset(lambda m, _: m.reporter.controller_log.clear()),
    )
