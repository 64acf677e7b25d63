"""The running account: charges as they fall due, warnings, emergency credit, disablement.

Charges are taken at the end of each half hour, before every payment, and when credit is going to
reach a threshold; thresholds are looked at then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from device.recovered import Recovered
from device.tokens import TokenMemory
from esme.account.terms import NANO, Terms
from esme.money import Balances
from esme.tariff.registers import TariffRegisters

LOW_CREDIT: Final = 0x810D
EMERGENCY_AVAILABLE: Final = 0x8119
EMERGENCY_EXHAUSTED: Final = 0x81AA
EMERGENCY_ACTIVATED: Final = 0x81AB
DISABLED: Final = 0x8F0F
DISABLEMENT_SUSPENDED: Final = 0x8F83
ARMED: Final = 0x8F32
DEBT_COLLECTED: Final = (0x81A7, 0x81A8)
_HOUR_S, _DAY_S = 3600, 86_400
_NEXT: Final = 1
"""Spending anything reaches a threshold that is passed and has not been told."""


@dataclass(slots=True)
class AccountState:
    """What the account remembers besides the balances; warnings stand until they are over."""

    charged: TariffRegisters = field(default_factory=TariffRegisters)
    """Tariff registers up to which consumption is paid for."""
    owed_nano: int = 0
    """Charges that do not yet make one unit of money."""
    emergency_in_use: bool = False
    warned_low: bool = False
    emergency_offered: bool = False
    out_of_credit: bool = False
    disablement_suspended: bool = False
    """Whether it was told that only a non-disablement period keeps the supply on."""
    recovered: Recovered = field(default_factory=Recovered)
    tokens: TokenMemory = field(default_factory=TokenMemory)


class Account:
    """One account. ``protected`` says whether the supply must stay on now (non-disablement).

    Every method gives the event codes of what happened; ``disable`` is called when credit is gone,
    ``arm`` when a top-up has brought it back.
    """

    def __init__(
        self,
        state: AccountState,
        balances: Callable[[], Balances],
        terms: Terms,
        *,
        protected: Callable[[], bool],
        disable: Callable[[], object],
        arm: Callable[[], object],
    ) -> None:
        self.state = state
        self.terms = terms
        self._balances = balances
        self._protected = protected
        self._disable = disable
        self._arm = arm

    def begin(self, registers: TariffRegisters) -> None:
        """Take what the registers show now for paid."""
        self.state.charged = _copy(registers)

    def charge_consumption(self, registers: TariffRegisters) -> Iterator[int]:
        """Pay for what the tariff registers have taken since the last time."""
        used = _difference(registers, self.state.charged)
        self.state.charged = _copy(registers)
        yield from self._charge(self.terms.cost_nano(used), time_based=False)

    def charge_hour(self) -> Iterator[int]:
        """Pay what the time debts recover in an hour."""
        yield from self._recover_time_debts(_HOUR_S)

    def charge_day(self) -> Iterator[int]:
        """Pay the standing charge, and what the time debts recover in a day."""
        yield from self._charge(self.terms.standing_charge_nano(), time_based=True)
        yield from self._recover_time_debts(_DAY_S)

    def headroom_nano(self, registers: TariffRegisters) -> int | None:
        """What may be spent until a threshold is reached, in billionths; None when none is ahead.

        The thresholds are those of the warning, of the emergency credit, and of the disablement;
        what the registers have taken and is not paid yet counts as spent.
        """
        state, terms = self.state, self.terms
        left = [self._credit() - terms.disablement]
        if terms.low_credit and not state.warned_low:
            left.append(max(self._combined() - terms.low_credit + 1, _NEXT))
        if terms.emergency_limit and not (state.emergency_in_use or state.emergency_offered):
            left.append(max(self._balances().meter_balance - terms.emergency_threshold, _NEXT))
        ahead = min((each for each in left if each > 0), default=None)
        if ahead is None:
            return None
        unpaid_nano = terms.cost_nano(_difference(registers, state.charged))
        return ahead * NANO - state.owed_nano - unpaid_nano

    @property
    def can_run_out(self) -> bool:
        """Whether the consumer pays before use, and has not used it all up."""
        return self.terms.prepayment and not self.state.out_of_credit

    @property
    def is_kept_on(self) -> bool:
        """Whether nothing but a non-disablement period keeps the supply on."""
        return self.state.disablement_suspended

    @property
    def offers_emergency_credit(self) -> bool:
        """Whether the consumer may take the emergency credit now."""
        terms, in_use = self.terms, self.state.emergency_in_use
        return terms.prepayment and not in_use and self._is_below_threshold()

    @property
    def is_low(self) -> bool:
        """Whether the consumer is to be warned."""
        return self._is_low()

    def activate_emergency_credit(self) -> Iterator[int]:
        """The consumer, or the supplier for him, takes the emergency credit."""
        if not self.state.emergency_in_use:
            self.state.emergency_in_use = True
            self._balances().emergency_credit = self.terms.emergency_limit
        yield EMERGENCY_ACTIVATED
        yield from self._restore()

    def pay_in(self, amount: int, most_debt: int | None = None) -> tuple[int, int]:
        """Split a payment: payment debt, accumulated debt, emergency credit, then the balance.

        What went to the payment debt (at most ``most_debt``), and what to the balance.
        """
        balances = self._balances()
        share = min(amount * self.terms.debt_share // 10_000, max(balances.payment_debt, 0))
        if most_debt is not None:
            share = min(share, most_debt)
        balances.payment_debt -= share
        rest = amount - share
        repaid = min(rest, balances.accumulated_debt)
        balances.accumulated_debt -= repaid
        rest -= repaid
        if self.state.emergency_in_use:
            rest -= self._repay_emergency_credit(rest)
        balances.meter_balance += rest
        return share, rest

    def look(self) -> Iterator[int]:
        """See whether there is credit enough for the supply to stay on."""
        state, terms = self.state, self.terms
        if not terms.prepayment or state.out_of_credit or self._credit() > terms.disablement:
            state.disablement_suspended = False
        elif not self._protected():
            state.out_of_credit, state.disablement_suspended = True, False
            self._disable()
            yield DISABLED
        elif not state.disablement_suspended:
            state.disablement_suspended = True
            yield DISABLEMENT_SUSPENDED

    def after_payment(self) -> Iterator[int]:
        """Look at the thresholds again: the supply is armed when there is credit again."""
        balances = self._balances()
        self.state.warned_low = self._is_low()
        if self._credit() > self.terms.disablement:
            self.state.disablement_suspended = False
        if balances.meter_balance > self.terms.emergency_threshold:
            self.state.emergency_offered = False
        yield from self._restore()

    def _restore(self) -> Iterator[int]:
        if self.state.out_of_credit and self._credit() > self.terms.disablement:
            self.state.out_of_credit = False
            if self._arm():
                yield ARMED

    def _recover_time_debts(self, length_s: int) -> Iterator[int]:
        """Recover what is due at the end of an hour, or of a day."""
        waits = self.state.out_of_credit and self.terms.suspends_debt_when_disabled
        if waits or not self.terms.prepayment:
            return
        for number, code in enumerate(DEBT_COLLECTED, start=1):
            debt = self._balances().time_debt(number)
            recovered = min(self.terms.debt_recovery_nano(number, length_s) // NANO, debt)
            if recovered > 0:
                self._balances().recover(number, recovered)
                yield from self._charge(recovered * NANO, time_based=True)
                if recovered == debt:
                    yield code

    def _charge(self, nano: int, *, time_based: bool) -> Iterator[int]:
        state = self.state
        amount, state.owed_nano = divmod(state.owed_nano + nano, NANO)
        if not self.terms.prepayment:
            self._balances().meter_balance -= amount
            return
        if time_based and state.emergency_in_use and self.terms.suspends_debt_in_emergency:
            self._balances().accumulated_debt += amount
            return
        if amount:
            yield from self._spend(amount)
            yield from self._warn()
            yield from self.look()

    def _spend(self, amount: int) -> Iterator[int]:
        balances, state = self._balances(), self.state
        above = max(balances.meter_balance - self.terms.disablement, 0)
        emergency = balances.emergency_credit if state.emergency_in_use else 0
        taken = min(max(amount - above, 0), emergency)
        balances.emergency_credit -= taken
        balances.meter_balance -= amount - taken
        if taken and not balances.emergency_credit:
            yield EMERGENCY_EXHAUSTED

    def _warn(self) -> Iterator[int]:
        """Tell of thresholds that spending has reached."""
        state = self.state
        low = self._is_low()
        if low and not state.warned_low:
            yield LOW_CREDIT
        state.warned_low = low
        if self._is_below_threshold() and not (state.emergency_offered or state.emergency_in_use):
            state.emergency_offered = True
            yield EMERGENCY_AVAILABLE

    def _is_below_threshold(self) -> bool:
        terms = self.terms
        below = self._balances().meter_balance <= terms.emergency_threshold
        return below and terms.emergency_limit > 0

    def _credit(self) -> int:
        """Credit that can be used now."""
        balances = self._balances()
        extra = balances.emergency_credit if self.state.emergency_in_use else 0
        return balances.meter_balance + extra

    def _is_low(self) -> bool:
        """Whether the consumer is to be warned; a threshold of zero warns of nothing."""
        return bool(self.terms.low_credit) and self._combined() < self.terms.low_credit

    def _combined(self) -> int:
        """Balance and unused emergency credit, activated or not."""
        if self.state.emergency_in_use:
            return self._credit()
        return self._balances().meter_balance + self.terms.emergency_limit

    def _repay_emergency_credit(self, available: int) -> int:
        balances = self._balances()
        repaid = min(available, max(self.terms.emergency_limit - balances.emergency_credit, 0))
        balances.emergency_credit += repaid
        if balances.emergency_credit >= self.terms.emergency_limit:
            self.state.emergency_in_use, balances.emergency_credit = False, 0
        return repaid


def _difference(later: TariffRegisters, earlier: TariffRegisters) -> TariffRegisters:
    used = TariffRegisters()
    used.tou = [a - b for a, b in zip(later.tou, earlier.tou, strict=True)]
    used.secondary = [a - b for a, b in zip(later.secondary, earlier.secondary, strict=True)]
    rows = zip(later.blocks, earlier.blocks, strict=True)
    used.blocks = [[a - b for a, b in zip(*row, strict=True)] for row in rows]
    return used


def _copy(registers: TariffRegisters) -> TariffRegisters:
    return TariffRegisters(
        tou=list(registers.tou),
        blocks=[list(row) for row in registers.blocks],
        secondary=list(registers.secondary),
    )
