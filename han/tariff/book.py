"""What a supplier has published to a gas meter, or to the proxy that shows it to displays.

The book keeps the commands as they came, so that they can be published again, and the Price
attributes they set. Commands replace what an earlier one of their kind said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from han.commands.calendar import (
    PublishCalendar,
    PublishDayProfile,
    PublishSeasons,
    PublishSpecialDays,
    PublishWeekProfile,
)
from han.commands.price import (
    PublishBillingPeriod,
    PublishBlockPeriod,
    PublishBlockThresholds,
    PublishCalorificValue,
    PublishConversionFactor,
    PublishPriceMatrix,
    PublishTariffInformation,
)
from han.tariff.calendar import PublishedCalendar

DELIVERED: Final = 0
NON_DISABLEMENT: Final = 3
"""Calendar types: switching of tariffs, and times at which a supply is not disabled."""

BLOCK_1_THRESHOLD: Final = 0x0100
THRESHOLD_MULTIPLIER: Final = 0x0202
THRESHOLD_DIVISOR: Final = 0x0203
STANDING_CHARGE: Final = 0x0301
CONVERSION_FACTOR, CONVERSION_FACTOR_DIGIT = 0x0302, 0x0303
CALORIFIC_VALUE, CALORIFIC_VALUE_UNIT, CALORIFIC_VALUE_DIGIT = 0x0304, 0x0305, 0x0306
FIRST_PRICE: Final = 0x0400
TIERS_IN_USE, THRESHOLDS_IN_USE, TIER_BLOCK_MODE = 0x0611, 0x0612, 0x0613
UNIT_OF_MEASURE, CURRENCY, PRICE_TRAILING_DIGIT = 0x0615, 0x0616, 0x0617
BILLING_PERIOD_START, BILLING_PERIOD_DURATION = 0x0700, 0x0701
_TIER_STEP: Final = 0x10
_TIERS_ONLY: Final = 0x01
_BLOCK_SCHEME: Final = 0x10
_THRESHOLD_OCTETS: Final = 6

_SETS: Final[Mapping[type, Mapping[int, str]]] = {
    PublishTariffInformation: {
        STANDING_CHARGE: "standing_charge",
        TIERS_IN_USE: "tiers",
        THRESHOLDS_IN_USE: "block_thresholds",
        TIER_BLOCK_MODE: "tier_block_mode",
        UNIT_OF_MEASURE: "unit",
        CURRENCY: "currency",
        PRICE_TRAILING_DIGIT: "trailing_digit",
        THRESHOLD_MULTIPLIER: "threshold_multiplier",
        THRESHOLD_DIVISOR: "threshold_divisor",
    },
    PublishConversionFactor: {
        CONVERSION_FACTOR: "factor",
        CONVERSION_FACTOR_DIGIT: "trailing_digit",
    },
    PublishCalorificValue: {
        CALORIFIC_VALUE: "value",
        CALORIFIC_VALUE_UNIT: "unit",
        CALORIFIC_VALUE_DIGIT: "trailing_digit",
    },
    PublishBillingPeriod: {
        BILLING_PERIOD_START: "start_time",
        BILLING_PERIOD_DURATION: "duration",
    },
    PublishBlockPeriod: {
        0x0200: "start_time",
        0x0201: "duration",
        0x0204: "duration_type",
        0x0619: "tariff_resolution_period",
    },
}
"""Price attributes that a command sets, with the field that each takes."""

_AT_FIRST: Final[Mapping[int, int]] = {
    **{BLOCK_1_THRESHOLD + block: 0 for block in range(3)},
    THRESHOLD_MULTIPLIER: 1,
    THRESHOLD_DIVISOR: 1000,
    STANDING_CHARGE: 0,
    CONVERSION_FACTOR: 102264,
    CONVERSION_FACTOR_DIGIT: 0x50,
    CALORIFIC_VALUE: 395,
    CALORIFIC_VALUE_UNIT: 1,
    CALORIFIC_VALUE_DIGIT: 0x10,
    **{FIRST_PRICE + block: 0 for block in range(4)},
    **{FIRST_PRICE + _TIER_STEP * tier: 0 for tier in range(1, 5)},
    TIERS_IN_USE: 0,
    THRESHOLDS_IN_USE: 0,
    TIER_BLOCK_MODE: 0xFF,
    UNIT_OF_MEASURE: 0,
    CURRENCY: 826,
    PRICE_TRAILING_DIGIT: 0x50,
}
"""What a book says before anything was published: pounds in millipence, usual gas."""


@dataclass(slots=True)
class TariffBook:
    """Commands in force and the attributes they set; plain values, so that a store can keep it."""

    values: dict[int, int] = field(default_factory=lambda: dict(_AT_FIRST))
    calendars: dict[int, PublishedCalendar] = field(default_factory=dict)
    information: PublishTariffInformation | None = None
    matrix: PublishPriceMatrix | None = None
    thresholds: PublishBlockThresholds | None = None
    conversion_factor: PublishConversionFactor | None = None
    calorific_value: PublishCalorificValue | None = None
    billing_period: PublishBillingPeriod | None = None
    block_period: PublishBlockPeriod | None = None
    newest: int = DELIVERED
    """Type of the calendar that was published last: its parts follow without saying a type."""

    def take(self, message: object) -> bool:
        """Put a command into force; False when it belongs to a calendar that is not here."""
        match message:
            case PublishCalendar():
                self._calendar(message.calendar_type).begin(message)
                self.newest = message.calendar_type
            case PublishSpecialDays():
                self._calendar(message.calendar_type).special_days = message
            case PublishDayProfile() | PublishWeekProfile() | PublishSeasons():
                return self._belongs(message)
            case PublishPriceMatrix():
                self._take_prices(message)
            case PublishBlockThresholds():
                self._take_thresholds(message)
            case _:
                setattr(self, _PLACES[type(message)], message)
        for attribute_id, name in _SETS.get(type(message), {}).items():
            self.values[attribute_id] = getattr(message, name)
        return True

    def calendar(self, calendar_type: int) -> PublishedCalendar | None:
        """The calendar of a type; None when none was published."""
        found = self.calendars.get(calendar_type)
        return found if found is not None and found.header is not None else None

    @property
    def by_blocks(self) -> bool:
        """Whether prices depend on how much was used, and not on the time."""
        information = self.information
        return information is not None and bool(
            information.type_and_charging_scheme & _BLOCK_SCHEME
        )

    def price(self, tier: int, block: int) -> int:
        """Price of a tier, or of a block (from 0) where there is no tier."""
        place = _TIER_STEP * tier if tier else block
        return self.values.get(FIRST_PRICE + place, 0)

    def _calendar(self, calendar_type: int) -> PublishedCalendar:
        return self.calendars.setdefault(calendar_type, PublishedCalendar())

    def _belongs(self, message: PublishDayProfile | PublishWeekProfile | PublishSeasons) -> bool:
        """Put a part into the newest calendar with its identifier (and type, if it says one)."""
        found = None
        for calendar_type, calendar in self.calendars.items():
            header = calendar.header
            wanted = getattr(message, "calendar_type", calendar_type)
            if header is None or wanted != calendar_type:
                continue
            if header.issuer_calendar_id == message.issuer_calendar_id:
                found = calendar if found is None or calendar_type == self.newest else found
        if found is None:
            return False
        match message:
            case PublishDayProfile():
                found.days[message.day_id] = message
            case PublishWeekProfile():
                found.weeks[message.week_id] = message
            case PublishSeasons():
                found.seasons = message
        return True

    def _take_prices(self, message: PublishPriceMatrix) -> None:
        self.matrix = message
        for one in message.prices:
            place = one.tier_block_id
            if message.control & _TIERS_ONLY:
                place *= _TIER_STEP
            self.values[FIRST_PRICE + place] = one.price

    def _take_thresholds(self, message: PublishBlockThresholds) -> None:
        """One row for every tier: how many thresholds, then each."""
        self.thresholds = message
        octets = message.thresholds
        count = octets[0] & 0x0F if octets else 0
        for block in range(count):
            start = 1 + block * _THRESHOLD_OCTETS
            end = int.from_bytes(octets[start : start + _THRESHOLD_OCTETS], "little")
            self.values[BLOCK_1_THRESHOLD + block] = end


_PLACES: Final[Mapping[type, str]] = {
    PublishTariffInformation: "information",
    PublishConversionFactor: "conversion_factor",
    PublishCalorificValue: "calorific_value",
    PublishBillingPeriod: "billing_period",
    PublishBlockPeriod: "block_period",
}
