"""Price 0x0700 and Calendar 0x0707: attributes and commands."""

from __future__ import annotations

from typing import Final

from gbcs.zcl.types import DataType as T
from han.clusters.rows import Row, attributes, commands, series
from han.zcl.tables import ClusterDefinition

CLUSTER_ID: Final = 0x0700

_BLOCK_PERIOD: Final[tuple[Row, ...]] = (
    (0x0200, "StartOfBlockPeriod", T.UTC_TIME),
    (0x0201, "BlockPeriodDuration", T.UINT24),
    (0x0202, "ThresholdMultiplier", T.UINT24),
    (0x0203, "ThresholdDivisor", T.UINT24),
    (0x0204, "BlockPeriodDurationType", T.BITMAP8),
)
_COMMODITY: Final[tuple[Row, ...]] = (
    (0x0300, "CommodityType", T.ENUM8),
    (0x0301, "StandingCharge", T.UINT32),
    (0x0302, "ConversionFactor", T.UINT32),
    (0x0303, "ConversionFactorTrailingDigit", T.BITMAP8),
    (0x0304, "CalorificValue", T.UINT32),
    (0x0305, "CalorificValueUnit", T.ENUM8),
    (0x0306, "CalorificValueTrailingDigit", T.BITMAP8),
)
_TARIFF: Final[tuple[Row, ...]] = (
    (0x0610, "TariffLabel", T.OCTET_STRING),
    (0x0611, "NumberOfPriceTiersInUse", T.UINT8),
    (0x0612, "NumberOfBlockThresholdsInUse", T.UINT8),
    (0x0613, "TierBlockMode", T.ENUM8),
    (0x0615, "UnitOfMeasure", T.ENUM8),
    (0x0616, "Currency", T.UINT16),
    (0x0617, "PriceTrailingDigit", T.BITMAP8),
    (0x0619, "TariffResolutionPeriod", T.ENUM8),
)
_BILLING: Final[tuple[Row, ...]] = (
    (0x0700, "CurrentBillingPeriodStart", T.UTC_TIME),
    (0x0701, "CurrentBillingPeriodDuration", T.UINT24),
)


def _block_prices() -> tuple[Row, ...]:
    """Prices of 16 blocks without tier, then of 16 blocks in each of 15 tiers."""
    tiers = ("NoTier", *(f"Tier{n}" for n in range(1, 16)))
    names = (f"{t}Block{b}Price" for t in tiers for b in range(1, 17))
    return series(0x0400, 1, names, T.UINT32)


PRICE: Final = ClusterDefinition(
    CLUSTER_ID,
    "Price",
    server_attributes=attributes(
        *series(0x0000, 1, (f"Tier{n}PriceLabel" for n in range(1, 49)), T.OCTET_STRING),
        *series(0x0100, 1, (f"Block{n}Threshold" for n in range(1, 16)), T.UINT48),
        *_BLOCK_PERIOD,
        *_COMMODITY,
        *_block_prices(),
        *series(0x050F, 1, (f"PriceTier{n}" for n in range(16, 49)), T.UINT32),
        *_TARIFF,
        *_BILLING,
    ),
    to_server=commands(
        (0x00, "GetCurrentPrice", (0x00,)),
        (0x01, "GetScheduledPrices", (0x00,)),
        (0x02, "PriceAcknowledgement"),
        (0x03, "GetBlockPeriods", (0x01,)),
        (0x04, "GetConversionFactor", (0x02,)),
        (0x05, "GetCalorificValue", (0x03,)),
        (0x06, "GetTariffInformation", (0x04,)),
        (0x07, "GetPriceMatrix", (0x05,)),
        (0x08, "GetBlockThresholds", (0x06,)),
        (0x09, "GetCO2Value", (0x07,)),
        (0x0A, "GetTierLabels", (0x08,)),
        (0x0B, "GetBillingPeriod", (0x09,)),
        (0x0C, "GetConsolidatedBill", (0x0A,)),
        (0x0D, "CPPEventResponse"),
        (0x0E, "GetCreditPayment", (0x0C,)),
        (0x0F, "GetCurrencyConversion", (0x0D,)),
        (0x10, "GetTariffCancellation", (0x0E,)),
    ),
    to_client=commands(
        (0x00, "PublishPrice"),
        (0x01, "PublishBlockPeriod"),
        (0x02, "PublishConversionFactor"),
        (0x03, "PublishCalorificValue"),
        (0x04, "PublishTariffInformation"),
        (0x05, "PublishPriceMatrix"),
        (0x06, "PublishBlockThresholds"),
        (0x07, "PublishCO2Value"),
        (0x08, "PublishTierLabels"),
        (0x09, "PublishBillingPeriod"),
        (0x0A, "PublishConsolidatedBill"),
        (0x0B, "PublishCPPEvent"),
        (0x0C, "PublishCreditPayment"),
        (0x0D, "PublishCurrencyConversion"),
        (0x0E, "CancelTariff"),
    ),
)

CALENDAR: Final = ClusterDefinition(
    0x0707,
    "Calendar",
    server_attributes=attributes(
        *series(0x0000, 1, (f"AuxiliarySwitch{n}Label" for n in range(1, 9)), T.OCTET_STRING),
    ),
    to_server=commands(
        (0x00, "GetCalendar", (0x00,)),
        (0x01, "GetDayProfiles", (0x01,)),
        (0x02, "GetWeekProfiles", (0x02,)),
        (0x03, "GetSeasons", (0x03,)),
        (0x04, "GetSpecialDays", (0x04,)),
        (0x05, "GetCalendarCancellation", (0x05,)),
    ),
    to_client=commands(
        (0x00, "PublishCalendar"),
        (0x01, "PublishDayProfile"),
        (0x02, "PublishWeekProfile"),
        (0x03, "PublishSeasons"),
        (0x04, "PublishSpecialDays"),
        (0x05, "CancelCalendar"),
    ),
)
