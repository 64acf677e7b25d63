"""Prepayment balances, in 1/100000 of the currency unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

LEAST: Final = -(1 << 31)
MOST: Final = (1 << 31) - 1
"""Ends of a balance, in the meter as on the wire."""


class PaymentMode(IntEnum):
    """How the consumer pays."""

    CREDIT = 1
    PREPAYMENT = 2


@dataclass(slots=True)
class Balances:
    """What the consumer has (positive) or owes.

    Debts are positive amounts still to be collected. Each is a register of 32 bits that stays at
    its end when it is full.
    """

    meter_balance: int = 0
    emergency_credit: int = 0
    accumulated_debt: int = 0
    time_debt_1: int = 0
    time_debt_2: int = 0
    payment_debt: int = 0

    def __setattr__(self, name: str, value: int) -> None:
        object.__setattr__(self, name, min(max(value, LEAST), MOST))

    def time_debt(self, number: int) -> int:
        """Time debt 1 or 2."""
        return self.time_debt_1 if number == 1 else self.time_debt_2

    def recover(self, number: int, amount: int) -> None:
        """Collect a part of time debt 1 or 2."""
        if number == 1:
            self.time_debt_1 -= amount
        else:
            self.time_debt_2 -= amount

    def collection(self) -> tuple[int, ...]:
        """In the order of the balance collection (ECS19)."""
        return (
            self.meter_balance,
            self.emergency_credit,
            self.accumulated_debt,
            self.time_debt_1,
            self.time_debt_2,
            self.payment_debt,
        )

    def snapshot(self) -> tuple[int, ...]:
        """In the order of the logs (ECS20b, ECS20c, ECS21b)."""
        return (
            self.emergency_credit,
            self.meter_balance,
            self.payment_debt,
            self.time_debt_1,
            self.time_debt_2,
            self.accumulated_debt,
        )
