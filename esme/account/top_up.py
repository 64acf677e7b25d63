"""Top-ups: a token of twenty digits is checked, then credited once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from esme.account.account import Account
from esme.money import Balances
from gbcs.errors import MalformedMessage
from gbcs.utrn import Token, parse

DUPLICATE: Final = 0x8F51
ABOVE_MAXIMUM_CREDIT: Final = 0x8F5B
ABOVE_MAXIMUM_BALANCE: Final = 0x8F47
NOT_AUTHENTIC: Final = 0x8F63
NOT_FOR_THIS_DEVICE: Final = 0x8F64
UNITS_PER_PENNY: Final = 1_000
_COUNTER_BITS: Final = 0x3FF

IsAuthentic = Callable[[Token, int], bool]
"""Whether a token under a full counter carries the MAC of this meter's supplier."""


def no_token(_token: Token, _counter: int) -> bool:
    """A meter without a prepayment key takes no token."""
    return False


@dataclass(frozen=True, slots=True)
class TopUp:
    """An accepted top-up: its amount, and what of it went to the payment debt."""

    amount: int
    debt_payment: int


def accept(
    digits: bytes, counter: int, account: Account, balances: Balances, is_authentic: IsAuthentic
) -> TopUp | int:
    """Credit a token under a counter, or say with an event code why not.

    A token that reads well but has another MAC is taken for one of another meter: the MAC covers
    the meter's identifier, and nothing in a token tells the two cases apart.
    """
    try:
        token = parse(digits.decode("ascii", "replace"))
    except MalformedMessage:
        return NOT_AUTHENTIC
    if token.truncated_counter != counter & _COUNTER_BITS or not is_authentic(token, counter):
        return NOT_FOR_THIS_DEVICE
    if counter <= account.state.token_counter:
        return DUPLICATE
    amount = token.value_pence * UNITS_PER_PENNY
    terms = account.terms
    if terms.maximum_credit and amount > terms.maximum_credit:
        return ABOVE_MAXIMUM_CREDIT
    if terms.maximum_balance and balances.meter_balance + amount > terms.maximum_balance:
        return ABOVE_MAXIMUM_BALANCE
    account.state.token_counter = counter
    debt_payment, _ = account.pay_in(amount)
    return TopUp(amount, debt_payment)
