"""Metering 0x0702: registers, power, history; snapshots of the registers; the supply's switch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from device.cosem.shape import plain
from device.cosem.table import Place
from device.periods import day_start, month_start, week_start
from esme.face.base import Fresh, Read, now_seconds, table
from esme.history import consumption_wh
from esme.interval_data import GetProfile, answer
from esme.kept import Row, SupplyState
from esme.meter import ElectricityMeter
from esme.metering.energy import shown
from esme.tariff.registers import BLOCK_TOU_REGISTERS, BLOCKS, TOU_REGISTERS
from gbcs.zcl.types import zcl_seconds
from han.clusters import METERING
from han.commands.metering import SnapshotCause
from han.logs import Snapshot, metering_snapshots
from han.requests import command_of
from han.zcl.payload import decode
from han.zcl.tables import Access, Answer, Cluster, Command, Reply, Served

_SUPPLY_STATUS: Final = {SupplyState.DISABLED: 0, SupplyState.ARMED: 1, SupplyState.ENABLED: 2}
_MILLI: Final = 1000
_U24: Final = 0xFFFFFE
_IMPORT_MPAN: Final = Place.parse("1/0-0:94.44.34.11/2")
_POWER_THRESHOLDS: Final = Place.parse("21/0-0:16.0.0.255/2")
_SUMMATION_DIGITS: Final = 0x2B
"""Five digits in front of the point, three behind it."""
_TOU_REGISTERS_ALONE: Final = 4
"""Payload type of a snapshot: registers without a bill, which the meter does not make."""
_NO_TIER_BLOCK: Final = 0x0700
_BLOCKS_OF_A_TIER: Final = 0x10


def _power_w(meter: ElectricityMeter) -> int:
    conditions = meter.metrology.conditions()
    return (conditions.active_mw + conditions.secondary_mw) // _MILLI


def power_thresholds_w(meter: ElectricityMeter) -> tuple[int, int]:
    """Low to medium, and medium to high consumption."""
    stored = meter.settings.find(_POWER_THRESHOLDS)
    values = plain(stored) if stored else None
    match values:
        case (int(low), int(high)):
            return low, high
    return 0, 0


def _ambient(meter: ElectricityMeter) -> int:
    """Low, medium or high consumption, against the supplier's thresholds."""
    low, high = power_thresholds_w(meter)
    if not high:
        return 0  # never set
    power_w = _power_w(meter)
    return (power_w >= low) + (power_w >= high)


def site_id(meter: ElectricityMeter) -> bytes:
    """The supply point's number (MPAN)."""
    return meter.text(_IMPORT_MPAN)


def _tier(number: int) -> Read:
    def read(meter: ElectricityMeter) -> int:
        meter.tariff.settle()
        return shown(meter.kept.tariff.tou[number])

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


def _block(block: int, tier: int) -> Read:
    def read(meter: ElectricityMeter) -> int:
        meter.tariff.settle()
        return shown(meter.kept.tariff.blocks[block][tier])

    return read


def _active_tier(meter: ElectricityMeter) -> int:
    return meter.sheet.active.tier


_METERING: Final[dict[int, Read]] = {
    0x0000: lambda m: shown(m.readings.active_import_wh),
    0x0001: lambda m: shown(m.readings.active_export_wh),
    0x0007: now_seconds,
    0x0014: lambda m: _SUPPLY_STATUS[m.kept.supply],
    **{0x0100 + 2 * tier: _tier(tier) for tier in range(TOU_REGISTERS)},
    0x0020: _active_tier,
    0x0200: lambda _: 0,  # nothing is wrong
    0x0206: lambda m: m.firmware.running,
    0x0207: _ambient,
    0x0300: lambda _: 0,  # kWh
    0x0301: lambda _: 1,
    0x0302: lambda _: 1000,  # Wh to kWh
    0x0303: lambda _: _SUMMATION_DIGITS,
    0x0304: lambda _: _SUMMATION_DIGITS,
    0x0305: lambda _: _SUMMATION_DIGITS,
    0x0306: lambda _: 0,  # electric
    0x0307: site_id,
    0x0400: _power_w,
    0x0401: _day(0),
    0x0403: _day(1),
    **{0x0420 + 2 * n: _day(n + 2) for n in range(7)},
    **{0x0430 + 2 * n: _week(n) for n in range(6)},
    **{0x0440 + 2 * n: _month(n) for n in range(14)},
    0x0601: lambda m: min(m.rules.load_limit().threshold_w, _U24),
    0x0606: lambda m: min(m.kept.load_limit.counter, 0xFF),
    **{
        _NO_TIER_BLOCK + _BLOCKS_OF_A_TIER * (tier + 1) + block: _block(block, tier)
        for tier in range(BLOCK_TOU_REGISTERS)
        for block in range(BLOCKS)
    },
}
"""Energy in Wh, power in W. Historical values are hidden from a new tenant."""


def metering(meter: ElectricityMeter, fresh: Fresh) -> Served:
    """Metering 0x0702, but for the switch of the supply."""
    return (
        table(METERING, meter, _METERING, fresh)
        .joined(_PROFILE.on(meter))
        .joined(metering_snapshots(lambda _: list(_snapshots(meter))))
    )


def _get_profile(meter: ElectricityMeter, payload: bytes, _: Access) -> Answer:
    return Reply(0x00, answer(meter.kept, meter.shown_since, decode(GetProfile, payload)))


_PROFILE: Final[Cluster[ElectricityMeter]] = Cluster(
    METERING, commands=(Command(command_of(METERING, "GetProfile"), _get_profile),)
)


def _snapshots(meter: ElectricityMeter) -> Iterator[Snapshot]:
    """Registers at midnights and at the ends of billing periods that the household may see."""
    kept = meter.kept.snapshots
    for log, cause in (
        (kept.daily_import, SnapshotCause.GENERAL),
        (kept.billing_calendar, SnapshotCause.END_OF_BILLING_PERIOD),
        (kept.billing_changes, SnapshotCause.CHANGE_OF_TARIFF_INFORMATION),
    ):
        for at, row in log.between(meter.shown_since, None):
            if at is not None:
                seconds = zcl_seconds(at)
                body = _registers(row, twin=meter.twin)
                yield Snapshot(seconds, seconds, cause, _TOU_REGISTERS_ALONE, body)


def _registers(row: Row, *, twin: bool) -> bytes:
    """Summation, and as many tiers as have counted anything; 48 bits each."""
    tiers = row[2 if twin else 1]
    summation = sum(cell for cell in row[: 2 if twin else 1] if isinstance(cell, int))
    counted = list(tiers) if isinstance(tiers, tuple) else []
    while len(counted) > 1 and not counted[-1]:
        counted.pop()
    numbers = b"".join(wh.to_bytes(6, "little") for wh in counted)
    return summation.to_bytes(6, "little") + bytes((len(counted),)) + numbers
