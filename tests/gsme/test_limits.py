"""Amounts at the ends of what the HAN can carry, whatever commands and time add up to."""

from __future__ import annotations

import pytest

from gbcs.zcl.general import DefaultResponse
from gbcs.zcl.status import Status
from gsme.model import Account, GasMeterModel, PaymentControl
from gsme.prepayment import set_up_emergency_credit
from gsme.push import current
from han.clusters import PREPAYMENT
from han.commands.prepayment import (
    CreditAdjustment,
    EmergencyCreditSetup,
    SelectAvailableEmergencyCredit,
)
from tests.gsme.rig import DAY, GasRig, component
from tests.gsme.test_meter import prepaying, token, top_up

MOST, LEAST, MOST_BILLED = 0x7FFFFFFF, -0x80000000, 0xFFFFFFFF


def adjust(rig: GasRig, kind: int, amount: int) -> Status:
    (answer,) = rig.ask("GCS40a", component(PREPAYMENT, CreditAdjustment(1, 0, kind, amount)))
    return Status(DefaultResponse.parse(answer.payload).status)


@pytest.mark.parametrize(
    ("kind", "amount", "account", "field"),
    [
        (0, MOST, prepaying(credit_remaining=2), "credit_remaining"),
        (0, LEAST, prepaying(credit_remaining=-2), "credit_remaining"),
        (3, MOST, Account(bill_to_date=MOST_BILLED - 5), "bill_to_date"),
    ],
)
def test_an_adjustment_that_no_balance_can_hold_is_refused_and_changes_nothing(
    kind: int, amount: int, account: Account, field: str
) -> None:
    rig = GasRig(GasMeterModel(account=account))
    before = getattr(account, field)
    assert adjust(rig, kind, amount) is Status.INVALID_FIELD
    assert getattr(rig.model.account, field) == before
    rig.pass_time(DAY)
    assert len(rig.model.logs.daily) == 1
    assert current(rig.model)


def test_a_meter_at_the_end_of_its_scales_goes_on_measuring_and_charging() -> None:
    account = prepaying(credit_remaining=LEAST, accumulated_debt=MOST)
    account.recovery_amounts[0], account.debt_amounts[0] = 1_000_000, MOST_BILLED
    account.payment_control |= PaymentControl.EMERGENCY_DEBT
    rig = GasRig(GasMeterModel(flow_dm3_per_h=2_000, account=account))
    rig.pass_time(2 * DAY)
    assert account.credit_remaining == LEAST
    assert len(rig.model.logs.daily_prepayment) == 2


def test_emergency_credit_that_no_balance_can_hold_is_refused_and_the_largest_can_be_told() -> None:
    rig = GasRig(GasMeterModel(account=prepaying(credit_remaining=0)))
    too_much, most = (EmergencyCreditSetup(1, 0, limit, MOST_BILLED) for limit in (MOST + 1, MOST))
    assert set_up_emergency_credit(rig.meter.works, too_much) is Status.INVALID_FIELD
    assert set_up_emergency_credit(rig.meter.works, most) is Status.SUCCESS
    rig.ask("GCS06", component(PREPAYMENT, SelectAvailableEmergencyCredit(0, 0)))
    rig.pass_time(DAY)
    assert rig.model.account.emergency_credit_remaining == MOST
    assert len(rig.model.logs.daily_prepayment) == 1


def test_a_top_up_of_a_full_balance_is_refused() -> None:
    rig = GasRig(GasMeterModel(account=prepaying(credit_remaining=MOST - 5)))
    done = top_up(rig, 7, token(rig, 7, 1_000))
    assert done.result != 0
    assert rig.model.account.credit_remaining == MOST - 5
    assert rig.alert_codes() == [0x8F47]
