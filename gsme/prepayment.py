"""Commands of the Prepayment cluster that a supplier, or the household, gives a gas meter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final, TypeVar

from device.tokens import (
    ABOVE_MAXIMUM_BALANCE,
    ABOVE_MAXIMUM_CREDIT,
    ADDED_LOCALLY,
    RESULTS,
    Refused,
    TokenGate,
)
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_seconds
from gsme import account as accounts
from gsme.model import GasMeterModel, PaymentControl
from gsme.works import Works
from han.clusters import PREPAYMENT
from han.commands.metering import SnapshotCause
from han.commands.prepayment import (
    ChangeDebt,
    ChangePaymentMode,
    ChangePaymentModeResponse,
    ConsumerTopUpResponse,
    CreditAdjustment,
    DebtPayment,
    EmergencyCreditSetup,
    OriginatingDevice,
    SetLowCreditWarningLevel,
    SetMaximumCreditLimit,
    SetOverallDebtCap,
    TopUp,
    TopUpResult,
)
from han.requests import command_of
from han.zcl.payload import decode, encode
from han.zcl.tables import Access, Answer, Cluster, Command, Reply, Served, Side

UNITS_PER_PENNY: Final = 1_000
TYPE_3_DEBT: Final = 2
_COUNTER_SHIFT: Final = 32
_INCREMENTAL: Final = 1
_DEBT_LIMIT: Final = 0xFFFFFFFF
_KEEP_CUT_OFF: Final = -1
"""Cut off value of a change to credit mode, where there is none."""

C = TypeVar("C")

_WEEK: Final = timedelta(weeks=1)


class Adjustment(IntEnum):
    """What an adjustment is of, and whether by an amount or to it."""

    BALANCE_INCREMENTAL = 0
    BALANCE_ABSOLUTE = 1
    BILL_ABSOLUTE = 2
    BILL_INCREMENTAL = 3


class GasTill:
    """Where the household and its supplier pay: :class:`han.household.Till` of a gas meter."""

    def __init__(self, works: Works, gate: TokenGate) -> None:
        self._works, self._gate = works, gate

    def top_up(
        self, digits: bytes, origin: OriginatingDevice, access: Access
    ) -> ConsumerTopUpResponse:
        """Credit a token of twenty digits, or say why not."""
        local = origin is not OriginatingDevice.ENERGY_SERVICE_INTERFACE
        counter = None if local or access.order is None else access.order.counter >> _COUNTER_SHIFT
        checked = self._gate.check(digits, access.now, counter)
        if isinstance(checked, Refused):
            return self._refused(checked.codes, origin)
        amount = checked.token.value_pence * UNITS_PER_PENNY
        excess = self._excess(amount)
        if excess is not None:
            return self._refused((excess,), origin)
        self._gate.spent(checked)
        self._credit(digits, amount, access.now)
        self._works.settle((ADDED_LOCALLY,) if local else ())
        return self._answer(TopUpResult.ACCEPTED, amount, origin)

    def select_emergency_credit(self, origin: OriginatingDevice, access: Access) -> Status:
        """Give the consumer the emergency credit; FAILURE when there is none to give."""
        del origin, access
        account = self._works.model.account
        if not accounts.may_select(account):
            return Status.FAILURE
        self._works.settle(accounts.select(account))
        return Status.SUCCESS

    def _excess(self, amount: int) -> int | None:
        account = self._works.model.account
        if account.maximum_top_up and amount > account.maximum_top_up:
            return ABOVE_MAXIMUM_CREDIT
        most = account.maximum_credit or accounts.MOST_BALANCE
        if account.credit_remaining + amount > most:
            return ABOVE_MAXIMUM_BALANCE
        return None

    def _credit(self, digits: bytes, amount: int, now: datetime) -> None:
        model, now_s = self._works.model, zcl_seconds(now)
        account = model.account
        paid = accounts.pay_in(account, amount, account.recovered.since(now - _WEEK))
        payments = []
        if paid.debt:
            account.recovered.add(now, paid.debt, _WEEK)
            outstanding = account.debt_amounts[accounts.PAYMENT_DEBT]
            payments.append(DebtPayment(now_s, paid.debt, TYPE_3_DEBT, outstanding))
        model.logs.pay((TopUp(digits, amount, now_s),), payments)
        model.unpushed_payments = True
        self._works.settle(accounts.look_again(account))

    def _refused(self, codes: tuple[int, ...], origin: OriginatingDevice) -> ConsumerTopUpResponse:
        self._works.settle(codes)
        return self._answer(RESULTS.get(codes[0], TopUpResult.REJECTED_ERROR), 0, origin)

    def _answer(
        self, result: TopUpResult, amount: int, origin: OriginatingDevice
    ) -> ConsumerTopUpResponse:
        credit = self._works.model.account.credit_remaining
        return ConsumerTopUpResponse(int(result), amount, int(origin), credit)


def change_debt(works: Works, asked: ChangeDebt) -> Status:
    """Change a debt by an amount, and how it is recovered; GBCS adjusts by increments only."""
    number, incremental = divmod(asked.amount_type, 2)
    account = works.model.account
    if number >= len(account.debt_amounts):
        return Status.INVALID_FIELD
    held = account.debt_amounts[number] if incremental == _INCREMENTAL else 0
    account.debt_amounts[number] = min(max(held + asked.amount, 0), _DEBT_LIMIT)
    if number == accounts.PAYMENT_DEBT:
        account.top_up_percentage = asked.top_up_percentage
    else:
        account.recovery_frequencies[number] = asked.recovery_frequency
        account.recovery_amounts[number] = asked.recovery_amount
    return Status.SUCCESS


def adjust_credit(works: Works, asked: CreditAdjustment) -> Status:
    """Change the balance of either mode by an amount, or set it; GCS40a to GCS40d.

    An increment beyond what a balance can hold is refused.
    """
    account = works.model.account
    match asked.adjustment_type:
        case Adjustment.BALANCE_INCREMENTAL:
            credit = account.credit_remaining + asked.amount
            if not accounts.LEAST_BALANCE <= credit <= accounts.MOST_BALANCE:
                return Status.INVALID_FIELD
            account.credit_remaining = credit
        case Adjustment.BALANCE_ABSOLUTE:
            account.credit_remaining = asked.amount
            account.emergency_credit_remaining = account.accumulated_debt = 0
            account.emergency_in_use = False
        case Adjustment.BILL_ABSOLUTE:
            account.bill_to_date = max(asked.amount, 0)
        case Adjustment.BILL_INCREMENTAL:
            if account.bill_to_date + asked.amount > accounts.MOST_BILLED:
                return Status.INVALID_FIELD
            account.bill_to_date = max(account.bill_to_date + asked.amount, 0)
        case _:
            return Status.INVALID_FIELD
    works.settle(accounts.look_again(account))
    return Status.SUCCESS


def set_up_emergency_credit(works: Works, asked: EmergencyCreditSetup) -> Status:
    """How much emergency credit there is, and at what balance it is offered."""
    if asked.limit > accounts.MOST_BALANCE:
        return Status.INVALID_FIELD
    account = works.model.account
    account.emergency_limit, account.emergency_threshold = asked.limit, asked.threshold
    return Status.SUCCESS


def set_low_credit(works: Works, asked: SetLowCreditWarningLevel) -> Status:
    """Warn below this balance."""
    works.model.account.low_credit = asked.level
    return Status.SUCCESS


def set_maximum_credit(works: Works, asked: SetMaximumCreditLimit) -> Status:
    """The most the meter holds, and the most of one top-up."""
    account = works.model.account
    account.maximum_credit = asked.maximum_level
    account.maximum_top_up = asked.maximum_per_top_up
    return Status.SUCCESS


def set_debt_cap(works: Works, asked: SetOverallDebtCap) -> Status:
    """The most that payments recover of a debt in a week."""
    works.model.account.overall_debt_cap = asked.cap
    return Status.SUCCESS


def change_mode(works: Works, asked: ChangePaymentMode) -> Reply:
    """Credit or prepayment mode: a billing snapshot of the mode that ends, then the new one."""
    account = works.model.account
    works.snapshot_for(SnapshotCause.CHANGE_OF_METER_MODE)
    account.payment_control = asked.configuration
    if asked.configuration & PaymentControl.PREPAYMENT or asked.cut_off_value != _KEEP_CUT_OFF:
        account.cut_off = asked.cut_off_value
    if not account.prepayment:
        account.out_of_credit = account.emergency_in_use = False
    return mode_response(works.model)


def mode_response(model: GasMeterModel) -> Reply:
    """The terms that go with a mode, which answer its change whenever that takes effect."""
    account, configuration = model.account, model.configuration
    answer = ChangePaymentModeResponse(
        configuration.friendly_credit,
        configuration.friendly_credit_calendar,
        account.emergency_limit,
        account.emergency_threshold,
    )
    return Reply(_MODE_RESPONSE.id, encode(answer))


def commands(works: Works) -> Served:
    """The supplier's commands on Prepayment."""
    table: Cluster[Works] = Cluster(
        PREPAYMENT,
        commands=(
            _command(ChangeDebt, change_debt),
            _command(EmergencyCreditSetup, set_up_emergency_credit),
            _command(CreditAdjustment, adjust_credit),
            _command(ChangePaymentMode, change_mode),
            _command(SetLowCreditWarningLevel, set_low_credit),
            _command(SetMaximumCreditLimit, set_maximum_credit),
            _command(SetOverallDebtCap, set_debt_cap),
        ),
    )
    return table.on(works)


def _command(kind: type[C], handle: Callable[[Works, C], Answer]) -> Command[Works]:
    definition = command_of(PREPAYMENT, kind.__name__)
    return Command(definition, lambda works, payload, _: handle(works, decode(kind, payload)))


_MODE_RESPONSE: Final = command_of(PREPAYMENT, "ChangePaymentModeResponse", Side.CLIENT)
