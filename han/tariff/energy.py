"""From volume of gas to energy, and the block in which a volume ends."""

from __future__ import annotations

from typing import Final

from han.tariff import book as prices
from han.tariff.book import TariffBook

BLOCKS: Final = 4
NANO: Final = 1_000_000_000
"""Costs are computed in billionths of the money unit, so that nothing is lost."""
_WH_PER_KWH: Final = 1000
_MJ_PER_KWH_TENTHS: Final = 36


class Conversion:
    """From volume to energy: calorific value in MJ/m3, times (or by) the conversion factor."""

    def __init__(self, book: TariffBook, *, multiplies: bool = True) -> None:
        value, factor = book.values[prices.CALORIFIC_VALUE], book.values[prices.CONVERSION_FACTOR]
        digits = book.values[prices.CALORIFIC_VALUE_DIGIT] >> 4
        factor_digits = book.values[prices.CONVERSION_FACTOR_DIGIT] >> 4
        over, under = value * 10, _MJ_PER_KWH_TENTHS * _power(digits)
        if multiplies:
            over, under = over * factor, under * _power(factor_digits)
        else:
            over, under = over * _power(factor_digits), under * max(factor, 1)
        self._over, self._under = over, under

    def energy_wh(self, volume_dm3: int) -> int:
        """Energy of a volume (a kWh per m3 is a Wh per dm3)."""
        return volume_dm3 * self._over // self._under

    def volume_dm3(self, energy_wh: int) -> int | None:
        """The least volume that has this energy; None when gas has none."""
        return -(-energy_wh * self._under // self._over) if self._over else None

    def cost_nano(self, volume_dm3: int, price: int) -> int:
        """Cost at a price per kWh, in billionths of the money unit."""
        return volume_dm3 * self._over * price * NANO // (self._under * _WH_PER_KWH)


def block_ends(book: TariffBook, gas: Conversion) -> list[int]:
    """Volumes at which blocks end; thresholds are energy (kWh), as the tariff scales them."""
    over = book.values[prices.THRESHOLD_MULTIPLIER] * _WH_PER_KWH
    under = max(book.values[prices.THRESHOLD_DIVISOR], 1)
    ends = (book.values[prices.BLOCK_1_THRESHOLD + block] for block in range(BLOCKS - 1))
    volumes = (gas.volume_dm3(end * over // under) for end in ends if end)
    return [volume for volume in volumes if volume is not None]


def block_of(book: TariffBook, used_dm3: int, gas: Conversion) -> int:
    """The block (from 0) in which consumption stands after a volume."""
    return sum(1 for end in block_ends(book, gas) if used_dm3 >= end)


def _power(digits: int) -> int:
    return int(10**digits)
