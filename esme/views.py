"""The electricity meter as cluster tables: what displays read on the HAN.

They are views of the model that COSEM shows to remote parties; nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from device.cosem.shape import plain
from device.cosem.table import Place
from esme.history import consumption_wh, day_start, month_start, today_wh, week_start
from esme.interval_data import GetProfile, answer
from esme.kept import SupplyState
from esme.meter import ElectricityMeter
from esme.tariff.registers import TOU_REGISTERS
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, zcl_seconds
from han.clusters import BASIC, DEVICE_MANAGEMENT, METERING, PREPAYMENT, PRICE, TIME
from han.clusters.device_management import (
    CHANGE_OF_TENANCY_UPDATE_DATE_TIME,
    NO_CHANGE_KNOWN,
    PROPOSED_TENANCY_CHANGE_CONTROL,
    ChangeControl,
    PublishChangeOfTenancy,
)
from han.clusters.mirrored import ValueOf, fixed, mirrored
from han.zcl.payload import decode, encode
from han.zcl.tables import Access, Answer, Cluster, Command, Failure, Reply, Served, Side

Read = Callable[[ElectricityMeter], Value]

_ABSENT: Final = Failure(Status.UNSUPPORTED_ATTRIBUTE)
_SUPPLY_STATUS: Final = {SupplyState.DISABLED: 0, SupplyState.ARMED: 1, SupplyState.ENABLED: 2}
_MILLI: Final = 1000
_U24: Final = 0xFFFFFE
_POUNDS: Final = 826
_MILLIPENCE: Final = 0x50
"""Trailing digit: five decimals of a pound."""
_IMPORT_MPAN: Final = Place.parse("1/0-0:94.44.34.11/2")
_POWER_THRESHOLDS: Final = Place.parse("21/0-0:16.0.0.255/2")
_DEVICE_KIND: Final[dict[int, Value]] = {0x0000: 3, 0x0004: "chub", 0x0005: "ESME", 0x0007: 0x01}


def _power_w(meter: ElectricityMeter) -> int:
    conditions = meter.metrology.conditions()
    return (conditions.active_mw + conditions.secondary_mw) // _MILLI


def _thresholds_w(meter: ElectricityMeter) -> tuple[int, int]:
    stored = meter.settings.find(_POWER_THRESHOLDS)
    values = plain(stored) if stored else None
    match values:
        case (int(low), int(high)):
            return low, high
    return 0, 0


def _ambient(meter: ElectricityMeter) -> int:
    """Low, medium or high consumption, against the supplier's thresholds."""
    low, high = _thresholds_w(meter)
    power_w = _power_w(meter)
    return (power_w >= low) + (power_w >= high)


def _site_id(meter: ElectricityMeter) -> bytes:
    stored = meter.settings.find(_IMPORT_MPAN)
    return stored.value if stored and isinstance(stored.value, bytes) else b""


def _tier(number: int) -> Read:
    def read(meter: ElectricityMeter) -> int:
        meter.tariff.settle()
        return meter.kept.tariff.tou[number]

    return read


def _day(back: int) -> Read:
    def read(meter: ElectricityMeter) -> int:
        today = meter.now.date()
        days = day_start(today, back), day_start(today, back - 1)
        return min(consumption_wh(meter.kept, meter.shown_since, meter.now, days), _U24)

    return read


def _week(back: int) -> Read:
    def read(meter: ElectricityMeter) -> int:
        today = meter.now.date()
        days = week_start(today, back), week_start(today, back - 1)
        return min(consumption_wh(meter.kept, meter.shown_since, meter.now, days), _U24)

    return read


def _month(back: int) -> Read:
    def read(meter: ElectricityMeter) -> int:
        today = meter.now.date()
        days = month_start(today, back), month_start(today, back - 1)
        return consumption_wh(meter.kept, meter.shown_since, meter.now, days)

    return read


_METERING: Final[dict[int, Read]] = {
    0x0000: lambda m: m.readings.active_import_wh,
    0x0001: lambda m: m.readings.active_export_wh,
    0x0007: lambda m: zcl_seconds(m.now),
    0x0014: lambda m: _SUPPLY_STATUS[m.kept.supply],
    **{0x0100 + 2 * tier: _tier(tier) for tier in range(TOU_REGISTERS)},
    0x0206: lambda m: m.firmware.running,
    0x0207: _ambient,
    0x0300: lambda _: 0,  # kWh
    0x0301: lambda _: 1,
    0x0302: lambda _: 1000,  # Wh to kWh
    0x0306: lambda _: 0,  # electric
    0x0307: _site_id,
    0x0400: _power_w,
    0x0401: lambda m: min(today_wh(m.kept), _U24),
    0x0403: _day(1),
    **{0x0420 + 2 * n: _day(n + 2) for n in range(7)},
    **{0x0430 + 2 * n: _week(n) for n in range(6)},
    **{0x0440 + 2 * n: _month(n) for n in range(14)},
    0x0601: lambda m: min(m.load_limit().threshold_w, _U24),
    0x0606: lambda m: min(m.kept.load_limit.counter, 0xFF),
}
"""Energy in Wh, power in W. Historical values are hidden from a new tenant."""

_PREPAYMENT: Final[dict[int, Read]] = {
    0x0001: lambda m: m.kept.balances.meter_balance,
    0x0002: lambda m: m.kept.balances.emergency_credit,
    0x0005: lambda m: m.kept.balances.accumulated_debt,
    0x0211: lambda m: m.kept.balances.time_debt_1,
    0x0221: lambda m: m.kept.balances.time_debt_2,
    0x0231: lambda m: m.kept.balances.payment_debt,
}
_PRICE: Final[dict[int, Read]] = {0x0616: lambda _: _POUNDS, 0x0617: lambda _: _MILLIPENCE}
_DEVICE_MANAGEMENT: Final[dict[int, Read]] = {
    CHANGE_OF_TENANCY_UPDATE_DATE_TIME: lambda m: _tenancy_seconds(m),
    PROPOSED_TENANCY_CHANGE_CONTROL: lambda m: int(_tenancy_control(m)),
    0x0400: lambda m: _thresholds_w(m)[0],
    0x0401: lambda m: _thresholds_w(m)[1],
}


def _tenancy_seconds(meter: ElectricityMeter) -> int:
    changed = meter.kept.tenancy_changed_at
    return NO_CHANGE_KNOWN if changed is None else zcl_seconds(changed)


def _tenancy_control(meter: ElectricityMeter) -> ChangeControl:
    known = meter.kept.tenancy_changed_at is not None
    return ChangeControl.CLEAR_IHD_DATA_CONSUMER if known else ChangeControl(0)


def metering(meter: ElectricityMeter) -> Served:
    """Metering 0x0702."""

    def get_profile(_values: ValueOf, payload: bytes, _access: Access) -> Answer:
        return Reply(0x00, answer(meter.kept, meter.shown_since, decode(GetProfile, payload)))

    definition = next(each for each in METERING.to_server if each.id == 0x00)
    return mirrored(
        METERING,
        Side.SERVER,
        _reader(meter, _METERING),
        only=_METERING,
        commands=(Command(definition, get_profile),),
    )


def prepayment(meter: ElectricityMeter) -> Served:
    """Prepayment 0x0705; money in millipence."""
    return mirrored(PREPAYMENT, Side.SERVER, _reader(meter, _PREPAYMENT), only=_PREPAYMENT)


def price(meter: ElectricityMeter) -> Served:
    """Price 0x0700: currency and decimals."""
    return mirrored(PRICE, Side.SERVER, _reader(meter, _PRICE), only=_PRICE)


def device_management(meter: ElectricityMeter) -> Served:
    """Device Management 0x0708: the change of tenancy, by attribute and by command."""

    def get_change_of_tenancy(_values: ValueOf, _payload: bytes, _access: Access) -> Answer:
        if meter.kept.tenancy_changed_at is None:
            return Status.NOT_FOUND
        at_s, control = _tenancy_seconds(meter), int(_tenancy_control(meter))
        return Reply(0x00, encode(PublishChangeOfTenancy(0, at_s, 0, at_s, control)))

    definition = next(each for each in DEVICE_MANAGEMENT.to_server if each.id == 0x00)
    return mirrored(
        DEVICE_MANAGEMENT,
        Side.SERVER,
        _reader(meter, _DEVICE_MANAGEMENT),
        only=_DEVICE_MANAGEMENT,
        commands=(Command(definition, get_change_of_tenancy),),
    )


def identity() -> Served:
    """Basic 0x0000."""
    return fixed(BASIC, _DEVICE_KIND)


def time_client() -> Served:
    """Time 0x000A: the meter reads the hub's."""
    table: Cluster[None] = Cluster(TIME, Side.CLIENT)
    return table.on(None)


def han_face(meter: ElectricityMeter) -> tuple[Served, ...]:
    """Every cluster that the meter serves to displays."""
    return (
        identity(),
        metering(meter),
        prepayment(meter),
        price(meter),
        device_management(meter),
    )


def _reader(meter: ElectricityMeter, reads: dict[int, Read]) -> ValueOf:
    def value_of(attribute_id: int) -> Value | Failure:
        read = reads.get(attribute_id)
        return _ABSENT if read is None else read(meter)

    return value_of
