"""Top-ups: a token that passed the gate is credited, if the limits of the account allow it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device.tokens import ABOVE_MAXIMUM_BALANCE, ABOVE_MAXIMUM_CREDIT, Refused, TokenGate
from esme.account.account import Account
from esme.money import Balances
from gbcs.utrn import Token

UNITS_PER_PENNY: Final = 1_000


def no_token(_token: Token, _counter: int) -> bool:
    """A meter without a prepayment key takes no token."""
    return False


@dataclass(frozen=True, slots=True)
class TopUp:
    """An accepted top-up: its amount, and what of it went to the payment debt."""

    amount: int
    debt_payment: int


def credit(
    digits: bytes,
    now: datetime,
    counter: int | None,
    gate: TokenGate,
    account: Account,
    balances: Balances,
    most_debt: int | None = None,
) -> TopUp | Refused:
    """Credit a token under a counter, or one entered by hand; or say with event codes why not.

    ``most_debt`` is what it may pay of the payment debt; None: all of it.
    """
    checked = gate.check(digits, now, counter)
    if isinstance(checked, Refused):
        return checked
    amount = checked.token.value_pence * UNITS_PER_PENNY
    terms = account.terms
    if terms.maximum_credit and amount > terms.maximum_credit:
        return Refused((ABOVE_MAXIMUM_CREDIT,))
    if terms.maximum_balance and balances.meter_balance + amount > terms.maximum_balance:
        return Refused((ABOVE_MAXIMUM_BALANCE,))
    gate.spent(checked)
    debt_payment, _ = account.pay_in(amount, most_debt)
    return TopUp(amount, debt_payment)
