"""Notification flags: what the mirror wants its sleepy meter to do on the next wake.

Five words, the Metering client attributes 0x0000 to 0x0004. A GSME acts on some bits only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntFlag
from typing import Final


class FunctionalFlag(IntFlag):
    """FunctionalNotificationFlags (0x0000)."""

    NEW_OTA_FIRMWARE = 1 << 0
    CBKE_UPDATE_REQUEST = 1 << 1
    TIME_SYNC = 1 << 2
    STAY_AWAKE_REQUEST_HAN = 1 << 4
    STAY_AWAKE_REQUEST_WAN = 1 << 5
    PUSH_HISTORICAL_METERING_DAY = 1 << 6
    PUSH_HISTORICAL_METERING_WEEK = 2 << 6
    PUSH_HISTORICAL_METERING_MONTH = 3 << 6
    PUSH_HISTORICAL_METERING_YEAR = 4 << 6
    PUSH_HISTORICAL_PREPAYMENT_DAY = 1 << 9
    PUSH_HISTORICAL_PREPAYMENT_WEEK = 2 << 9
    PUSH_HISTORICAL_PREPAYMENT_MONTH = 3 << 9
    PUSH_HISTORICAL_PREPAYMENT_YEAR = 4 << 9
    PUSH_ALL_STATIC_DATA_BASIC = 1 << 12
    PUSH_ALL_STATIC_DATA_METERING = 1 << 13
    PUSH_ALL_STATIC_DATA_PREPAYMENT = 1 << 14
    NETWORK_KEY_ACTIVE = 1 << 15
    DISPLAY_MESSAGE = 1 << 16
    CANCEL_ALL_MESSAGES = 1 << 17
    CHANGE_SUPPLY = 1 << 18
    LOCAL_CHANGE_SUPPLY = 1 << 19
    SET_UNCONTROLLED_FLOW_THRESHOLD = 1 << 20
    TUNNEL_MESSAGE_PENDING = 1 << 21
    GET_SNAPSHOT = 1 << 22
    GET_SAMPLED_DATA = 1 << 23
    NEW_SUB_GHZ_CHANNEL_MASKS = 1 << 24
    ENERGY_SCAN_PENDING = 1 << 25
    CHANNEL_CHANGE_PENDING = 1 << 26


class PriceFlag(IntFlag):
    """NotificationFlags2 (0x0001)."""

    PUBLISH_PRICE = 1 << 0
    PUBLISH_BLOCK_PERIOD = 1 << 1
    PUBLISH_TARIFF_INFORMATION = 1 << 2
    PUBLISH_CONVERSION_FACTOR = 1 << 3
    PUBLISH_CALORIFIC_VALUE = 1 << 4
    PUBLISH_CO2_VALUE = 1 << 5
    PUBLISH_BILLING_PERIOD = 1 << 6
    PUBLISH_CONSOLIDATED_BILL = 1 << 7
    PUBLISH_PRICE_MATRIX = 1 << 8
    PUBLISH_BLOCK_THRESHOLDS = 1 << 9
    PUBLISH_CURRENCY_CONVERSION = 1 << 10
    PUBLISH_CREDIT_PAYMENT_INFO = 1 << 12
    PUBLISH_CPP_EVENT = 1 << 13
    PUBLISH_TIER_LABELS = 1 << 14
    CANCEL_TARIFF = 1 << 15


class CalendarFlag(IntFlag):
    """NotificationFlags3 (0x0002)."""

    PUBLISH_CALENDAR = 1 << 0
    PUBLISH_SPECIAL_DAYS = 1 << 1
    PUBLISH_SEASONS = 1 << 2
    PUBLISH_WEEK = 1 << 3
    PUBLISH_DAY = 1 << 4
    CANCEL_CALENDAR = 1 << 5


class PrepaymentFlag(IntFlag):
    """NotificationFlags4 (0x0003)."""

    SELECT_AVAILABLE_EMERGENCY_CREDIT = 1 << 0
    CHANGE_DEBT = 1 << 1
    EMERGENCY_CREDIT_SETUP = 1 << 2
    CONSUMER_TOP_UP = 1 << 3
    CREDIT_ADJUSTMENT = 1 << 4
    CHANGE_PAYMENT_MODE = 1 << 5
    GET_PREPAY_SNAPSHOT = 1 << 6
    GET_TOP_UP_LOG = 1 << 7
    SET_LOW_CREDIT_WARNING_LEVEL = 1 << 8
    GET_DEBT_REPAYMENT_LOG = 1 << 9
    SET_MAXIMUM_CREDIT_LIMIT = 1 << 10
    SET_OVERALL_DEBT_CAP = 1 << 11


class DeviceManagementFlag(IntFlag):
    """NotificationFlags5 (0x0004)."""

    PUBLISH_CHANGE_OF_TENANCY = 1 << 0
    PUBLISH_CHANGE_OF_SUPPLIER = 1 << 1
    REQUEST_NEW_PASSWORD_1_RESPONSE = 1 << 2
    REQUEST_NEW_PASSWORD_2_RESPONSE = 1 << 3
    REQUEST_NEW_PASSWORD_3_RESPONSE = 1 << 4
    REQUEST_NEW_PASSWORD_4_RESPONSE = 1 << 5
    UPDATE_SITE_ID = 1 << 6
    RESET_BATTERY_COUNTER = 1 << 7
    UPDATE_CIN = 1 << 8


Flag = FunctionalFlag | PriceFlag | CalendarFlag | PrepaymentFlag | DeviceManagementFlag

_WORDS: Final[tuple[type[IntFlag], ...]] = (
    FunctionalFlag,
    PriceFlag,
    CalendarFlag,
    PrepaymentFlag,
    DeviceManagementFlag,
)
_HISTORICAL_METERING, _HISTORICAL_PREPAYMENT = 0b111 << 6, 0b111 << 9
_GSME_FUNCTIONAL: Final = sum(
    1 << bit for bit in (0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 21, 22, 23)
)
_GSME_PREPAYMENT: Final = (
    PrepaymentFlag.GET_PREPAY_SNAPSHOT
    | PrepaymentFlag.GET_TOP_UP_LOG
    | PrepaymentFlag.GET_DEBT_REPAYMENT_LOG
)


def word_of(flag: Flag) -> int:
    """The attribute identifier of the word a flag is in."""
    return _WORDS.index(type(flag))


def _field(flag: Flag) -> int:
    """The bits a flag occupies: its own, or the three-bit field that holds its code."""
    if isinstance(flag, FunctionalFlag):
        for code in (_HISTORICAL_METERING, _HISTORICAL_PREPAYMENT):
            if flag & code:
                return code
    return int(flag)


@dataclass(frozen=True, slots=True)
class NotificationFlags:
    """The five words of one mirror."""

    words: tuple[int, ...] = field(default=(0, 0, 0, 0, 0))

    def __contains__(self, flag: Flag) -> bool:
        return self.words[word_of(flag)] & _field(flag) == flag

    def with_flag(self, flag: Flag) -> NotificationFlags:
        """These flags with one more set; a code of a three-bit field replaces the one before."""
        return self._replace(word_of(flag), self.words[word_of(flag)] & ~_field(flag) | flag)

    def without(self, flag: Flag) -> NotificationFlags:
        """These flags with one less."""
        return self._replace(word_of(flag), self.words[word_of(flag)] & ~_field(flag))

    def permitted_for_gsme(self) -> NotificationFlags:
        """The flags a GB gas meter may act on; it must ignore the rest."""
        functional = self.words[0] & _GSME_FUNCTIONAL
        return NotificationFlags((functional, 0, 0, self.words[3] & _GSME_PREPAYMENT, 0))

    def _replace(self, word: int, bits: int) -> NotificationFlags:
        words = (*self.words[:word], int(bits), *self.words[word + 1 :])
        return replace(self, words=words)
