"""Price 0x0700: what energy costs, as attributes and as publications."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from device.cosem.table import Place
from esme.execution import Execution
from esme.face.base import Fresh, Read, table, tariff_seconds
from esme.meter import ElectricityMeter
from esme.tariff.registers import BLOCK_TOU_REGISTERS, BLOCKS, TOU_REGISTERS
from esme.tariff.sheet import Cell
from gbcs.zcl.types import zcl_seconds
from han.clusters import PRICE
from han.commands.price import (
    PriceExtension,
    PublishBillingPeriod,
    PublishBlockPeriod,
    PublishBlockThresholds,
    PublishPrice,
    PublishPriceMatrix,
    PublishTariffInformation,
    TierPrice,
    block_thresholds,
)
from han.published import Publications, published
from han.zcl.payload import encode
from han.zcl.tables import Access, Served

KWH: Final = 0
TRAILING_DIGIT: Final = 0x50
"""Five decimals of a pound: prices are in millipence."""
_WH_PER_KWH: Final = 1000
_UNTIL_CHANGED: Final = 0xFFFF
_SEE_EXTENSION: Final = 0x0F
_BY_TIME_OF_USE, _BY_BLOCK_OF_EACH_TIER = 0x00, 0x30
_TIERS_NAMED: Final = 0x01
"""Control of a price matrix: rows name tiers, not blocks of tiers."""
_NOT_USED, _BLOCK_OF_EACH_TIER = 0xFF, 0x02
_NO_TIER: Final = 0x0400
_PRICES_OF_A_TIER: Final = 0x10
_PRICE_TIER_16: Final = 0x050F
_LAST_SHORT_TIER: Final = 15
_MINUTES: Final = 0
_LONGEST: Final = 0xFFFFFE
_BILLING: Final = Place.parse("22/0-0:15.0.0.255/4")
_BLOCK_RESETS: Final = Place.parse("22/0-0:15.1.0.255/4")


def price(meter: ElectricityMeter, fresh: Fresh) -> Served:
    """The server, over the tariff as the supplier set it."""
    return table(PRICE, meter, _ATTRIBUTES, fresh).joined(
        published(PRICE, publications(meter, fresh))
    )


def publications(meter: ElectricityMeter, fresh: Fresh) -> Publications:
    """What the meter publishes of its tariff."""

    def tariff(_: Access) -> list[object]:
        return [_tariff(meter)]

    def matrix(_: Access) -> list[object]:
        return [_matrix(meter)]

    def prices(_: Access) -> list[object]:
        fresh()
        return list(_prices(meter))

    return {
        PublishPrice: prices,
        PublishTariffInformation: tariff,
        PublishPriceMatrix: matrix,
        PublishBlockThresholds: lambda _: _thresholds(meter),
        PublishBlockPeriod: lambda _: _block_periods(meter),
        PublishBillingPeriod: lambda _: _billing_periods(meter),
    }


# -- attributes --------------------------------------------------------------------------------


def _price(cell: Cell) -> Read:
    return lambda meter: meter.sheet.prices().get(cell.price_index)


def _threshold(block: int) -> Read:
    """Where a block ends for the time of use now; None (invalid) when it does not."""

    def read(meter: ElectricityMeter) -> int | None:
        ends = meter.sheet.thresholds(meter.sheet.active.tier)
        return ends[block] if meter.sheet.has_blocks and block < len(ends) else None

    return read


def _start(place: Place) -> Read:
    def read(meter: ElectricityMeter) -> int | None:
        found = _period(meter, place)
        return None if found is None else zcl_seconds(found[0])

    return read


def _duration(place: Place) -> Read:
    def read(meter: ElectricityMeter) -> int | None:
        found = _period(meter, place)
        return None if found is None else found[1]

    return read


_ATTRIBUTES: Final[dict[int, Read]] = {
    **{0x0100 + block: _threshold(block) for block in range(BLOCKS - 1)},
    0x0200: _start(_BLOCK_RESETS),
    0x0201: _duration(_BLOCK_RESETS),
    0x0202: lambda _: 1,
    0x0203: lambda _: _WH_PER_KWH,
    0x0204: lambda _: _MINUTES,
    0x0300: lambda _: 0,  # electric
    0x0301: lambda m: m.sheet.standing_charge,
    **{
        _NO_TIER + _PRICES_OF_A_TIER * tier: _price(Cell(tier))
        for tier in range(BLOCK_TOU_REGISTERS + 1, _LAST_SHORT_TIER + 1)
    },
    **{
        _PRICE_TIER_16 + tier - _LAST_SHORT_TIER - 1: _price(Cell(tier))
        for tier in range(_LAST_SHORT_TIER + 1, TOU_REGISTERS + 1)
    },
    0x0610: lambda _: b"",
    0x0611: lambda m: len(m.sheet.tiers),
    0x0612: lambda m: _most_thresholds(m),
    0x0613: lambda m: _BLOCK_OF_EACH_TIER if m.sheet.has_blocks else _NOT_USED,
    0x0615: lambda _: KWH,
    0x0616: lambda m: m.sheet.currency,
    0x0617: lambda _: TRAILING_DIGIT,
    0x0700: _start(_BILLING),
    0x0701: _duration(_BILLING),
}
"""The supplier names no tariff: its label is empty. A price that was never set is invalid."""


def _tier_and_block(tier: int, block: int) -> Read:
    """A tier has one price, or one for each of its blocks."""

    def read(meter: ElectricityMeter) -> int | None:
        if meter.sheet.has_blocks:
            return meter.sheet.prices().get(Cell(tier, block).price_index)
        return meter.sheet.prices().get(tier) if block == 1 else None

    return read


_ATTRIBUTES.update(
    (_NO_TIER + _PRICES_OF_A_TIER * tier + block - 1, _tier_and_block(tier, block))
    for tier in range(1, BLOCK_TOU_REGISTERS + 1)
    for block in range(1, BLOCKS + 1)
)


# -- publications ------------------------------------------------------------------------------


def _prices(meter: ElectricityMeter) -> Iterator[PublishPrice]:
    """The price now, and the one from the next switch of the table on."""
    own = meter.now
    calendar = meter.tariff.calendars()[0]
    then = calendar.next_switch(own)
    yield _published_price(meter, meter.sheet.active, _since(meter), then)
    if then is not None:
        script = calendar.script_at(then)
        if script is not None:
            after = calendar.next_switch(then)
            yield _published_price(meter, meter.sheet.cell_of(script), then, after)


def _published_price(
    meter: ElectricityMeter, cell: Cell, start: datetime | None, end: datetime | None
) -> PublishPrice:
    sheet = meter.sheet
    begins = meter.now if start is None else start
    minutes = _UNTIL_CHANGED if end is None else min((end - begins) // _MINUTE, _UNTIL_CHANGED - 1)
    tiers, tier = len(sheet.tiers), cell.tier
    extended = max(tiers, tier) >= _SEE_EXTENSION
    extension = PriceExtension(
        block_thresholds=len(sheet.thresholds(tier)) if sheet.has_blocks else 0xFF,
        extended_price_tiers=tiers if extended else 0xFF,
        extended_price_tier=tier if extended else 0xFF,
        extended_register_tier=tier if extended else 0xFF,
    )
    return PublishPrice(
        provider_id=0,
        rate_label=b"",
        issuer_event_id=tariff_seconds(meter),
        current_time=zcl_seconds(meter.now),
        unit=KWH,
        currency=sheet.currency,
        trailing_digit_and_tier=TRAILING_DIGIT | min(tier, _SEE_EXTENSION),
        price_tiers_and_register_tier=min(tiers, _SEE_EXTENSION) << 4 | min(tier, _SEE_EXTENSION),
        start_time=0 if start is None else zcl_seconds(start),
        duration_min=minutes,
        price=sheet.prices().get(cell.price_index, 0),
        rest=encode(extension),
    )


_MINUTE: Final = timedelta(minutes=1)


def _since(meter: ElectricityMeter) -> datetime | None:
    """When the register in use was switched on: the last switch of the table, or the tariff's."""
    switch = meter.tariff.calendars()[0].last_switch(meter.now)
    return max((at for at in (switch, meter.kept.tariff_since) if at is not None), default=None)


def _tariff(meter: ElectricityMeter) -> PublishTariffInformation:
    sheet, event = meter.sheet, tariff_seconds(meter)
    return PublishTariffInformation(
        provider_id=0,
        issuer_event_id=event,
        issuer_tariff_id=event,
        start_time=event,
        type_and_charging_scheme=_BY_BLOCK_OF_EACH_TIER if sheet.has_blocks else _BY_TIME_OF_USE,
        label=b"",
        tiers=len(sheet.tiers),
        block_thresholds=_most_thresholds(meter),
        unit=KWH,
        currency=sheet.currency,
        trailing_digit=TRAILING_DIGIT,
        standing_charge=sheet.standing_charge,
        tier_block_mode=_BLOCK_OF_EACH_TIER if sheet.has_blocks else _NOT_USED,
        threshold_multiplier=1,
        threshold_divisor=_WH_PER_KWH,
    )


def _matrix(meter: ElectricityMeter) -> PublishPriceMatrix:
    sheet, event = meter.sheet, tariff_seconds(meter)
    prices = sheet.prices()
    rows = tuple(
        TierPrice(_row_id(cell), price)
        for cell in sheet.cells()
        if (price := prices.get(cell.price_index)) is not None
    )
    control = 0 if sheet.has_blocks else _TIERS_NAMED
    return PublishPriceMatrix(0, event, event, event, 0, 1, control, rows)


def _row_id(cell: Cell) -> int:
    """A tier, or tier and block in a half octet each, blocks counted from 0."""
    return cell.tier << 4 | (cell.block - 1) if cell.block else cell.tier


def _thresholds(meter: ElectricityMeter) -> list[PublishBlockThresholds]:
    sheet, event = meter.sheet, tariff_seconds(meter)
    if not sheet.has_blocks:
        return []
    rows = b"".join(block_thresholds(tier, sheet.thresholds(tier)) for tier in sheet.tiers)
    return [PublishBlockThresholds(0, event, event, event, 0, 1, 0, rows)]


def _most_thresholds(meter: ElectricityMeter) -> int:
    sheet = meter.sheet
    if not sheet.has_blocks:
        return 0
    return max((len(sheet.thresholds(tier)) for tier in sheet.tiers), default=0)


def _block_periods(meter: ElectricityMeter) -> list[PublishBlockPeriod]:
    found = _period(meter, _BLOCK_RESETS)
    if found is None or not meter.sheet.has_blocks:
        return []
    start, minutes = zcl_seconds(found[0]), found[1]
    return [PublishBlockPeriod(0, start, start, minutes, 0, _MINUTES, 0, 1)]


def _billing_periods(meter: ElectricityMeter) -> list[PublishBillingPeriod]:
    found = _period(meter, _BILLING)
    if found is None:
        return []
    start, minutes = zcl_seconds(found[0]), found[1]
    return [PublishBillingPeriod(0, start, start, minutes, _MINUTES, 0)]


def _period(meter: ElectricityMeter, place: Place) -> tuple[datetime, int] | None:
    """The period now of a schedule of ends: its start, and its length in minutes."""
    schedule, own = Execution(meter.settings, place), meter.now
    start, end = schedule.last_before(own), schedule.next_after(own)
    if start is None or end is None:
        return None
    return start, min((end - start) // _MINUTE, _LONGEST)
