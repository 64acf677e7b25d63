"""Gas through the meter: the register, its tiers and blocks, and the energy and cost of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gsme.model import TIERS, GasMeterModel
from han.tariff.energy import Conversion, block_ends

_US_PER_HOUR: Final = 3_600_000_000
_MICROSECOND: Final = timedelta(microseconds=1)


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


def _by_blocks(model: GasMeterModel, volume_dm3: int, gas: Conversion) -> list[tuple[int, int]]:
    """A volume cut where blocks end."""
    used, parts = sum(model.block_volumes_dm3), []
    for block, limit in enumerate([*block_ends(model.tariff, gas), used + volume_dm3]):
        part = min(max(limit - used, 0), volume_dm3)
        parts.append((block, part))
        used, volume_dm3 = used + part, volume_dm3 - part
    return parts
