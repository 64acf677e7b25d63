"""Load switch, load limit, auxiliary controllers, clock (ECS27, ECS42 to ECS47, ECS61, ECS70)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from device.cosem.fields import elements, number, octets, reset
from device.cosem.shape import Plain, plain, shape
from device.cosem.table import (
    Access,
    Attribute,
    CosemObject,
    Method,
    Place,
    cosem,
    scaler_unit,
    stored,
)
from esme.controllers import CONTROLLERS, LONGEST, Order, Setting, is_allowed
from esme.kept import SupplyState
from esme.objects.commercial import schedule, special_days
from esme.objects.fields import COUNT, Meter, register
from gbcs.dlms.apdu import Result
from gbcs.stamp import NEVER, Reliability, Stamp

SUPPLY_ARMED: Final = 0x8F32
_SCRIPTS: Final = {51: SupplyState.ENABLED, 52: SupplyState.DISABLED, 54: SupplyState.ARMED}
_CLOCK_STATUS: Final = {
    Reliability.RELIABLE: 0x00,
    Reliability.INVALID: 0x01,
    Reliability.UNRELIABLE: 0x02,
}
"""Bits of the COSEM clock status."""


def control_objects() -> Iterator[CosemObject[Meter]]:
    """Objects every meter has."""
    yield from _supply()
    yield from _controllers()
    yield _clock()


def _supply() -> Iterator[CosemObject[Meter]]:
    yield cosem(
        "9/0-0:10.0.106.255", "SupplyState", Method(1, "execute", shape("u16"), _switch_supply)
    )
    yield cosem(
        "70/0-0:96.3.10.255",
        "SupplyState",
        Attribute(
            3,
            "control_state",
            shape("enum"),
            read=lambda meter: int(meter.kept.supply),
            load=lambda meter, value: meter.switch_supply(SupplyState(number(value))),
        ),
    )
    yield cosem("1/0-0:94.44.0.4", "SupplyTamperState", stored(2, "value", "bool", False))
    yield cosem(
        "3/0-0:94.44.42.255",
        "LoadLimitCounter",
        register(lambda m: m.kept.load_limit.counter, _count_load_limit),
        scaler_unit(COUNT),
        reset(lambda m, _: _count_load_limit(m, 0)),
    )
    yield cosem(
        "71/0-0:17.0.0.255",
        "LoadLimitPowerThreshold / LoadLimitPeriod / LoadLimitRestorationPeriod",
        stored(4, "threshold_normal", "u32", 0, writable=False),
        stored(6, "min_over_threshold_duration", "u32", 0, writable=False),
        stored(7, "min_under_threshold_duration", "u32", 0, writable=False),
    )


def _count_load_limit(meter: Meter, count: int) -> None:
    meter.kept.load_limit.counter = count


def _switch_supply(meter: Meter, value: Plain, _: Access) -> Result:
    state = _SCRIPTS.get(number(value))
    if state is None:
        return Result.OTHER_REASON
    meter.command_supply(state)
    if state is SupplyState.ARMED:
        meter.event(SUPPLY_ARMED)
    return Result.SUCCESS


def _controllers() -> Iterator[CosemObject[Meter]]:
    for n in CONTROLLERS:
        title = f"AuxiliaryController[{n}]"
        yield cosem(f"1/0-0:94.44.0.{10 + n}", f"{title}, name", stored(2, "value", "vs(..22)", ""))
        yield cosem(f"1/0-0:94.44.0.{20 + n}", f"{title}, type", stored(2, "value", "os(..8)", b""))
        yield cosem(
            f"1/0-0:94.44.0.{30 + n}",
            f"{title}, state",
            stored(2, "value", "utf8", "{}", writable=False),
        )
        for field in (1, 2, 3, 4):
            yield cosem(
                f"1/0-0:94.44.{116 + n}.{field}",
                f"{title}, {'start' if field % 2 else 'end'} of a setting",
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
    yield cosem(
        "1/0-0:94.44.7.255",
        "BoostFunctionAvailability",
        stored(2, "value", "bool", False, writable=False),
    )
    yield cosem(
        "9/0-0:10.0.103.255",
        "AuxiliaryController",
        Method(1, "execute", shape("u16"), _command_controller),
    )
    yield cosem(
        "9/0-0:10.0.107.255",
        "AuxiliaryProportionalController",
        Method(1, "execute", shape("u16"), _limit_controller),
    )
    yield from special_days(3, 35, "AuxiliaryControllerCalendar(SpecialDays)")
    yield from schedule(2, 26, "AuxiliaryControllerCalendar")


def _command_controller(meter: Meter, value: Plain, access: Access) -> Result:
    """Hold a level until the end that was set before; "other reason" when that cannot be."""
    script = number(value)
    order = Order.from_script(script)
    if order is None:
        return Result.OTHER_REASON
    if order.level is None:
        meter.controllers.release(order.controller, script)
        return Result.SUCCESS
    start, end = _setting_limits(meter, order.controller, access.now)
    if not is_allowed(start, end):
        return Result.OTHER_REASON
    setting = Setting(script, order.direction, order.level, start, end)
    meter.controllers.order(order.controller, setting, access.now)
    return Result.SUCCESS


def _limit_controller(meter: Meter, value: Plain, access: Access) -> Result:
    """Limit a proportional controller (ECS47e): its start and end are apart from a setting's."""
    script = number(value)
    order = Order.from_script(script)
    if order is None or order.level is None:
        return Result.OTHER_REASON
    start, end = _moments(meter, order.controller, access.now, 3)
    if not is_allowed(start, end):
        return Result.OTHER_REASON
    setting = Setting(script, order.direction, order.level, start, end, limit=True)
    meter.controllers.order(order.controller, setting, access.now)
    return Result.SUCCESS


def _setting_limits(meter: Meter, controller: int, now: datetime) -> tuple[datetime, datetime]:
    """Start and end of a setting; older commands give a number of minutes from now."""
    place = Place.parse(f"1/0-0:94.44.{116 + controller}.1/2")
    minutes = meter.settings.find(place)
    if minutes is not None and isinstance(minutes.value, int):
        return now, now + timedelta(minutes=minutes.value)
    return _moments(meter, controller, now, 1)


def _moments(meter: Meter, controller: int, now: datetime, first: int) -> tuple[datetime, datetime]:
    found = []
    for field, otherwise in ((first, now), (first + 1, now + LONGEST)):
        data = meter.settings.find(Place.parse(f"1/0-0:94.44.{116 + controller}.{field}/2"))
        stamp = Stamp.from_bytes(octets(plain(data))) if data else NEVER
        found.append(stamp.at or otherwise)
    return found[0], found[1]


def _clock() -> CosemObject[Meter]:
    return cosem(
        "8/0-0:1.0.0.255",
        "Time",
        Attribute(2, "time", shape("os(12)"), read=lambda meter: Stamp.of(meter.now).octets),
        Attribute(4, "status", shape("u8"), read=lambda meter: _CLOCK_STATUS[meter.clock.status]),
        stored(9, "clock_base", "enum", 0),
        Method(5, "preset_adjusting_time", shape("{os(12),os(12),os(12)}"), _preset),
        Method(4, "adjust_to_preset_time", shape("i8"), _adjust),
    )


def _preset(meter: Meter, value: Plain, _: Access) -> Result:
    _preset_time, start, end = (Stamp.from_bytes(octets(each)) for each in elements(value))
    meter.kept.clock_window = (start.at, end.at)
    return Result.SUCCESS


def _adjust(meter: Meter, _value: Plain, _access: Access) -> Result:
    """Take the hub's time if it lies in the window; whether it did is read back afterwards."""
    meter.clock.set_clock(meter.hub_time(), *meter.kept.clock_window)
    return Result.SUCCESS
