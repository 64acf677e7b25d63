"""Auxiliary controllers by command (ECS47, ECS47a, ECS47e): periods, refusals, limits, the log."""

from datetime import datetime, timedelta

import pytest

from esme.control.state import Kind
from esme.physics.site import Phase, Site
from gbcs.dlms import values as v
from gbcs.dlms.data import Bits
from tests.esme.bench import at, volts
from tests.esme.controllers import (
    COMMAND,
    FAILURE,
    OFF,
    ON,
    SUCCESS,
    controllers,
    log,
    period,
    stamp,
    state,
    switches,
)
from tests.esme.rig import MeterRig

LIMIT = "9/0-0:10.0.107.255/1"
OUTPUT_5_FULL = 0x1564
OTHER_REASON = 250


def test_a_level_holds_from_start_to_end_and_is_logged_both_times() -> None:
    rig = switches()
    period(rig, 5, at("11:00"), at("12:00"))
    assert rig.call(COMMAND, v.u16(OUTPUT_5_FULL)) == 0
    states = []
    for clock in ("10:59", "11:00", "11:59", "12:00"):
        rig.until(at(clock))
        states.append(state(rig, 5))
    assert states == [OFF, ON, ON, OFF]
    back_to_nothing = 0x1580
    assert log(rig) == [
        (at("11:00"), OUTPUT_5_FULL, SUCCESS, 0),
        (at("12:00"), back_to_nothing, SUCCESS, 0),
    ]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (at("12:00"), at("11:00")),
        (at("11:00"), at("11:00")),
        (at("11:00"), at("11:00:01", day=1)),
    ],
)
def test_a_period_that_is_empty_or_longer_than_a_day_is_refused_and_changes_nothing(
    start: datetime, end: datetime
) -> None:
    rig = switches()
    period(rig, 5, start, end)
    assert rig.call(COMMAND, v.u16(OUTPUT_5_FULL)) == OTHER_REASON
    rig.until(at("11:30", day=1))
    assert (state(rig, 5), log(rig)) == (OFF, [])


def test_a_period_of_exactly_a_day_is_held_to_its_last_second() -> None:
    rig = switches()
    period(rig, 5, at("11:00"), at("11:00", day=1))
    assert rig.call(COMMAND, v.u16(OUTPUT_5_FULL)) == 0
    rig.until(at("10:59:59", day=1))
    assert state(rig, 5) == ON
    rig.until(at("11:00", day=1))
    assert state(rig, 5) == OFF


def test_a_refused_period_does_not_serve_the_next_command() -> None:
    rig = switches()
    period(rig, 5, at("12:00"), at("11:00"))
    assert rig.call(COMMAND, v.u16(OUTPUT_5_FULL)) == OTHER_REASON
    assert rig.call(COMMAND, v.u16(OUTPUT_5_FULL)) == 0  # from now, for a day at most
    assert state(rig, 5) == ON


@pytest.mark.parametrize("script", [0x0064, 0x1664, 0x1565, 0x3532, 0x0599, 0x0501, 0x15E4])
def test_an_order_that_makes_no_sense_is_refused(script: int) -> None:
    assert switches().call(COMMAND, v.u16(script)) == OTHER_REASON


@pytest.mark.parametrize("script", [0x1532, 0x2564])
def test_a_switch_has_no_half_level_and_no_input(script: int) -> None:
    assert switches().call(COMMAND, v.u16(script)) == OTHER_REASON


def test_where_there_is_no_controller_an_order_is_refused() -> None:
    assert MeterRig().call(COMMAND, v.u16(OUTPUT_5_FULL)) == OTHER_REASON


def test_the_older_command_gives_minutes() -> None:
    rig = switches()
    assert rig.set("1/0-0:94.44.117.1/2", v.u16(30)) == 0
    assert rig.call(COMMAND, v.u16(0x0111)) == 0
    assert rig.read("70/0-1:96.3.10.255/2") is True
    rig.until(at("10:30"))
    assert rig.read("70/0-1:96.3.10.255/2") is False


def test_the_older_command_that_switches_off_has_its_minutes_in_the_other_attribute() -> None:
    rig = switches()
    period(rig, 1, at("10:00"), at("12:00"))
    rig.call(COMMAND, v.u16(0x1164))
    assert rig.set("1/0-0:94.44.117.2/2", v.u16(45)) == 0
    assert rig.call(COMMAND, v.u16(0x0112)) == 0
    assert [entry[1] for entry in log(rig)] == [0x1164, 0x0112]
    rig.until(at("10:45"))
    assert log(rig)[-1] == (at("10:45"), 0x1180, SUCCESS, 0)


def test_a_reset_ends_the_order() -> None:
    rig = switches()
    period(rig, 5, at("10:00"), at("12:00"))
    rig.call(COMMAND, v.u16(OUTPUT_5_FULL))
    assert rig.call(COMMAND, v.u16(0x0520)) == 0
    assert rig.read("70/0-5:96.3.10.255/2") is False
    rig.until(at("13:00"))
    assert [entry[1:3] for entry in log(rig)] == [(OUTPUT_5_FULL, SUCCESS), (0x0520, SUCCESS)]


def test_a_command_that_is_repeated_is_logged_again_and_holds_for_its_new_period() -> None:
    rig = switches()
    for end in ("12:00", "11:00"):
        period(rig, 5, at("10:00"), at(end))
        assert rig.call(COMMAND, v.u16(OUTPUT_5_FULL)) == 0
    rig.until(at("11:00"))
    assert [entry[1] for entry in log(rig)] == [OUTPUT_5_FULL, OUTPUT_5_FULL, 0x1580]


def test_input_and_output_of_a_proportional_controller_are_set_apart() -> None:
    rig = switches()
    period(rig, 3, at("10:00"), at("11:00"))
    assert rig.call(COMMAND, v.u16(0x2332)) == 0
    period(rig, 3, at("10:00"), at("12:00"))
    assert rig.call(COMMAND, v.u16(0x130A)) == 0
    assert state(rig, 3) == '{"outputState": 10, "inputState": 50}'
    rig.until(at("11:00"))
    assert state(rig, 3) == '{"outputState": 10, "inputState": 0}'
    rig.until(at("12:00"))
    assert state(rig, 3) == ON


def test_a_limit_is_told_when_it_begins_and_when_it_ends() -> None:
    rig = switches()
    start, end = at("11:00"), at("12:00")
    period(rig, 3, start, end, first=3)
    assert rig.call(LIMIT, v.u16(0x1332)) == 0
    rig.until(at("11:30"))
    assert state(rig, 3) == '{"outputState": 50, "inputState": 0}'
    rig.until(at("13:00"))
    begun, ended = rig.meter.reporter.take_alerts()
    assert (begun.message_code, begun.alert_code, begun.at) == (0x0121, 0x8F86, start)
    assert begun.elements == (v.u8(0x13), stamp(start), stamp(end), v.u8(50))
    assert (ended.message_code, ended.alert_code, ended.at) == (0x0122, 0x8F87, end)
    assert ended.elements == (v.u8(0x13), v.u8(100))
    assert state(rig, 3) == ON


def test_a_limit_above_the_level_changes_nothing_and_tells_the_level() -> None:
    rig = switches()
    period(rig, 3, at("10:00"), at("12:00"))
    rig.call(COMMAND, v.u16(0x1314))
    period(rig, 3, at("10:30"), at("11:00"), first=3)
    assert rig.call(LIMIT, v.u16(0x1332)) == 0
    rig.until(at("10:40"))
    assert state(rig, 3) == '{"outputState": 20, "inputState": 0}'
    (begun,) = rig.meter.reporter.take_alerts()
    assert begun.elements[-1] == v.u8(20)


def test_another_limit_cancels_the_one_that_holds() -> None:
    rig = switches()
    for level in (50, 30):
        period(rig, 3, at("10:00"), at("12:00"), first=3)
        assert rig.call(LIMIT, v.u16(0x1300 | level)) == 0
    codes = [(alert.alert_code, alert.elements[-1]) for alert in rig.meter.reporter.take_alerts()]
    assert codes == [(0x8F86, v.u8(50)), (0x8F87, v.u8(100)), (0x8F86, v.u8(30))]


def test_a_switch_cannot_be_limited() -> None:
    assert switches().call(LIMIT, v.u16(0x1532)) == OTHER_REASON


def test_a_switch_that_is_stuck_fails_with_an_alert_and_keeps_its_state() -> None:
    rig = switches()
    rig.meter.controllers.stuck.add(5)
    assert rig.call(COMMAND, v.u16(OUTPUT_5_FULL)) == 0
    assert log(rig) == [(at("10:00"), OUTPUT_5_FULL, FAILURE, 0)]
    assert (rig.alerts(), state(rig, 5)) == (["811A"], OFF)


def test_a_switch_that_moves_raises_the_alert_of_success() -> None:
    rig = switches()
    rig.call(COMMAND, v.u16(OUTPUT_5_FULL))
    assert rig.alerts() == ["8131"]


def test_a_supplier_that_does_not_want_the_alert_gets_none() -> None:
    rig = switches()
    without_31 = bytes.fromhex("FF" * 25 + "FD" + "FF" * 6)
    rig.put("1/0-30:97.98.15.255/2", "bs(256)", _bits(without_31))
    rig.call(COMMAND, v.u16(OUTPUT_5_FULL))
    assert rig.alerts() == []
    assert len(log(rig)) == 1


def _bits(octets: bytes) -> Bits:

    return Bits(256, octets)


def test_connecting_something_else_forgets_what_was_asked() -> None:
    rig = switches()
    rig.call(COMMAND, v.u16(OUTPUT_5_FULL))
    assert rig.set("1/0-0:94.44.0.25/2", v.octets(b"")) == 0
    assert state(rig, 5) == "{}"
    assert rig.read("70/0-5:96.3.10.255/2") is False


def test_a_setting_that_passed_without_power_is_logged_as_failed_on_return() -> None:
    outage = (at("10:50"), at("12:10"))
    rig = MeterRig(site=_dark(*outage), identity=controllers(Kind.ALCS))
    period(rig, 1, at("11:00"), at("12:00"))
    rig.call(COMMAND, v.u16(0x1164))
    rig.until(at("12:30"))
    assert log(rig) == [(at("12:10"), 0x1164, FAILURE, 0)]
    assert "811A" in rig.alerts()


def test_a_setting_goes_on_after_a_power_cut_in_its_middle() -> None:
    rig = MeterRig(site=_dark(at("11:10"), at("11:40")), identity=controllers(Kind.ALCS))
    period(rig, 1, at("11:00"), at("12:00"))
    rig.call(COMMAND, v.u16(0x1164))
    rig.until(at("11:50"))
    assert state(rig, 1) == ON
    rig.until(at("12:00"))
    assert [entry[:2] for entry in log(rig)] == [(at("11:00"), 0x1164), (at("12:00"), 0x1180)]


def test_a_meter_that_was_killed_goes_on_where_it_was() -> None:
    rig = switches()
    period(rig, 5, at("11:00"), at("12:00"))
    rig.call(COMMAND, v.u16(OUTPUT_5_FULL))
    rig.until(at("11:10"))
    rig.save()
    again = switches(store=rig.store, start=at("11:20"))
    assert state(again, 5) == ON
    again.until(at("12:00"))
    assert state(again, 5) == OFF
    assert [entry[0] for entry in log(again)] == [at("11:00"), at("12:00")]


def _dark(start: datetime, end: datetime) -> Site:

    return Site((Phase(volts(240, (start, 0), (end, 240))),))


def test_the_randomised_offset_is_number_times_limit_over_ten_thousand() -> None:
    rig = switches()
    rig.put("1/0-0:94.44.0.2/2", "u16", 2500)
    assert rig.set("1/0-0:94.44.0.1/2", v.u16(1799)) == 0
    assert rig.read("1/0-0:94.44.0.0/2") == 450
    assert rig.set("1/0-0:94.44.0.1/2", v.u16(1800)) == OTHER_REASON
    assert timedelta(seconds=450) == rig.meter.controllers.offset
