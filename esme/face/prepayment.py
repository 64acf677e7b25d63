"""Prepayment 0x0705: balances, debts, limits, payments; and what the household may do there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntFlag
from typing import Final

from device.tokens import RESULTS, Refused
from esme.face.base import Acting, Fresh, Read, now_seconds, table
from esme.kept import SupplyState
from esme.meter import ElectricityMeter
from gbcs.utrn import DIGITS
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_seconds
from han.clusters import PREPAYMENT
from han.commands.metering import SnapshotCause
from han.commands.prepayment import (
    ConsumerTopUpResponse,
    DebtPayCreditStatus,
    DebtPayment,
    OriginatingDevice,
    TopUp,
    TopUpResult,
)
from han.household import LocalSupply, till
from han.logs import Snapshot, debt_log, prepayment_snapshots, top_up_log
from han.zcl.payload import encode
from han.zcl.tables import Access, Served

TOP_UP, EMERGENCY_CREDIT, ENABLE_SUPPLY = 0x0116, 0x0117, 0x0118
"""Message codes of PECS01 to PECS03, for the log."""
_HAN: Final = (0x8154, 0x8155)
_KEYS: Final = (0x8161, 0x8162)
"""Event codes of what was carried out, and of what could not be, by where it was asked."""
_CONTROLLED_CREDIT: Final = 0x0094
"""Credit managed and displayed, contactor fitted (as the reference messages set a gas meter)."""
_PREPAYMENT: Final = 0x0003
"""Disconnection and prepayment enabled."""
_BY_TIME, _BY_TOP_UP = 0, 1
_HOURLY, _DAILY = 0, 1
_HOUR_S: Final = 3600
_PAYMENT_DEBT: Final = 2
_TOP_UPS: Final = 5


class CreditStatus(IntFlag):
    """CreditStatus 0x0003."""

    OK = 1 << 0
    LOW = 1 << 1
    EMERGENCY_ENABLED = 1 << 2
    EMERGENCY_AVAILABLE = 1 << 3
    EMERGENCY_SELECTED = 1 << 4
    EMERGENCY_IN_USE = 1 << 5
    EXHAUSTED = 1 << 6


def prepayment(meter: ElectricityMeter, fresh: Fresh, acting: Acting) -> Served:
    """The server; money in 1/100000 of the currency unit."""
    return (
        table(PREPAYMENT, meter, _ATTRIBUTES, fresh)
        .joined(prepayment_snapshots(lambda _: list(_snapshots(meter))))
        .joined(top_up_log(lambda _: _top_ups(meter)))
        .joined(debt_log(lambda _: _debt_payments(meter)))
        .joined(till(HouseholdActions(meter, acting)))
    )


class HouseholdActions:
    """What the household asks the meter to do; each is a unit of its own.

    Displays ask on the HAN (PECS01 to PECS03), people at the meter's own keys (``at_keys``): what
    differs are the codes of the log.
    """

    def __init__(self, meter: ElectricityMeter, acting: Acting, *, at_keys: bool = False) -> None:
        self._meter, self._acting = meter, acting
        self._at_keys = at_keys
        self._done, self._not_done = _KEYS if at_keys else _HAN

    def top_up(
        self, digits: bytes, origin: OriginatingDevice, access: Access
    ) -> ConsumerTopUpResponse:
        """Credit a token that the household entered."""
        del access
        meter = self._meter
        with self._acting():
            outcome = meter.prepayment.top_up(digits, meter.now, origin=origin)
            refused = isinstance(outcome, Refused)
            self._log(TOP_UP, done=not refused)
            left = meter.kept.balances.meter_balance
            armed = meter.kept.supply is SupplyState.ARMED
        if isinstance(outcome, Refused):
            result = RESULTS.get(outcome.reason, TopUpResult.REJECTED_ERROR)
            return ConsumerTopUpResponse(result, 0, origin, left)
        result = TopUpResult.ACCEPTED_SUPPLY_ARMED if armed else TopUpResult.ACCEPTED
        return ConsumerTopUpResponse(result, outcome.amount, origin, left)

    def select_emergency_credit(self, origin: OriginatingDevice, access: Access) -> Status:
        """Give the emergency credit, if it is on offer."""
        del origin, access
        with self._acting():
            done = self._meter.prepayment.select_emergency_credit()
            self._log(EMERGENCY_CREDIT, done=done)
        return Status.SUCCESS if done else Status.FAILURE

    def change_supply(self, wanted: LocalSupply, access: Access) -> Status:
        """Switch the supply on, if it is armed; switching it off is not the household's to do."""
        del access
        if wanted is not LocalSupply.ON:
            return Status.NOT_AUTHORIZED
        meter = self._meter
        with self._acting():
            done = meter.kept.supply is not SupplyState.DISABLED
            if meter.kept.supply is SupplyState.ARMED:
                meter.command_supply(SupplyState.ENABLED)
            self._log(ENABLE_SUPPLY, done=done)
        return Status.SUCCESS if done else Status.FAILURE

    def _log(self, message_code: int, *, done: bool) -> None:
        """A command was carried out, or could not be; one of the HAN has a message code."""
        other = b"" if self._at_keys else message_code.to_bytes(2, "big")
        self._meter.event(self._done if done else self._not_done, other)


def credit_status(meter: ElectricityMeter) -> CreditStatus:
    """How the consumer's credit stands; empty in credit mode."""
    account, terms = meter.prepayment.account, meter.prepayment.terms
    if not terms.prepayment:
        return CreditStatus(0)
    state, balances = account.state, meter.kept.balances
    flags = {
        CreditStatus.OK: not account.is_low,
        CreditStatus.LOW: account.is_low,
        CreditStatus.EMERGENCY_ENABLED: terms.emergency_limit > 0,
        CreditStatus.EMERGENCY_AVAILABLE: account.offers_emergency_credit,
        CreditStatus.EMERGENCY_SELECTED: state.emergency_in_use,
        CreditStatus.EMERGENCY_IN_USE: state.emergency_in_use
        and balances.emergency_credit < terms.emergency_limit,
        CreditStatus.EXHAUSTED: state.out_of_credit,
    }
    return CreditStatus(sum(flag for flag, is_set in flags.items() if is_set))


def _top_up(n: int) -> Iterator[tuple[int, Read]]:
    """Time, amount, origin and code of the ``n``-th newest top-up."""

    def entry(meter: ElectricityMeter) -> TopUp | None:
        found = _top_ups(meter)
        return found[-1 - n] if n < len(found) else None

    def field(of: Callable[[TopUp], int | bytes]) -> Read:
        def read(meter: ElectricityMeter) -> int | bytes | None:
            found = entry(meter)
            return None if found is None else of(found)

        return read

    base = 0x0100 + 0x10 * n
    yield base, field(lambda top_up: top_up.time)
    yield base + 1, field(lambda top_up: top_up.amount)
    yield base + 3, field(lambda top_up: top_up.code)


def _debt(n: int) -> Iterator[tuple[int, Read]]:
    """Time debt 1 or 2."""

    def frequency(meter: ElectricityMeter) -> int:
        return _HOURLY if meter.prepayment.terms.debt_rate(n)[1] == _HOUR_S else _DAILY

    base = 0x0200 + 0x10 * n
    yield base + 1, lambda m: m.kept.balances.time_debt(n)
    yield base + 2, lambda _: _BY_TIME
    yield base + 6, frequency
    yield base + 7, lambda m: m.prepayment.terms.debt_rate(n)[0]


_ATTRIBUTES: Final[dict[int, Read]] = {
    0x0000: lambda m: _CONTROLLED_CREDIT | _PREPAYMENT * m.prepayment.terms.prepayment,
    0x0001: lambda m: m.kept.balances.meter_balance,
    0x0002: lambda m: m.kept.balances.emergency_credit,
    0x0003: lambda m: int(credit_status(m)),
    0x0004: now_seconds,
    0x0005: lambda m: m.kept.balances.accumulated_debt,
    0x0010: lambda m: m.prepayment.terms.emergency_limit,
    0x0011: lambda m: max(m.prepayment.terms.emergency_threshold, 0),
    0x0021: lambda m: m.prepayment.terms.maximum_balance,
    0x0022: lambda m: m.prepayment.terms.maximum_credit,
    0x0031: lambda m: max(m.prepayment.terms.low_credit, 0),
    0x0040: lambda m: m.prepayment.terms.disablement,
    **{number: read for n in range(_TOP_UPS) for number, read in _top_up(n)},
    **{number: read for n in (1, 2) for number, read in _debt(n)},
    0x0231: lambda m: m.kept.balances.payment_debt,
    0x0232: lambda _: _BY_TOP_UP,
    0x0239: lambda m: m.prepayment.terms.debt_share,
    0x0503: lambda m: m.sheet.currency,
}


def _snapshots(meter: ElectricityMeter) -> Iterator[Snapshot]:
    """Balances at midnights and at the ends of billing periods that the household may see."""
    kept = meter.kept.snapshots
    for log, cause in (
        (kept.daily_prepayment, SnapshotCause.GENERAL),
        (kept.billing_balances, SnapshotCause.END_OF_BILLING_PERIOD),
    ):
        for at, row in log.between(meter.shown_since, None):
            if at is not None:
                emergency, balance, payment, time_1, time_2, accumulated = (
                    cell for cell in row if isinstance(cell, int)
                )
                status = DebtPayCreditStatus(
                    accumulated, max(time_1, 0), max(time_2, 0), max(payment, 0), emergency, balance
                )
                yield Snapshot(zcl_seconds(at), zcl_seconds(at), cause, 0, encode(status))


def _top_ups(meter: ElectricityMeter) -> list[TopUp]:
    """Top-ups that the household may see, oldest first."""
    found = []
    for at, row in meter.kept.snapshots.credits.between(meter.shown_since, None):
        amount, _, digits = (*(cell for cell in row if isinstance(cell, int)), 0, 0)[:3]
        if at is not None:
            code = f"{digits:0{DIGITS}d}".encode() if digits else b""
            found.append(TopUp(code, amount, zcl_seconds(at)))
    return found


def _debt_payments(meter: ElectricityMeter) -> list[DebtPayment]:
    """Debt paid by top-ups, as far as the household may see it, oldest first."""
    found = []
    for at, row in meter.kept.snapshots.debt_payments.between(meter.shown_since, None):
        amount, left = (*(cell for cell in row if isinstance(cell, int)), 0)[:2]
        if at is not None:
            found.append(DebtPayment(zcl_seconds(at), amount, _PAYMENT_DEBT, max(left, 0)))
    return found
