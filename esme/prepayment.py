"""Paying for energy: charges as they fall due, top-ups, emergency credit, and the supply.

What the household may do here it does at a display, on the meter, or through its supplier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from device.cosem.settings import Settings
from device.tokens import ADDED_LOCALLY, IsAuthentic, PrepaySettings, Refused, TokenGate
from esme.account.account import Account
from esme.account.terms import Terms
from esme.account.top_up import TopUp, credit
from esme.kept import Kept, SupplyState
from esme.metering.energy import NANOJOULES_PER_WH, EnergyRegisters
from esme.physics.site import Conditions
from esme.tariff.sheet import TariffSheet
from esme.tariff.switching import TariffSwitch
from han.commands.prepayment import OriginatingDevice

Tell = Callable[[int], object]
_DAY_US: Final = 86_400_000_000
BY_MESSAGE: Final = OriginatingDevice.ENERGY_SERVICE_INTERFACE


class Prepayment:
    """The money of one meter. ``tell`` takes event codes; ``switch`` puts the load switch."""

    def __init__(
        self,
        kept: Kept,
        settings: Settings,
        tariff: TariffSwitch,
        *,
        tell: Tell,
        switch: Callable[[SupplyState], object],
        is_protected: Callable[[], bool],
        is_authentic: IsAuthentic,
        token_settings: PrepaySettings | None = None,
    ) -> None:
        self.terms = Terms(settings)
        self.account = Account(
            kept.account,
            lambda: kept.balances,
            self.terms,
            protected=is_protected,
            disable=self._disable_for_credit,
            arm=self._arm_after_credit,
        )
        self._kept, self._tariff, self._switch, self._tell_one = kept, tariff, switch, tell
        self._gate = TokenGate(lambda: kept.account.tokens, is_authentic, token_settings)

    def start(self) -> None:
        """Begin: nobody pays here for what the registers show already."""
        self._tariff.settle()
        self.account.begin(self._kept.tariff)

    def charge(self) -> None:
        """Pay for what was consumed up to now."""
        self._tariff.settle()
        self._tell(self.account.charge_consumption(self._kept.tariff))

    def review(self) -> None:
        """Pay for what was consumed, and see whether the supply may stay on."""
        self.charge()
        self._tell(self.account.look())

    def charge_hour(self) -> None:
        """Pay what an hour costs."""
        self._tell(self.account.charge_hour())

    def charge_day(self) -> None:
        """Pay what a day costs."""
        self._tell(self.account.charge_day())

    def look_in(
        self, seen: Conditions, energy: EnergyRegisters, sheet: TariffSheet
    ) -> timedelta | None:
        """How soon consumption that goes on as it is takes credit to a threshold; None: never.

        Not before a register has counted another Wh, for nothing is charged until then; a day at
        most.
        """
        self._tariff.settle()
        headroom_nano = self.account.headroom_nano(self._kept.tariff)
        if headroom_nano is None:
            return None
        flows = [
            (register, milliwatts, price_nano)
            for register, milliwatts, price_nano in (
                (energy.active_import, seen.active_mw, sheet.active_price_nano),
                (energy.secondary_import, seen.secondary_mw, sheet.secondary_price_nano),
            )
            if milliwatts > 0 and price_nano > 0
        ]
        if not flows:
            return None
        begun = sum(register.part_nj * price_nano for register, _, price_nano in flows)
        spent = sum(milliwatts * price_nano for _, milliwatts, price_nano in flows)
        next_wh = min(register.next_unit_us(milliwatts) for register, milliwatts, _ in flows)
        needed = -((begun - headroom_nano * NANOJOULES_PER_WH) // spent)
        return timedelta(microseconds=min(max(needed, next_wh), _DAY_US))

    def top_up(
        self,
        digits: bytes,
        own: datetime,
        *,
        counter: int | None = None,
        origin: OriginatingDevice = BY_MESSAGE,
    ) -> TopUp | Refused:
        """Credit a token; events say what became of it. Without ``counter``: entered by hand."""
        self.charge()
        kept = self._kept
        most_debt = self._debt_cap_left(own)
        outcome = credit(digits, own, counter, self._gate, self.account, kept.balances, most_debt)
        if isinstance(outcome, Refused):
            self._tell(outcome.codes)
            return outcome
        snapshots = kept.snapshots
        snapshots.credits.append(own, (outcome.amount, int(origin), int(digits)))
        if outcome.debt_payment:
            left = kept.balances.payment_debt
            snapshots.debt_payments.append(own, (outcome.debt_payment, left))
            kept.account.recovered.add(own, outcome.debt_payment, self.terms.debt_cap_period)
        if counter is None:
            self._tell_one(ADDED_LOCALLY)
        self._tell(self.account.after_payment())
        return outcome

    def activate_emergency_credit(self) -> None:
        """Give the consumer the emergency credit: the supplier says so."""
        self._tell(self.account.activate_emergency_credit())

    def select_emergency_credit(self) -> bool:
        """The consumer wants the emergency credit; False when none is on offer."""
        self.charge()
        if not self.account.offers_emergency_credit:
            return False
        self.activate_emergency_credit()
        return True

    def _debt_cap_left(self, own: datetime) -> int | None:
        """What payments may recover of debt now: the cap, less what they did in its period."""
        cap = self.terms.debt_cap
        if not cap:
            return None
        paid = self._kept.account.recovered.since(own - self.terms.debt_cap_period)
        return max(cap * self._gate.settings.debt_cap_unit - paid, 0)

    def _tell(self, codes: Iterable[int]) -> None:
        for code in codes:
            self._tell_one(code)

    def _disable_for_credit(self) -> None:
        self._kept.disabled_for_credit = True
        self._switch(SupplyState.DISABLED)

    def _arm_after_credit(self) -> bool:
        """There is credit again: the consumer may switch on, if credit was why it was off."""
        if not self._kept.disabled_for_credit:
            return False
        self._kept.disabled_for_credit = False
        self._switch(SupplyState.ARMED)
        return True
