"""Prepayment balances, in 1/100000 of the currency unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class PaymentMode(IntEnum):
    """How the consumer pays."""

    CREDIT = 1
    PREPAYMENT = 2


@dataclass(slots=True)
class Balances:
    """What the consumer has (positive) or owes.

    Debts are positive amounts still to be collected.
    """

    meter_balance: int = 0
    emergency_credit: int = 0
    accumulated_debt: int = 0
    time_debt_1: int = 0
    time_debt_2: int = 0
    payment_debt: int = 0

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
