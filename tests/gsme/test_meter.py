"""A gas meter's works: gas measured and charged by its own clock, and kept through a kill."""

from __future__ import annotations

import pytest

from gbcs.utrn import ValueClass, make, originator_counter
from gbcs.zcl.general import DefaultResponse
from gbcs.zcl.status import Status
from gsme import codes
from gsme.model import Account, GasMeterModel
from gsme.push import unpushed
from han.clusters import DEVICE_MANAGEMENT, METERING, PREPAYMENT
from han.commands.calendar import (
    PublishCalendar,
    PublishDayProfile,
    PublishSeasons,
    PublishWeekProfile,
    ScheduleEntry,
    Season,
)
from han.commands.device_management import SetEventConfiguration
from han.commands.metering import ChangeSupply, SupplyStatus
from han.commands.prepayment import (
    ChangeDebt,
    ConsumerTopUp,
    ConsumerTopUpResponse,
    CreditAdjustment,
    PublishDebtLog,
    PublishTopUpLog,
    SelectAvailableEmergencyCredit,
    TopUpResult,
)
from han.commands.price import PublishPriceMatrix, PublishTariffInformation, TierPrice
from han.tariff.book import TariffBook
from han.zcl.payload import decode
from tests.device.rig import GSME, SUPPLIER
from tests.gsme.rig import DAY, HALF_HOUR, HOUR, START, GasRig, component

PREPAYMENT_MODE = 0x0C97
EVERY_DAY = 0xFFFFFFFF  # any year, month, day and weekday


def tariff(
    *, standing_charge: int = 0, day: int = 5_000, night: int = 1_000, begins_min: int = 420
) -> TariffBook:
    """Tier 1 by day from 07:00 (or so many minutes), tier 2 by night from 23:00."""
    book = TariffBook()
    for message in (
        PublishCalendar(0, 1, 1, 0, 0, 0, b"", 1, 1, 1),
        PublishDayProfile(
            0, 1, 1, 1, 2, 0, 1, 0, (ScheduleEntry(begins_min, 1), ScheduleEntry(1380, 2))
        ),
        PublishWeekProfile(0, 1, 1, 1, *(1,) * 7),
        PublishSeasons(0, 1, 1, 0, 1, (Season(EVERY_DAY, 1),)),
        PublishTariffInformation(
            *(0, 1, 1, 0, 0, b"", 2, 0, 0, 826, 0x50, standing_charge, 0xFF, 1, 1000)
        ),
        PublishPriceMatrix(0, 1, 0, 1, 0, 1, 1, (TierPrice(1, day), TierPrice(2, night))),
    ):
        assert book.take(message)
    return book


def prepaying(**terms: int) -> Account:
    account = Account(payment_control=PREPAYMENT_MODE)
    for name, value in terms.items():
        setattr(account, name, value)
    return account


def test_gas_is_counted_in_the_tier_of_its_time_and_without_loss() -> None:
    rig = GasRig(GasMeterModel(flow_dm3_per_h=601, tariff=tariff()))
    rig.pass_time(DAY)
    assert rig.model.volume_dm3 == 24 * 601
    assert sum(rig.model.tier_volumes_dm3) == 24 * 601
    assert rig.model.tier_volumes_dm3[0] in range(16 * 601 - 1, 16 * 601 + 2)


def test_gas_changes_its_tier_at_the_minute_of_the_switch() -> None:
    rig = GasRig(GasMeterModel(flow_dm3_per_h=6000, tariff=tariff(begins_min=7 * 60 + 10)))
    rig.pass_time(8 * HOUR)
    assert rig.model.tier_volumes_dm3[:2] == [5_000, 43_000]
    assert rig.model.account.bill_to_date == pytest.approx(
        39.5 * 1.02264 / 3.6 * (5 * 5_000 + 43 * 1_000), abs=2
    )


def test_a_published_price_states_cubic_metres_as_recorded_ones_do() -> None:
    rig = GasRig(GasMeterModel(tariff=tariff()))
    price = rig.meter.works.price_now(START + 8 * HOUR)
    assert price is not None
    assert (price.unit, price.price) == (1, 5_000)


def test_a_day_in_credit_mode_costs_its_energy_and_the_standing_charge() -> None:
    book = tariff(standing_charge=22_465, day=5_000, night=5_000)
    rig = GasRig(GasMeterModel(flow_dm3_per_h=1_000, tariff=book))
    rig.pass_time(DAY)
    kwh = 24 * 39.5 * 1.02264 / 3.6
    assert rig.model.account.bill_to_date == pytest.approx(22_465 + 5_000 * kwh, abs=2)


def test_the_profile_has_an_entry_for_each_half_hour_however_late_the_meter_looks() -> None:
    rig = GasRig(GasMeterModel(flow_dm3_per_h=240))
    rig.true.moment = START + 10 * HALF_HOUR
    rig.meter.act()
    log = rig.meter.works.samples.get(0)
    assert log is not None
    held = log.read(START, 100)
    assert held is not None
    assert held.values == (120,) * 9


def test_what_was_measured_and_charged_survives_the_end_of_the_process() -> None:
    rig = GasRig(GasMeterModel(flow_dm3_per_h=1_000, tariff=tariff()))
    rig.pass_time(DAY + HOUR)
    before = (rig.model.volume_dm3, rig.model.account.bill_to_date, rig.model.logs.daily)
    rig.again()
    assert (rig.model.volume_dm3, rig.model.account.bill_to_date, rig.model.logs.daily) == before


def test_emergency_credit_is_offered_taken_used_up_and_the_valve_closed_then_armed() -> None:
    account = prepaying(
        credit_remaining=100_000, emergency_limit=500_000, emergency_threshold=100_000
    )
    model = GasMeterModel(flow_dm3_per_h=2_000, tariff=tariff(night=5_000), account=account)
    rig = GasRig(model)
    rig.pass_time(HALF_HOUR)
    assert codes.EMERGENCY_AVAILABLE in rig.alert_codes()
    (answer,) = rig.ask("GCS06", component(PREPAYMENT, SelectAvailableEmergencyCredit(0, 0)))
    assert DefaultResponse.parse(answer.payload).status == Status.SUCCESS
    (answer,) = rig.ask("GCS06", component(PREPAYMENT, SelectAvailableEmergencyCredit(0, 0)))
    assert DefaultResponse.parse(answer.payload).status == Status.FAILURE
    rig.pass_time(DAY)
    told = rig.alert_codes()
    assert told.index(codes.EMERGENCY_ACTIVATED) < told.index(codes.EMERGENCY_EXHAUSTED)
    assert codes.DISABLED in told
    assert rig.model.configuration.supply_status == SupplyStatus.OFF
    volume = rig.model.volume_dm3
    rig.pass_time(HOUR)
    assert rig.model.volume_dm3 == volume
    rig.ask("GCS40a", component(PREPAYMENT, CreditAdjustment(1, 0, 0, 5_000_000)))
    assert rig.alert_codes()[-1] == codes.ARMED
    assert rig.model.configuration.supply_status == SupplyStatus.ARMED
    assert rig.meter.works.valve.press()
    rig.pass_time(HOUR)
    assert rig.model.volume_dm3 > volume


def test_a_leak_keeps_an_armed_valve_closed() -> None:
    rig = GasRig(GasMeterModel(flow_dm3_per_h=2_000))
    configuration = rig.model.configuration
    configuration.flow_threshold, configuration.flow_divisor = 10_000, 10_000  # one m3 per hour
    rig.ask("GCS32", component(METERING, ChangeSupply(0, 1, 0, 0, 0, 1)))
    rig.ask("GCS39", component(METERING, ChangeSupply(0, 1, 0, 0, 1, 1)))
    assert not rig.meter.works.valve.press()
    assert configuration.supply_status == SupplyStatus.ARMED
    assert rig.alert_codes() == [codes.UNCONTROLLED_FLOW]


def token(rig: GasRig, number: int, pence: int) -> bytes:
    return make(SUPPLIER, GSME, number, pence, ValueClass.PENCE, rig.keys).encode()


def top_up(rig: GasRig, number: int, digits: bytes) -> ConsumerTopUpResponse:
    rig.counter = originator_counter(number) - 1
    (answer,) = rig.ask("CS01b", component(PREPAYMENT, ConsumerTopUp(0, digits)))
    return decode(ConsumerTopUpResponse, answer.payload)


def test_a_top_up_pays_its_share_of_the_debt_once_and_is_not_taken_twice() -> None:
    account = prepaying(top_up_percentage=3_000)
    account.debt_amounts[2] = 900_000
    rig = GasRig(GasMeterModel(account=account))
    digits = token(rig, 7, 1_000)
    done = top_up(rig, 7, digits)
    assert (done.result, done.value, done.credit_remaining) == (0, 1_000_000, 700_000)
    assert rig.model.account.debt_amounts[2] == 600_000
    (payment,) = rig.model.logs.debt_payments
    assert (payment.amount_paid, payment.outstanding) == (300_000, 600_000)
    rig.again()
    rig.counter = originator_counter(8) - 1
    order = rig.order("CS01b", component(PREPAYMENT, ConsumerTopUp(0, digits)))
    again = rig.meter.answer(order.to_bytes())
    assert again is not None
    assert rig.model.account.credit_remaining == 700_000
    assert len(rig.model.logs.top_ups) == 1


def test_a_top_up_above_the_limit_changes_nothing() -> None:
    rig = GasRig(GasMeterModel(account=prepaying(maximum_top_up=500_000)))
    done = top_up(rig, 7, token(rig, 7, 1_000))
    assert done.result == TopUpResult.REJECTED_TOP_UP_TOO_LARGE
    assert rig.model.account.credit_remaining == 0
    assert rig.model.logs.top_ups == []
    assert rig.alert_codes() == [0x8F5B]


def test_payments_recover_debt_up_to_the_cap_of_a_week() -> None:
    account = prepaying(top_up_percentage=3_000, overall_debt_cap=450_000)
    account.debt_amounts[2] = 9_000_000
    rig = GasRig(GasMeterModel(account=account))
    for counter, left in ((7, 8_700_000), (8, 8_550_000), (9, 8_550_000)):
        assert top_up(rig, counter, token(rig, counter, 1_000)).result == 0
        assert rig.model.account.debt_amounts[2] == left
    rig.pass_time(7 * DAY)
    top_up(rig, 10, token(rig, 10, 1_000))
    assert rig.model.account.debt_amounts[2] == 8_250_000


def test_the_cap_of_a_week_holds_for_more_payments_than_the_log_keeps() -> None:
    account = prepaying(top_up_percentage=3_000, overall_debt_cap=12 * 30_000)
    account.debt_amounts[2] = 9_000_000
    rig = GasRig(GasMeterModel(account=account))
    for counter in range(7, 27):
        assert top_up(rig, counter, token(rig, counter, 100)).result == 0
        rig.again()
    assert len(rig.model.logs.debt_payments) < 12
    assert rig.model.account.debt_amounts[2] == 9_000_000 - 12 * 30_000


def test_time_debts_are_recovered_by_the_hour_and_by_the_day_and_no_cap_holds_them() -> None:
    rig = GasRig(GasMeterModel(account=prepaying(credit_remaining=9_000_000)))
    hourly, daily = (
        ChangeDebt(1, b"", 50_000, 0, kind, 0, 0, frequency, amount, 0)
        for kind, frequency, amount in ((1, 0, 100), (3, 1, 1_000))
    )
    payment = ChangeDebt(1, b"", 70_000, 1, 5, 0, 0, 1, 0, 2_500)
    debts = (component(PREPAYMENT, each, n) for n, each in enumerate((hourly, daily, payment)))
    rig.ask("GCS04", *debts)
    assert rig.model.account.debt_amounts == [50_000, 50_000, 70_000]
    rig.model.account.overall_debt_cap = 3_000
    rig.pass_time(DAY)
    assert rig.model.account.debt_amounts == [47_600, 49_000, 70_000]
    rig.pass_time(DAY)
    assert rig.model.account.debt_amounts == [45_200, 48_000, 70_000]
    assert rig.model.account.credit_remaining == 9_000_000 - 6_800


def test_an_event_is_logged_and_told_as_the_supplier_has_configured() -> None:
    account = prepaying(credit_remaining=100_000, low_credit=90_000)
    model = GasMeterModel(flow_dm3_per_h=2_000, tariff=tariff(night=5_000), account=account)
    rig = GasRig(model)
    quiet = SetEventConfiguration(1, 0, codes.GENERAL_LOG, 0, b"\x01\x0d\x81")
    rig.ask("GCS20", component(DEVICE_MANAGEMENT, quiet))
    rig.pass_time(2 * HOUR)
    assert codes.LOW_CREDIT not in rig.alert_codes()
    assert codes.LOW_CREDIT in [one.code for one in rig.meter.chassis.event_log.entries()]


def test_a_refused_command_leaves_the_model_as_it_was() -> None:
    rig = GasRig()
    order = rig.order("GCS40a", component(PREPAYMENT, CreditAdjustment(1, 0, 0, 1_000)))
    tampered = order.to_bytes()[:-1] + bytes([order.to_bytes()[-1] ^ 1])
    assert rig.meter.answer(tampered) is None
    assert rig.model.account.credit_remaining == 0
    assert rig.meter.answer(order.to_bytes()) is not None
    assert rig.meter.answer(order.to_bytes()) is None
    assert rig.model.account.credit_remaining == 1_000


def test_what_a_log_has_and_the_proxy_has_not_survives_the_end_of_the_process() -> None:
    rig = GasRig()
    rig.meter.chassis.event_log.add(codes.LOW_CREDIT, b"\x01")
    rig.meter.chassis.security_log.add(codes.UNCONTROLLED_FLOW)
    rig.again()
    told = [(each.event_id, each.data) for each in rig.model.untold]
    assert told == [(codes.LOW_CREDIT, b"\x01"), (codes.UNCONTROLLED_FLOW, b"")]


def test_payments_are_pushed_until_the_proxy_has_them_all() -> None:
    account = prepaying(top_up_percentage=3_000)
    account.debt_amounts[2] = 9_000_000
    rig = GasRig(GasMeterModel(account=account))
    for counter in (7, 8):
        rig.pass_time(HOUR)
        top_up(rig, counter, token(rig, counter, 1_000))
    *_, debts, bought = unpushed(rig.model)
    assert isinstance(debts.message, PublishDebtLog)
    assert isinstance(bought.message, PublishTopUpLog)
    assert debts.message.payments == tuple(reversed(rig.model.logs.debt_payments))
    assert len(debts.message.payments) == len(bought.message.top_ups) == 2
    top_up(rig, 9, token(rig, 9, 1_000))  # while the first two are on their way
    debts.taken()
    bought.taken()
    left = tuple(unpushed(rig.model))
    assert isinstance(left[-1].message, PublishTopUpLog)
    assert len(left[-1].message.top_ups) == 3
    for each in left:
        each.taken()
    assert list(unpushed(rig.model)) == []
