"""Tariff registers: at any time exactly one of them takes the consumption of an element.

The registers follow the cumulative ones by differences, so they add up to what those moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from esme.metering.energy import Readings

TOU_REGISTERS: Final = 48
SECONDARY_REGISTERS: Final = 4
BLOCKS: Final = 4
BLOCK_TOU_REGISTERS: Final = 8
UNUSED_THRESHOLD: Final = 0xFFFFFFFF

FIRST_TOU: Final = 1
FIRST_BLOCK_TOU: Final = 101
FIRST_SECONDARY: Final = 201
"""Scripts of the switching table: 1 to 48, 101 to 108, 201 to 204."""


def _matrix() -> list[list[int]]:
    return [[0] * BLOCK_TOU_REGISTERS for _ in range(BLOCKS)]


@dataclass(slots=True)
class TariffRegisters:
    """Wh by time of use, and by block and time of use.

    ``counters`` say how far the present block period has come; they are what thresholds compare.
    ``script`` and ``secondary_script`` select the register in use.
    """

    tou: list[int] = field(default_factory=lambda: [0] * TOU_REGISTERS)
    blocks: list[list[int]] = field(default_factory=_matrix)
    counters: list[list[int]] = field(default_factory=_matrix)
    secondary: list[int] = field(default_factory=lambda: [0] * SECONDARY_REGISTERS)
    script: int = FIRST_TOU
    secondary_script: int = FIRST_SECONDARY
    primary_counted_wh: int = 0
    secondary_counted_wh: int = 0

    def settle(self, readings: Readings, thresholds: Sequence[Sequence[int]]) -> None:
        """Give what was used since the last time to the registers in use.

        ``thresholds`` are Wh per block period: for each time of use the ends of blocks 1 to 3.
        """
        used = readings.active_import_wh - self.primary_counted_wh
        second = readings.secondary_import_wh - self.secondary_counted_wh
        self.primary_counted_wh += used
        self.secondary_counted_wh += second
        place = self.script - FIRST_TOU
        if 0 <= place < TOU_REGISTERS:
            self.tou[place] += used
        else:
            self._fill_blocks(self.script - FIRST_BLOCK_TOU, used, thresholds)
        self.secondary[self.secondary_script - FIRST_SECONDARY] += second

    def reset_counters(self) -> None:
        """Start a block period."""
        self.counters = _matrix()

    def _fill_blocks(self, tou: int, used: int, thresholds: Sequence[Sequence[int]]) -> None:
        total = sum(row[tou] for row in self.counters)
        ends = [end for end in thresholds[tou][: BLOCKS - 1] if end != UNUSED_THRESHOLD]
        for block in range(BLOCKS):
            room = max(ends[block] - total, 0) if block < len(ends) else used
            taken = min(used, room)
            self.blocks[block][tou] += taken
            self.counters[block][tou] += taken
            used, total = used - taken, total + taken


def is_primary_script(script: int) -> bool:
    """Whether a script of the switching table selects a register of the primary element."""
    return (
        FIRST_TOU <= script < FIRST_TOU + TOU_REGISTERS
        or FIRST_BLOCK_TOU <= script < FIRST_BLOCK_TOU + BLOCK_TOU_REGISTERS
    )


def is_secondary_script(script: int) -> bool:
    """Whether it selects one of the secondary element."""
    return FIRST_SECONDARY <= script < FIRST_SECONDARY + SECONDARY_REGISTERS
