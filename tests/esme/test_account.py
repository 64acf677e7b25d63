"""Prepayment; numbers from the bench's acceptance scenarios. Money in 1/100000 of a pound."""

from __future__ import annotations

from datetime import timedelta

import pytest

from device.cosem.table import Place
from esme.kept import SupplyState
from esme.metering.energy import Readings
from esme.physics.site import Phase, Site
from gbcs.dlms import values as v
from gbcs.dlms.data import Data
from gbcs.zcl.types import zcl_seconds
from tests.esme.bench import at, mains, volts, watts
from tests.esme.prepaid import (
    IMMEDIATE,
    PENNY,
    POUND,
    charge,
    enter,
    events,
    non_disablement,
    prepaid,
    supply,
    token,
)
from tests.esme.rig import MeterRig


def test_consumption_is_paid_at_the_price_of_its_register() -> None:
    rig = prepaid(2000)
    rig.until(at("12:00"))
    assert rig.meter.kept.balances.meter_balance == POUND - 4 * 20 * PENNY


def test_in_credit_mode_the_balance_may_go_where_it_likes() -> None:
    rig = prepaid(balance=0)
    rig.set("111/0-1:19.0.0.255/2", v.structure(v.enum(1), v.enum(2)))
    rig.set("111/0-1:19.0.0.255/13", IMMEDIATE)
    rig.until(at("15:00"))
    assert rig.meter.kept.balances.meter_balance == -POUND
    assert events(rig) == []


def test_credit_runs_out_by_the_book() -> None:
    rig = prepaid(100)
    rig.until(at("10:30"))  # 50 Wh: one penny
    assert events(rig) == ["8119"]
    assert rig.call("112/0-0:19.10.1.255/3") == 0
    assert events(rig) == ["8119", "81AB"]
    assert rig.meter.kept.balances.emergency_credit == 5 * POUND
    rig.meter.metrology.site = mains(volts(230), watts(10_000))  # 29.95 kWh to go: 5.99
    rig.until(at("13:29:41"))
    assert supply(rig) == SupplyState.ENABLED
    rig.until(at("13:29:42"))
    assert events(rig)[2:] == ["81AA", "8F0F"]
    assert supply(rig) == SupplyState.DISABLED
    rig.until(at("16:00"))
    assert rig.meter.readings == Readings(active_import_wh=50 + 29_950)


def test_a_non_disablement_period_keeps_the_supply_on_until_it_ends() -> None:
    rig = prepaid(10_000, start="20:00")
    non_disablement(rig, begins=19, ends=8)
    rig.until(at("07:30", day=1))
    assert supply(rig) == SupplyState.ENABLED
    assert "8F83" in events(rig)
    assert "8F0F" not in events(rig)
    rig.until(at("08:30", day=1))
    assert supply(rig) == SupplyState.DISABLED
    assert events(rig)[-1] == "8F0F"


def test_the_end_of_a_non_disablement_period_disables_without_any_consumption() -> None:
    rig = prepaid(10_000, start="20:00")
    non_disablement(rig, begins=19, ends=8)
    rig.until(at("07:30", day=1))
    assert events(rig).count("8F83") == 1
    rig.meter.metrology.site = mains(volts(230))
    rig.until(at("07:59:59", day=1))
    assert supply(rig) == SupplyState.ENABLED
    rig.until(at("08:00", day=1))
    assert supply(rig) == SupplyState.DISABLED


def test_credit_is_gone_at_its_moment_however_the_load_goes() -> None:
    rig = prepaid(0)
    load = watts(0, (at("10:05"), 6000), (at("10:20"), 0), (at("10:40"), 9000), (at("11:20"), 3000))
    rig.meter.metrology.site = mains(volts(230), load)
    rig.until(at("20:00"))  # 1.00 buys 5 kWh: 1.5 by 10:20, the rest takes 23 minutes and a third
    assert [
        entry.at for entry in rig.meter.reporter.event_log.entries() if entry.code == 0x8F0F
    ] == [at("11:03:20")]
    assert rig.meter.readings.active_import_wh == 5000


def test_a_price_of_next_to_nothing_never_uses_up_a_credit() -> None:
    rig = prepaid(1, balance=20_000 * POUND)
    rig.set("113/0-0:19.20.0.255/6", charge(1, scale=11, index=b"\1"))
    rig.set("113/0-0:19.20.0.255/7", IMMEDIATE)
    rig.until(at("10:00", day=3))
    assert supply(rig) == SupplyState.ENABLED


def test_both_elements_together_use_up_the_credit_at_the_moment_it_is_gone() -> None:
    rig = prepaid(3000, balance=POUND)
    rig.meter.metrology.site = Site((Phase(active_mw=watts(3000)),), watts(2000))
    rig.set("113/0-0:19.20.5.255/6", charge(45 * PENNY, scale=3, index=b"\1"))
    rig.meter.settings.put(
        Place.parse("113/0-0:19.20.5.255/5"), charge(45 * PENNY, scale=3, index=b"\1")
    )
    rig.until(at("10:39:59"))  # 60 p and 90 p an hour: 1.00 lasts for 40 minutes
    assert supply(rig) == SupplyState.ENABLED
    rig.until(at("10:40:02"))
    assert supply(rig) == SupplyState.DISABLED


def test_a_top_up_arms_a_supply_that_credit_had_switched_off() -> None:
    rig = prepaid(10_000)
    rig.until(at("11:00"))
    assert supply(rig) == SupplyState.DISABLED
    assert enter(rig, 1000, 7) == 0
    assert supply(rig) == SupplyState.ARMED
    assert events(rig)[-1] == "8F32"


def test_a_supply_that_was_switched_off_by_command_stays_off() -> None:
    rig = prepaid(10_000)
    rig.until(at("11:00"))
    rig.call("9/0-0:10.0.106.255/1", v.u16(52))
    enter(rig, 1000, 7)
    assert supply(rig) == SupplyState.DISABLED


def test_a_token_is_credited_once() -> None:
    rig = prepaid(0)
    assert enter(rig, 500, 7) == 0
    assert enter(rig, 500, 7) == 250
    assert rig.meter.kept.balances.meter_balance == 6 * POUND
    assert events(rig) == ["8F51"]


@pytest.mark.parametrize(
    ("octets", "counter", "code"),
    [
        (token(500, 7, b"evil"), 7, "8F64"),
        (token(500, 7), 8, "8F64"),
        (b"12345678901234567890", 7, "8F63"),
        (b"not a token at all!!", 7, "8F63"),
    ],
)
def test_a_token_of_another_meter_or_none_at_all_is_refused(
    octets: bytes, counter: int, code: str
) -> None:
    rig = prepaid(0)
    place = "115/0-0:19.40.0.255/1"
    assert rig.call(place, v.octets(octets), originator_counter=counter << 32) == 250
    assert events(rig) == [code]
    assert rig.meter.kept.balances.meter_balance == POUND


def limited(rig: MeterRig, name: str, amount: int) -> None:
    rig.set(f"9000/0-0:94.44.2.{name}/4", v.i32(amount))
    rig.set(f"9000/0-0:94.44.2.{name}/6", IMMEDIATE)


def test_a_top_up_above_a_limit_is_refused() -> None:
    rig = prepaid(0)
    limited(rig, "10", 50 * POUND)
    assert enter(rig, 6000, 7) == 250
    limited(rig, "20", 40 * POUND)
    assert enter(rig, 4000, 8) == 250
    assert events(rig) == ["8F5B", "8F47"]
    assert enter(rig, 3900, 9) == 0
    assert rig.meter.kept.balances.meter_balance == 40 * POUND


def test_part_of_a_top_up_recovers_debt_and_both_are_logged() -> None:
    rig = prepaid(0, balance=0)
    rig.call("113/0-0:19.20.3.255/4", v.i32(50 * POUND))
    rig.set("113/0-0:19.20.3.255/13", v.u16(3000))
    assert enter(rig, 1000, 7) == 0
    assert rig.meter.kept.balances.meter_balance == 7 * POUND
    assert rig.meter.kept.balances.payment_debt == 47 * POUND
    seconds = zcl_seconds(at("10:00"))
    assert rig.numbers("7/0-0:98.1.4.255/2") == [[seconds, 3 * POUND]]
    assert rig.numbers("7/0-0:98.1.5.255/2") == [[seconds, 10 * POUND]]


def test_emergency_credit_is_paid_back_before_the_balance_grows() -> None:
    rig = prepaid(10_000, balance=0)
    rig.call("112/0-0:19.10.1.255/3")
    rig.until(at("11:00"))  # 10 kWh: 2.00 of emergency credit
    rig.meter.metrology.site = mains(volts(230))
    assert rig.meter.kept.balances.emergency_credit == 3 * POUND
    assert enter(rig, 300, 7) == 0
    assert rig.meter.kept.balances.meter_balance == POUND
    assert not rig.meter.kept.account.emergency_in_use


def test_a_day_costs_the_standing_charge_and_recovers_time_debt() -> None:
    rig = prepaid(0, balance=5 * POUND)
    rig.set("113/0-0:19.20.4.255/6", charge(25 * PENNY))
    rig.set("113/0-0:19.20.4.255/7", IMMEDIATE)
    rig.set("113/0-0:19.20.1.255/6", charge(10 * PENNY))
    rig.call("113/0-0:19.20.1.255/2")
    rig.call("113/0-0:19.20.1.255/4", v.i32(15 * PENNY))
    rig.until(at("00:00", day=1))
    assert rig.meter.kept.balances.meter_balance == 5 * POUND - 35 * PENNY
    rig.until(at("00:00", day=2))
    assert rig.meter.kept.balances.meter_balance == 5 * POUND - 65 * PENNY
    assert rig.meter.kept.balances.time_debt_1 == 0
    assert events(rig) == ["81A7"]


def test_a_debt_by_the_hour_is_recovered_every_hour_until_it_is_paid() -> None:
    rig = prepaid(0, start="10:10", balance=5 * POUND)
    rig.set("113/0-0:19.20.2.255/6", charge(4 * PENNY))
    rig.set("113/0-0:19.20.2.255/8", v.u32(3600))
    rig.call("113/0-0:19.20.2.255/2")
    rig.call("113/0-0:19.20.2.255/4", v.i32(10 * PENNY))
    left = []
    for clock in ("10:59", "11:00", "11:30", "12:00", "13:00", "14:00"):
        rig.until(at(clock))
        left.append(rig.meter.kept.balances.time_debt_2 // PENNY)
    assert left == [10, 6, 6, 2, 0, 0]
    assert rig.meter.kept.balances.meter_balance == 5 * POUND - 10 * PENNY
    assert events(rig) == ["81A8"]


def test_in_credit_mode_no_debt_is_recovered() -> None:
    rig = prepaid(0, balance=0)
    rig.set("111/0-1:19.0.0.255/2", v.structure(v.enum(1), v.enum(2)))
    rig.set("111/0-1:19.0.0.255/13", IMMEDIATE)
    rig.set("113/0-0:19.20.1.255/6", charge(10 * PENNY))
    rig.call("113/0-0:19.20.1.255/2")
    rig.call("113/0-0:19.20.1.255/4", v.i32(15 * PENNY))
    rig.until(at("10:00", day=3))
    assert rig.meter.kept.balances.time_debt_1 == 15 * PENNY


def test_payments_recover_debt_up_to_the_cap_of_a_week() -> None:
    rig = prepaid(0)
    rig.set("9000/0-0:94.44.128.12/4", v.u16(450))  # pence a week
    rig.set("9000/0-0:94.44.128.12/6", IMMEDIATE)
    rig.set("113/0-0:19.20.3.255/13", v.u16(3000))
    rig.call("113/0-0:19.20.3.255/4", v.i32(100 * POUND))
    for counter, recovered in ((7, 300), (8, 450), (9, 450)):
        assert enter(rig, 1000, counter) == 0
        assert rig.meter.kept.balances.payment_debt == 100 * POUND - recovered * PENNY
    rig.until(at("10:00", day=7))
    enter(rig, 1000, 10)
    assert rig.meter.kept.balances.payment_debt == 100 * POUND - 750 * PENNY


def test_the_cap_of_a_week_remembers_more_payments_than_the_log_holds() -> None:
    rig = prepaid(0)
    rig.set("9000/0-0:94.44.128.12/4", v.u16(450))
    rig.set("9000/0-0:94.44.128.12/6", IMMEDIATE)
    rig.set("113/0-0:19.20.3.255/13", v.u16(3000))
    rig.call("113/0-0:19.20.3.255/4", v.i32(100 * POUND))
    for hour in range(30):
        rig.until(at("10:00") + hour * timedelta(hours=1))
        assert enter(rig, 100, 7 + hour) == 0
    rig.save()
    again = MeterRig(store=rig.store, start=rig.now())
    assert enter(again, 100, 40) == 0
    assert again.meter.kept.balances.payment_debt == 100 * POUND - 450 * PENNY


def collection(*rows: tuple[int, int, str]) -> Data:
    """Credit 19.10.n, charge 19.20.n, when it is collected."""
    return v.array(
        *(
            v.structure(
                v.logical_name(f"0-0:19.10.{credit}.255"),
                v.logical_name(f"0-0:19.20.{what}.255"),
                v.bits(when),
            )
            for credit, what, when in rows
        )
    )


@pytest.mark.parametrize(
    ("rows", "accumulated", "time_debt"),
    [
        ([(0, 1, "111"), (1, 1, "111"), (2, 1, "111")], 30, 5),
        ([(0, 1, "111"), (1, 1, "111")], 0, 5),
        ([(0, 1, "110"), (1, 1, "110")], 0, 5),
    ],
)
def test_debt_waits_for_emergency_credit_when_the_supplier_says_so(
    rows: list[tuple[int, int, str]], accumulated: int, time_debt: int
) -> None:
    """The three configurations for prepayment that reference messages have."""
    rig = prepaid(0, balance=0)
    rig.set("111/0-1:19.0.0.255/11", collection(*rows))
    rig.set("111/0-1:19.0.0.255/13", IMMEDIATE)
    rig.call("112/0-0:19.10.1.255/3")
    rig.set("113/0-0:19.20.1.255/6", charge(10 * PENNY))
    rig.call("113/0-0:19.20.1.255/2")
    rig.call("113/0-0:19.20.1.255/4", v.i32(35 * PENNY))
    rig.until(at("10:00", day=3))
    balances = rig.meter.kept.balances
    assert (balances.accumulated_debt, balances.time_debt_1) == (
        accumulated * PENNY,
        time_debt * PENNY,
    )
    assert balances.emergency_credit == (5 * POUND if accumulated else 470 * PENNY)


@pytest.mark.parametrize(("when", "left"), [("111", 5), ("110", 35)])
def test_debt_waits_for_the_supply_when_the_supplier_says_so(when: str, left: int) -> None:
    rig = prepaid(10_000)
    rig.set("111/0-1:19.0.0.255/11", collection((0, 1, when), (1, 1, when)))
    rig.set("111/0-1:19.0.0.255/13", IMMEDIATE)
    rig.set("113/0-0:19.20.1.255/6", charge(10 * PENNY))
    rig.call("113/0-0:19.20.1.255/2")
    rig.call("113/0-0:19.20.1.255/4", v.i32(35 * PENNY))
    rig.until(at("11:00"))
    assert supply(rig) == SupplyState.DISABLED
    rig.until(at("11:00", day=3))
    assert rig.meter.kept.balances.time_debt_1 == left * PENNY


def test_a_balance_stays_at_the_end_of_its_register() -> None:
    rig = prepaid(0)
    assert rig.call("112/0-0:19.10.0.255/2", v.i32((1 << 31) - 1)) == 0
    assert rig.call("112/0-0:19.10.0.255/1", v.i32(POUND)) == 0
    assert rig.read("112/0-0:19.10.0.255/2") == (1 << 31) - 1
    rig.call("112/0-0:19.10.0.255/2", v.i32(-(1 << 31)))
    rig.meter.metrology.site = mains(volts(230), watts(10_000))
    rig.until(at("00:00", day=1))
    assert rig.read("112/0-0:19.10.0.255/2") == -(1 << 31)
    assert rig.numbers("7/0-0:98.1.8.255/2")[0][2] == -(1 << 31)


def test_a_low_balance_is_told_once_until_it_has_risen_again() -> None:
    rig = prepaid(1000, balance=2 * POUND)
    rig.set("9000/0-0:94.44.128.9/4", v.i32(650 * PENNY))
    rig.set("9000/0-0:94.44.128.9/6", IMMEDIATE)
    rig.until(at("14:00"))  # 1.20 left, and 5.00 of emergency credit
    assert events(rig) == ["810D"]
    enter(rig, 100, 7)
    rig.until(at("20:00"))
    assert events(rig)[:3] == ["810D", "810D", "8119"]
