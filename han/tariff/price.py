"""The price at a moment, as PublishPrice says it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gbcs.zcl.types import zcl_seconds
from han.commands.price import PublishPrice
from han.tariff.book import CURRENCY, DELIVERED, PRICE_TRAILING_DIGIT, TIERS_IN_USE, TariffBook
from han.tariff.calendar import in_force, next_switch

NOW: Final = 0
UNTIL_CHANGED: Final = 0xFFFF
_TIER: Final = 0x0F
_MINUTE: Final = timedelta(minutes=1)


def tier_at(book: TariffBook, now: datetime) -> int | None:
    """The tier at a moment, 0 where prices go by blocks; None without a calendar for it."""
    calendar = book.calendar(DELIVERED)
    switch = None if calendar is None else in_force(calendar, now)
    if switch is None:
        return None
    return 0 if book.by_blocks else switch.tier


def price_at(book: TariffBook, now: datetime, *, block: int, unit: int) -> PublishPrice | None:
    """The price that holds from a moment to the next switch; None when no tariff is in force.

    ``block`` (from 0) is where consumption stands, ``unit`` what the meter measures in: for gas the
    use case (GCS21f) states cubic metres here, though the tariff's own unit and its prices are kWh.
    """
    calendar, tier = book.calendar(DELIVERED), tier_at(book, now)
    if calendar is None or calendar.header is None or tier is None:
        return None
    until = next_switch(calendar, now)
    duration = UNTIL_CHANGED if until is None else -((now - until) // _MINUTE)
    return PublishPrice(
        provider_id=calendar.header.provider_id,
        rate_label=b"",
        issuer_event_id=calendar.header.issuer_event_id,
        current_time=zcl_seconds(now),
        unit=unit,
        currency=book.values[CURRENCY],
        trailing_digit_and_tier=book.values[PRICE_TRAILING_DIGIT] & ~_TIER | tier & _TIER,
        price_tiers_and_register_tier=book.values[TIERS_IN_USE] << 4 & 0xF0 | tier & _TIER,
        start_time=NOW,
        duration_min=duration,
        price=book.price(tier, block),
    )
