"""Whether measurement periods lie where they may (MP085A), from what a Response says alone.

This is arithmetic on seconds since 2000-01-01 of its own: nothing of the meter is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

HALF_HOUR_S: Final = 1_800


@dataclass(frozen=True, slots=True)
class Measured:
    """One entry of a profile: its mean, the end of its period, and the period then in force."""

    end_s: int
    mean_v: int
    period_s: int

    @property
    def start_s(self) -> int:
        """When the period began."""
        return self.end_s - self.period_s

    @property
    def is_aligned(self) -> bool:
        """Whether it began on a half hour, or tiles the half hour that it lies in."""
        into_half_hour_s = self.start_s % HALF_HOUR_S
        fits = into_half_hour_s + self.period_s <= HALF_HOUR_S
        return into_half_hour_s == 0 or (into_half_hour_s % self.period_s == 0 and fits)


def overlaps(entries: Sequence[Measured]) -> list[tuple[Measured, Measured]]:
    """Neighbours that measured the same time twice, or are out of order."""
    return [(one, next_) for one, next_ in pairwise(entries) if next_.start_s < one.end_s]


def within(entries: Sequence[Measured], from_s: int, to_s: int) -> list[Measured]:
    """Entries whose period has any of the time between two moments in it."""
    return [entry for entry in entries if entry.start_s < to_s and entry.end_s > from_s]
