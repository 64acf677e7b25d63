"""What payments have recovered of debt of late, for the cap on it (DebtRecoveryRateCap)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

PLACES: Final = 50


@dataclass(slots=True)
class Recovered:
    """Payments of the cap's period, oldest first.

    Of more than there are places for, the oldest two count as one, made at the later's time: what
    is left of a cap is never too much.
    """

    payments: list[tuple[datetime, int]] = field(default_factory=list)

    def add(self, at: datetime, amount: int, period: timedelta) -> None:
        """A payment has recovered so much; what lies a period back is forgotten."""
        recent = [payment for payment in self.payments if payment[0] > at - period]
        recent.append((at, amount))
        if len(recent) > PLACES:
            (_, first), (later, second), *rest = recent
            recent = [(later, first + second), *rest]
        self.payments = recent

    def since(self, moment: datetime) -> int:
        """What was recovered after a moment."""
        return sum(amount for at, amount in self.payments if at > moment)
