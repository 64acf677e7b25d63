"""Gas through the meter: the register, its tiers and blocks, and the energy and cost of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gsme.account import NANO
from gsme.model import BLOCKS, TIERS, GasMeterModel
from han.tariff import book as prices
from han.tariff.book import TariffBook

_US_PER_HOUR: Final = 3_600_000_000
_MICROSECOND: Final = timedelta(microseconds=1)
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


def _power(digits: int) -> int:
    return int(10**digits)


def flow(model: GasMeterModel, elapsed: timedelta) -> int:
    """The dm3 that flow in a time; what is not yet a whole one is kept for the next time."""
    flowed = model.flow_dm3_per_h * (elapsed // _MICROSECOND) + model.flow_remainder
    whole_dm3, model.flow_remainder = divmod(flowed, _US_PER_HOUR)
    return whole_dm3


def measure(model: GasMeterModel, volume_dm3: int, tier: int | None, gas: Conversion) -> int:
    """Count a volume in the register, its tier or its blocks; its cost in billionths.

    Without a tariff it is counted in the first tier and costs nothing.
    """
    model.volume_dm3 += volume_dm3
    model.day_energy_wh += gas.energy_wh(volume_dm3)
    cost = 0
    for block, part in _by_blocks(model, volume_dm3, gas):
        model.block_volumes_dm3[block] += part
        if model.tariff.by_blocks and tier is not None:
            cost += gas.cost_nano(part, model.tariff.price(0, block))
    if not model.tariff.by_blocks:
        place = min(max(tier or 1, 1), TIERS)
        model.tier_volumes_dm3[place - 1] += volume_dm3
        if tier is not None:
            cost = gas.cost_nano(volume_dm3, model.tariff.price(place, 0))
    return cost


def block_now(model: GasMeterModel, gas: Conversion) -> int:
    """The block (from 0) in which consumption stands."""
    used = sum(model.block_volumes_dm3)
    limits = _limits(model.tariff, gas)
    return sum(1 for limit in limits if used >= limit)


def _by_blocks(model: GasMeterModel, volume_dm3: int, gas: Conversion) -> list[tuple[int, int]]:
    """A volume cut where blocks end."""
    used, parts = sum(model.block_volumes_dm3), []
    for block, limit in enumerate([*_limits(model.tariff, gas), used + volume_dm3]):
        part = min(max(limit - used, 0), volume_dm3)
        parts.append((block, part))
        used, volume_dm3 = used + part, volume_dm3 - part
    return parts


def _limits(book: TariffBook, gas: Conversion) -> list[int]:
    """Volumes at which blocks end; thresholds are energy (kWh), as the tariff scales them."""
    over = book.values[prices.THRESHOLD_MULTIPLIER] * _WH_PER_KWH
    under = max(book.values[prices.THRESHOLD_DIVISOR], 1)
    ends = (book.values[prices.BLOCK_1_THRESHOLD + block] for block in range(BLOCKS - 1))
    volumes = (gas.volume_dm3(end * over // under) for end in ends if end)
    return [volume for volume in volumes if volume is not None]
