"""The tariff as a price list: which registers it has, what each costs, and which one counts now.

A view of what the supplier has set; COSEM and the clusters of the HAN both show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from device.cosem.settings import Settings
from device.cosem.table import Place
from esme.account.terms import Terms
from esme.tariff.registers import (
    BLOCK_TOU_REGISTERS,
    BLOCKS,
    FIRST_BLOCK_TOU,
    FIRST_SECONDARY,
    FIRST_TOU,
    TOU_REGISTERS,
    UNUSED_THRESHOLD,
    TariffRegisters,
)
from esme.tariff.switching import TariffSwitch

_CURRENCY_UNIT: Final = Place.parse("9000/0-0:94.44.2.0/2")
_POUND, _EURO = 826, 978  # ISO 4217
_MOST_SHOWN: Final = 0xFFFFFFFE
"""All ones say "invalid" on the HAN."""
CHANGES: Final = frozenset(
    Place.parse(text)
    for text in (
        *(f"20/0-0:13.0.{element}.255/10" for element in (0, 1)),
        *(f"9000/0-0:94.44.128.{number}/6" for number in (29, 30)),
        *(f"113/0-0:19.20.{charge}.255/7" for charge in (0, 4, 5)),
        "9000/0-0:63.1.1.255/6",
        "9000/0-0:94.44.2.0/6",
    )
)
"""Activation times of the parts of a tariff."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One register of the tariff: a time of use, and a block of it (both from 1); 0: no blocks."""

    tier: int
    block: int = 0

    @property
    def price_index(self) -> int:
        """Its place among the prices."""
        if not self.block:
            return self.tier
        return TOU_REGISTERS + (self.block - 1) * BLOCK_TOU_REGISTERS + self.tier


class TariffSheet:
    """The price list of one meter. Prices are in 1/100000 of the currency unit for a kWh."""

    def __init__(
        self, settings: Settings, terms: Terms, switch: TariffSwitch, registers: TariffRegisters
    ) -> None:
        self._settings, self._terms = settings, terms
        self._switch, self._registers = switch, registers

    @property
    def currency(self) -> int:
        """ISO 4217 number."""
        held = self._settings.find(_CURRENCY_UNIT)
        return _EURO if held is not None and held.value else _POUND

    @property
    def standing_charge(self) -> int:
        """For a day."""
        return _shown(self._terms.standing_charge)

    @property
    def has_blocks(self) -> bool:
        """Whether the price depends on how much was used."""
        return any(script >= FIRST_BLOCK_TOU for script in self._scripts())

    @property
    def tiers(self) -> tuple[int, ...]:
        """Times of use that the switching table knows."""
        first = FIRST_BLOCK_TOU if self.has_blocks else FIRST_TOU
        return tuple(sorted(script - first + 1 for script in self._scripts() if script >= first))

    def cells(self) -> tuple[Cell, ...]:
        """Every register of this tariff."""
        if not self.has_blocks:
            return tuple(Cell(tier) for tier in self.tiers)
        return tuple(
            Cell(tier, block)
            for tier in self.tiers
            for block in range(1, len(self.thresholds(tier)) + 2)
        )

    def thresholds(self, tier: int) -> tuple[int, ...]:
        """Where the blocks of a time of use end, in Wh; the last one has no end."""
        if not 1 <= tier <= BLOCK_TOU_REGISTERS:
            return ()
        ends = self._switch.thresholds()[tier - 1]
        return tuple(end for end in ends[: BLOCKS - 1] if end != UNUSED_THRESHOLD)

    def prices(self) -> Mapping[int, int]:
        """By index (see :class:`Cell`)."""
        return {index: _shown(price) for index, price in self._terms.prices().items()}

    @property
    def active_price_nano(self) -> int:
        """What a Wh costs now, in billionths."""
        return self._terms.prices_nano().get(self.active.price_index, 0)

    @property
    def secondary_price_nano(self) -> int:
        """What a Wh on the secondary element costs now, in billionths."""
        return self._terms.secondary_prices_nano().get(self._secondary_tier, 0)

    def cell_of(self, script: int) -> Cell:
        """The register that a script of the switching table selects now."""
        if script < FIRST_BLOCK_TOU:
            return Cell(script)
        tier = script - FIRST_BLOCK_TOU + 1
        self._switch.settle()
        used = sum(row[tier - 1] for row in self._registers.counters)
        return Cell(tier, 1 + sum(end <= used for end in self.thresholds(tier)))

    @property
    def active(self) -> Cell:
        """The register in use."""
        return self.cell_of(self._registers.script)

    @property
    def active_price(self) -> int:
        """What a kWh costs now."""
        return self.prices().get(self.active.price_index, 0)

    @property
    def secondary_active_price(self) -> int:
        """What a kWh on the secondary element costs now."""
        return _shown(self._terms.secondary_prices().get(self._secondary_tier, 0))

    @property
    def _secondary_tier(self) -> int:
        return self._registers.secondary_script - FIRST_SECONDARY + 1

    def _scripts(self) -> set[int]:
        """Scripts of the primary switching table; without one, that in use."""
        days = self._switch.calendars()[0].days.values()
        return {switch.script for day in days for switch in day} or {self._registers.script}


def _shown(amount: int) -> int:
    """An amount as 32 bits without a sign can show it; a negative price shows as nothing."""
    return min(max(amount, 0), _MOST_SHOWN)
