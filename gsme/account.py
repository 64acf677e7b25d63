"""The account of a gas meter: charges, warnings, emergency credit, what a top-up is worth.

In credit mode charges count up what is owed. In prepayment mode they are taken from the balance,
then from emergency credit in use; what time recovers meanwhile goes to the accumulated debt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gsme import codes
from gsme.model import Account, PaymentControl
from han.tariff.energy import NANO

HOURLY: Final = 0
_SHARES: Final = 10_000
_HOURS_PER_DAY: Final = 24
PAYMENT_DEBT: Final = 2
LEAST_BALANCE, MOST_BALANCE = -0x80000000, 0x7FFFFFFF
"""What the HAN can carry of a balance, a debt that accumulates, and emergency credit."""
MOST_BILLED: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Paid:
    """What became of a payment: to the payment debt, and to the balance."""

    debt: int
    credit: int


def charge(
    account: Account, nano: int, *, time_based: bool, protected: bool = False
) -> Iterator[int]:
    """Take a charge, in billionths of the money unit; the codes of what came of it.

    ``protected``: now the supply is not to be disabled.
    """
    amount, account.owed_nano = divmod(account.owed_nano + nano, NANO)
    if not account.prepayment:
        account.bill_to_date = min(account.bill_to_date + amount, MOST_BILLED)
        return
    if time_based and account.emergency_in_use and _is_suspended(account):
        account.accumulated_debt = min(account.accumulated_debt + amount, MOST_BALANCE)
        return
    yield from _spend(account, amount)
    yield from _look(account, protected=protected)


def recover(account: Account, number: int, *, hours: int, protected: bool = False) -> Iterator[int]:
    """Recover time debt 0 or 1 for so many hours."""
    if not account.prepayment:
        return
    per_hour = account.recovery_frequencies[number] == HOURLY
    amount = account.recovery_amounts[number] * (hours if per_hour else hours // _HOURS_PER_DAY)
    amount = min(amount, account.debt_amounts[number])
    if amount <= 0:
        return
    account.debt_amounts[number] -= amount
    yield from charge(account, amount * NANO, time_based=True, protected=protected)
    if not account.debt_amounts[number]:
        yield codes.TIME_DEBT_COLLECTED[number]


def may_select(account: Account) -> bool:
    """Whether emergency credit is there to be selected."""
    return (
        account.prepayment
        and account.emergency_limit > 0
        and not account.emergency_in_use
        and account.credit_remaining <= account.emergency_threshold
    )


def select(account: Account) -> Iterator[int]:
    """Take the emergency credit."""
    account.emergency_in_use = True
    account.emergency_credit_remaining = account.emergency_limit
    yield codes.EMERGENCY_ACTIVATED
    yield from look_again(account)


def pay_in(account: Account, amount: int, recovered: int = 0) -> Paid:
    """Split a payment: payment debt, accumulated debt, emergency credit, then the balance.

    ``recovered`` is the debt that payments have paid in the week before: OverallDebtCap is what
    they may take in a week.
    """
    debt = account.debt_amounts[PAYMENT_DEBT]
    share = min(amount * account.top_up_percentage // _SHARES, debt)
    if account.overall_debt_cap > 0:
        share = min(share, max(account.overall_debt_cap - recovered, 0))
    account.debt_amounts[PAYMENT_DEBT] -= share
    rest = amount - share
    repaid = min(rest, account.accumulated_debt)
    account.accumulated_debt -= repaid
    rest -= repaid
    if account.emergency_in_use:
        rest -= _repay(account, rest)
    account.credit_remaining += rest
    return Paid(share, rest)


def look_again(account: Account) -> Iterator[int]:
    """Look at the thresholds after a payment: with credit again the supply can be armed."""
    account.warned_low = _is_low(account)
    if account.credit_remaining > account.emergency_threshold:
        account.emergency_offered = False
    if account.out_of_credit and usable(account) > account.cut_off:
        account.out_of_credit = False
        yield codes.ARMED


def usable(account: Account) -> int:
    """Credit that can be used now."""
    extra = account.emergency_credit_remaining if account.emergency_in_use else 0
    return account.credit_remaining + extra


def _is_suspended(account: Account) -> bool:
    """Whether time-based charges wait while emergency credit is in use."""
    return not account.payment_control & PaymentControl.EMERGENCY_DEBT


def _spend(account: Account, amount: int) -> Iterator[int]:
    above = max(account.credit_remaining - account.cut_off, 0)
    emergency = account.emergency_credit_remaining if account.emergency_in_use else 0
    taken = min(max(amount - above, 0), emergency)
    account.emergency_credit_remaining -= taken
    account.credit_remaining = max(account.credit_remaining - amount + taken, LEAST_BALANCE)
    if taken and not account.emergency_credit_remaining:
        yield codes.EMERGENCY_EXHAUSTED


def _look(account: Account, *, protected: bool) -> Iterator[int]:
    low = _is_low(account)
    if low and not account.warned_low:
        yield codes.LOW_CREDIT
    account.warned_low = low
    if may_select(account) and not account.emergency_offered:
        account.emergency_offered = True
        yield codes.EMERGENCY_AVAILABLE
    if usable(account) > account.cut_off or account.out_of_credit:
        account.disablement_suspended = False
    elif not protected:
        account.out_of_credit = True
        yield codes.DISABLED
    elif not account.disablement_suspended:
        account.disablement_suspended = True
        yield codes.DISABLEMENT_SUSPENDED


def _is_low(account: Account) -> bool:
    """Whether the consumer is to be warned; a threshold of zero warns of nothing."""
    unused = 0 if account.emergency_in_use else account.emergency_limit
    return bool(account.low_credit) and usable(account) + unused < account.low_credit


def _repay(account: Account, available: int) -> int:
    repaid = min(available, max(account.emergency_limit - account.emergency_credit_remaining, 0))
    account.emergency_credit_remaining += repaid
    if account.emergency_credit_remaining >= account.emergency_limit:
        account.emergency_in_use, account.emergency_credit_remaining = False, 0
    return repaid
