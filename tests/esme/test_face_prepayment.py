"""Prepayment at the display and at the meter: emergency credit, tokens, the supply."""

from __future__ import annotations

from contextlib import nullcontext

from esme.face.prepayment import HouseholdActions
from gbcs.dlms import values as v
from gbcs.zcl.status import Status
from han.clusters import (
    METERING,
    PREPAYMENT,
)
from han.commands.metering import LocalChangeSupply
from han.commands.prepayment import (
    GetDebtRepaymentLog,
    GetTopUpLog,
    OriginatingDevice,
    PublishDebtLog,
    PublishTopUpLog,
    SelectAvailableEmergencyCredit,
    TopUpResult,
)
from han.household import LocalSupply
from han.zcl.tables import Access
from tests.esme.bench import at, mains, volts, watts
from tests.esme.house import FOR_EVER, PPMID, House, top_up
from tests.esme.prepaid import (
    IMMEDIATE,
    POUND,
    events,
    non_disablement,
    prepaid,
    supply,
    token,
)


def test_scenario_43_credit_runs_out_and_the_display_gives_the_emergency_credit() -> None:
    rig = prepaid(100)
    house = House(rig)
    select = SelectAvailableEmergencyCredit(0, PPMID)
    assert house.ask(PREPAYMENT, select) is Status.SUCCESS  # 1.00 is at the threshold
    rig = prepaid(100, balance=POUND + 1_000)
    house = House(rig)
    assert house.ask(PREPAYMENT, select) is Status.FAILURE
    assert events(rig) == ["8155"]
    rig.until(at("10:30"))
    assert events(rig)[1:] == ["8119"]
    assert house.read(PREPAYMENT, 0x0001, 0x0002, 0x0003) == [POUND, 0, 0b1101]
    assert house.ask(PREPAYMENT, select) is Status.SUCCESS
    assert events(rig)[2:] == ["81AB", "8154"]
    assert house.read(PREPAYMENT, 0x0001, 0x0002, 0x0003) == [POUND, 5 * POUND, 0b10101]
    rig.meter.metrology.site = mains(volts(230), watts(10_000))
    rig.until(at("13:30"))
    assert events(rig)[4:] == ["81AA", "8F0F"]
    assert house.read(METERING, 0x0014) == [0]
    assert house.read(PREPAYMENT, 0x0003) == [0b1110101]


def test_scenario_43_a_non_disablement_period_keeps_the_supply_on() -> None:
    rig = prepaid(10_000, start="20:00")
    non_disablement(rig, begins=19, ends=8)
    rig.until(at("20:30"))
    house = House(rig)
    assert house.ask(PREPAYMENT, SelectAvailableEmergencyCredit(0, PPMID)) is Status.SUCCESS
    rig.until(at("07:30", day=1))
    assert "81AA" in events(rig)
    assert events(rig)[-1] == "8F83"
    assert house.read(METERING, 0x0014) == [2]


def test_scenario_44_a_token_counts_once_and_only_here_and_only_up_to_the_limit() -> None:
    rig = prepaid(0)
    house = House(rig)
    first = top_up(house, token(500, 7))
    assert (first.result, first.value, first.credit_remaining) == (0, 5 * POUND, 6 * POUND)
    again = top_up(house, token(500, 7))
    assert (again.result, again.credit_remaining) == (TopUpResult.REJECTED_DUPLICATE, 6 * POUND)
    other = top_up(house, token(500, 8, b"evil"))
    assert other.result == TopUpResult.REJECTED_INVALID
    rig.set("9000/0-0:94.44.2.10/4", v.i32(50 * POUND))
    rig.set("9000/0-0:94.44.2.10/6", IMMEDIATE)
    large = top_up(house, token(6000, 9))
    assert large.result == TopUpResult.REJECTED_TOP_UP_TOO_LARGE
    assert events(rig) == ["810E", "8154", "8F51", "8155", "8F64", "8155", "8F5B", "8155"]
    assert rig.meter.kept.balances.meter_balance == 6 * POUND
    log = house.one(PREPAYMENT, GetTopUpLog(FOR_EVER, 0), PublishTopUpLog)
    assert [(each.code, each.amount) for each in log.top_ups] == [(token(500, 7), 5 * POUND)]


def test_the_keys_of_the_meter_do_the_same_under_codes_of_their_own() -> None:
    rig = prepaid(10_000)
    rig.until(at("11:00"))
    keys = HouseholdActions(rig.meter, nullcontext, at_keys=True)
    me = Access(peer=0, now=rig.meter.now)
    assert keys.change_supply(LocalSupply.ON, me) is Status.FAILURE
    answer = keys.top_up(token(1000, 7), OriginatingDevice.METER, me)
    assert (answer.result, answer.source) == (TopUpResult.ACCEPTED_SUPPLY_ARMED, 1)
    assert keys.change_supply(LocalSupply.ON, me) is Status.SUCCESS
    locking = [keys.top_up(b"1" * 20, OriginatingDevice.METER, me).result for _ in range(6)]
    assert locking[-1] == TopUpResult.REJECTED_KEYPAD_LOCK
    assert top_up(House(rig), token(500, 8)).result == TopUpResult.REJECTED_KEYPAD_LOCK
    codes = [each for each in events(rig) if each[:3] == "816"]
    assert codes == ["8162", "8161", "8161", *["8162"] * 6]


def test_guessing_tokens_locks_the_display_out_but_not_the_supplier() -> None:
    rig = prepaid(0)
    house = House(rig)
    results = [top_up(house, b"1" * 20).result for _ in range(6)]
    assert results == [TopUpResult.REJECTED_INVALID] * 5 + [TopUpResult.REJECTED_KEYPAD_LOCK]
    assert [each for each in events(rig) if each != "8155"] == ["8F63"] * 5 + ["81C4", "81C5"]
    place, entered = "115/0-0:19.40.0.255/1", v.octets(token(500, 7))
    assert rig.call(place, entered, originator_counter=7 << 32) == 0
    rig.until(at("10:06"))
    assert top_up(house, token(500, 8)).result == TopUpResult.ACCEPTED


def test_scenario_45_both_logs_of_a_top_up_are_read_on_both_faces() -> None:
    rig = prepaid(0, balance=0)
    rig.call("113/0-0:19.20.3.255/4", v.i32(50 * POUND))
    rig.set("113/0-0:19.20.3.255/13", v.u16(3000))
    house = House(rig)
    assert top_up(house, token(1000, 7)).credit_remaining == 7 * POUND
    (debt,) = house.one(PREPAYMENT, GetDebtRepaymentLog(FOR_EVER, 0, 0xFF), PublishDebtLog).payments
    assert (debt.amount_paid, debt.outstanding) == (3 * POUND, 47 * POUND)
    (paid,) = house.one(PREPAYMENT, GetTopUpLog(FOR_EVER, 1), PublishTopUpLog).top_ups
    assert paid.amount == 10 * POUND
    assert rig.numbers("7/0-0:98.1.4.255/2") == [[debt.time, 3 * POUND]]
    assert rig.numbers("7/0-0:98.1.5.255/2") == [[paid.time, 10 * POUND]]
    assert house.read(PREPAYMENT, 0x0101, 0x0103, 0x0231) == [
        10 * POUND,
        token(1000, 7),
        47 * POUND,
    ]


def test_the_supply_is_switched_on_from_a_display_only_once_it_is_armed() -> None:
    rig = prepaid(10_000)
    rig.until(at("11:00"))
    house = House(rig)
    on = LocalChangeSupply(2)
    assert (supply(rig), house.ask(METERING, on)) == (0, Status.FAILURE)
    assert top_up(house, token(1000, 7)).result == TopUpResult.ACCEPTED_SUPPLY_ARMED
    assert house.read(METERING, 0x0014) == [1]
    assert house.ask(METERING, on) is Status.SUCCESS
    assert house.read(METERING, 0x0014) == [2]
    assert house.ask(METERING, LocalChangeSupply(1)) is Status.NOT_AUTHORIZED
    assert events(rig)[-2:] == ["8154", "8154"]


def test_in_credit_mode_no_emergency_credit_is_on_offer() -> None:
    rig = prepaid(0)
    rig.set("111/0-1:19.0.0.255/2", v.structure(v.enum(1), v.enum(2)))
    rig.set("111/0-1:19.0.0.255/13", IMMEDIATE)
    house = House(rig)
    assert house.ask(PREPAYMENT, SelectAvailableEmergencyCredit(0, PPMID)) is Status.FAILURE
    assert house.read(PREPAYMENT, 0x0000, 0x0003) == [0x0094, 0]
