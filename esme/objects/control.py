"""Load switch, load limit, clock (ECS27, ECS42 to ECS45, ECS70); auxiliary controllers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from device.cosem.fields import elements, number, octets, reset
from device.cosem.shape import Plain, shape
from device.cosem.table import (
    Access,
    Attribute,
    CosemObject,
    Method,
    cosem,
    scaler_unit,
    stored,
)
from esme.kept import SupplyState
from esme.objects.controllers import controller_objects
from esme.objects.fields import COUNT, Meter, register
from gbcs.dlms.apdu import Result
from gbcs.stamp import Reliability, Stamp

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
    yield from controller_objects()
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
