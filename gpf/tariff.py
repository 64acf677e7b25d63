"""What the GPF's own ESI knows of price and tariff; suppliers' tap-off messages will fill it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tariff:
    """``currency`` is an ISO 4217 number; ``price_trailing_digit`` counts decimals in bits 4-7."""

    currency: int = 826
    price_trailing_digit: int = 0x50
