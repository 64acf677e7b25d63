"""Payloads of the Price commands that GB devices use; times are UTCTime seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from han.zcl.payload import (
    U8,
    U16,
    U24,
    U32,
    Counted,
    Enum8,
    Map8,
    Octets,
    Repeated,
    Rest,
    Utc,
)


@dataclass(frozen=True, slots=True)
class GetCurrentPrice:
    """Ask for the price in force."""

    options: Map8


@dataclass(frozen=True, slots=True)
class GetScheduledPrices:
    """Ask for the prices in force at a moment and later; 0 asks for all."""

    start_time: Utc
    count: U8


@dataclass(frozen=True, slots=True)
class GetBlockPeriods:
    """Ask for block periods from a moment on."""

    start_time: Utc
    count: U8
    tariff_type: Map8 = 0


@dataclass(frozen=True, slots=True)
class GetConversionFactor:
    """Ask for conversion factors from a moment on."""

    earliest_start_time: Utc
    min_issuer_event_id: U32
    count: U8


@dataclass(frozen=True, slots=True)
class GetCalorificValue:
    """Ask for calorific values from a moment on."""

    earliest_start_time: Utc
    min_issuer_event_id: U32
    count: U8


@dataclass(frozen=True, slots=True)
class GetTariffInformation:
    """Ask for tariffs from a moment on."""

    earliest_start_time: Utc
    min_issuer_event_id: U32
    count: U8
    tariff_type: Map8


@dataclass(frozen=True, slots=True)
class GetPriceMatrix:
    """Ask for the prices of a tariff."""

    issuer_tariff_id: U32


@dataclass(frozen=True, slots=True)
class GetBlockThresholds:
    """Ask where the blocks of a tariff end."""

    issuer_tariff_id: U32


@dataclass(frozen=True, slots=True)
class GetTierLabels:
    """Ask for the names of a tariff's tiers."""

    issuer_tariff_id: U32


@dataclass(frozen=True, slots=True)
class GetBillingPeriod:
    """Ask for billing periods from a moment on."""

    earliest_start_time: Utc
    min_issuer_event_id: U32
    count: U8
    tariff_type: Map8


@dataclass(frozen=True, slots=True)
class PublishPrice:
    """The price of a period; a longer list of optional fields follows in ``rest``."""

    provider_id: U32
    rate_label: Octets
    issuer_event_id: U32
    current_time: Utc
    unit: Enum8
    currency: U16
    trailing_digit_and_tier: Map8
    price_tiers_and_register_tier: Map8
    start_time: Utc
    duration_min: U16
    price: U32
    rest: Rest = b""


@dataclass(frozen=True, slots=True)
class PriceExtension:
    """The optional fields of PublishPrice, in ``rest``; all ones where one is not used."""

    price_ratio: U8 = 0xFF
    generation_price: U32 = 0xFFFFFFFF
    generation_price_ratio: U8 = 0xFF
    alternate_cost: U32 = 0xFFFFFFFF
    alternate_cost_unit: U8 = 0xFF
    alternate_cost_trailing_digit: Map8 = 0xFF
    block_thresholds: U8 = 0xFF
    price_control: Map8 = 0
    generation_tiers: U8 = 0xFF
    generation_tier: U8 = 0xFF
    extended_price_tiers: U8 = 0xFF
    extended_price_tier: U8 = 0xFF
    extended_register_tier: U8 = 0xFF


@dataclass(frozen=True, slots=True)
class PublishBlockPeriod:
    """When blocks begin anew."""

    provider_id: U32
    issuer_event_id: U32
    start_time: Utc
    duration: U24
    control: Map8
    duration_type: Map8
    tariff_type: Map8
    tariff_resolution_period: Enum8


@dataclass(frozen=True, slots=True)
class PublishConversionFactor:
    """Volume conversion, from a time on."""

    issuer_event_id: U32
    start_time: Utc
    factor: U32
    trailing_digit: Map8


@dataclass(frozen=True, slots=True)
class PublishCalorificValue:
    """Energy in a volume of gas, from a time on."""

    issuer_event_id: U32
    start_time: Utc
    value: U32
    unit: Enum8
    trailing_digit: Map8


@dataclass(frozen=True, slots=True)
class PublishTariffInformation:
    """What kind of tariff there is, from a time on."""

    provider_id: U32
    issuer_event_id: U32
    issuer_tariff_id: U32
    start_time: Utc
    type_and_charging_scheme: Map8
    label: Octets
    tiers: U8
    block_thresholds: U8
    unit: Enum8
    currency: U16
    trailing_digit: Map8
    standing_charge: U32
    tier_block_mode: U8
    threshold_multiplier: U24
    threshold_divisor: U24


@dataclass(frozen=True, slots=True)
class TierPrice:
    """Price of one tier and block: tier identifier and price."""

    tier_block_id: U8
    price: U32


@dataclass(frozen=True, slots=True)
class PublishPriceMatrix:
    """Prices of tiers and blocks."""

    provider_id: U32
    issuer_event_id: U32
    start_time: Utc
    issuer_tariff_id: U32
    command_index: U8
    total_commands: U8
    control: Map8
    prices: Annotated[tuple[TierPrice, ...], Repeated(TierPrice)]


@dataclass(frozen=True, slots=True)
class PublishBlockThresholds:
    """Where blocks end; the layout of ``thresholds`` depends on ``control``."""

    provider_id: U32
    issuer_event_id: U32
    start_time: Utc
    issuer_tariff_id: U32
    command_index: U8
    total_commands: U8
    control: Map8
    thresholds: Rest


def block_thresholds(tier: int, ends: tuple[int, ...]) -> bytes:
    """One row of PublishBlockThresholds: where the blocks of a tier end; tier 0 is every tier."""
    return bytes((tier << 4 | len(ends),)) + b"".join(end.to_bytes(6, "little") for end in ends)


@dataclass(frozen=True, slots=True)
class PublishBillingPeriod:
    """When bills are made."""

    provider_id: U32
    issuer_event_id: U32
    start_time: Utc
    duration: U24
    duration_type: Map8
    tariff_type: Map8


@dataclass(frozen=True, slots=True)
class TierLabel:
    """The name of one tier."""

    tier: U8
    label: Octets


@dataclass(frozen=True, slots=True)
class PublishTierLabels:
    """The names of a tariff's tiers."""

    provider_id: U32
    issuer_event_id: U32
    issuer_tariff_id: U32
    command_index: U8
    total_commands: U8
    labels: Annotated[tuple[TierLabel, ...], Counted(TierLabel)]
