"""Gas by day, week and month as attributes: energy of Metering, cost of Prepayment.

Metering has them as Alternative Historical Consumption from 0x0C01, Prepayment as Historical Cost
Consumption from 0x051C (Smart Energy 1.4); a GB gas meter pushes the current day of each alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from device.periods import day_start, month_start, week_start
from gpf.history import Amounts, ConsumptionHistory
from gpf.mirror import AttributeKey
from han.clusters import METERING, PREPAYMENT

ENERGY_TODAY: Final[AttributeKey] = (METERING.cluster_id, 0x0C01)
COST_TODAY: Final[AttributeKey] = (PREPAYMENT.cluster_id, 0x051C)
_U24, _U32, _U48 = 0xFFFFFE, 0xFFFFFFFE, 0xFFFFFFFFFFFE
"""The largest values; the next one is the ZCL's invalid value."""

Start = Callable[[date, int], date]
"""First day of the current period, or of one so many periods back."""


@dataclass(frozen=True, slots=True)
class Period:
    """One attribute: a period so many ``back``, from what the meter pushes as ``source``."""

    start: Start
    back: int
    source: AttributeKey
    amount: Callable[[Amounts], int]
    largest: int

    def value(
        self, history: ConsumptionHistory, now: datetime, hidden_before: datetime | None
    ) -> int:
        """The attribute's value now."""
        today = now.date()
        first, last = self.start(today, self.back), self.start(today, self.back - 1)
        return min(self.amount(history.used(first, last, now, hidden_before)), self.largest)


def _energy(used: Amounts) -> int:
    return used.energy_wh


def _cost(used: Amounts) -> int:
    return used.cost


def _series(
    source: AttributeKey, first: int, start: Start, backs: range, largest: int
) -> dict[AttributeKey, Period]:
    """Attributes of one kind of period; what was received is at the steps between."""
    amount = _energy if source == ENERGY_TODAY else _cost
    return {
        (source[0], first + 2 * number): Period(start, back, source, amount, largest)
        for number, back in enumerate(backs)
    }


PERIODS: Final[dict[AttributeKey, Period]] = {
    **_series(ENERGY_TODAY, 0x0C01, day_start, range(2), _U24),
    **_series(ENERGY_TODAY, 0x0C20, day_start, range(2, 9), _U24),
    **_series(ENERGY_TODAY, 0x0C30, week_start, range(6), _U24),
    **_series(ENERGY_TODAY, 0x0C40, month_start, range(14), _U32),
    **_series(COST_TODAY, 0x051C, day_start, range(9), _U48),
    **_series(COST_TODAY, 0x0530, week_start, range(6), _U48),
    **_series(COST_TODAY, 0x0540, month_start, range(14), _U48),
}
"""The current period and 8 days, 5 weeks and 13 months before it, in each measure."""
