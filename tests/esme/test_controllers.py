"""Auxiliary controllers by command."""

import pytest

from gbcs.dlms import values as v
from gbcs.dlms.data import Data
from gbcs.stamp import Stamp
from tests.esme.bench import at
from tests.esme.rig import MeterRig

STATE = "1/0-0:94.44.0.35/2"
SETTING = "1/0-0:94.44.121"
EXECUTE = "9/0-0:10.0.103.255/1"
OUTPUT_5_FULL = 0x1564


def period(rig: MeterRig, start: str, end: str) -> None:
    def stamp(clock: str) -> Data:
        return v.date_time(Stamp.of(at(clock)))

    assert rig.set(f"{SETTING}.1/2", stamp(start)) == 0
    assert rig.set(f"{SETTING}.2/2", stamp(end)) == 0


def test_a_level_holds_from_start_to_end_and_is_logged_both_times() -> None:
    rig = MeterRig()
    period(rig, "11:00", "12:00")
    assert rig.call(EXECUTE, v.u16(OUTPUT_5_FULL)) == 0
    states = []
    for clock in ("10:59", "11:00", "11:59", "12:00"):
        rig.until(at(clock))
        states.append(rig.read(STATE))
    on = '{"outputState": 100, "inputState": 0}'
    off = '{"outputState": 0, "inputState": 0}'
    assert states == ["{}", on, on, off]
    entries = rig.meter.reporter.controller_log.entries()
    assert [(entry.at, entry.code) for entry in entries] == [
        (at("11:00"), OUTPUT_5_FULL),
        (at("12:00"), OUTPUT_5_FULL),
    ]


@pytest.mark.parametrize(("start", "end"), [("12:00", "11:00"), ("11:00", "11:00")])
def test_a_period_that_cannot_be_is_refused(start: str, end: str) -> None:
    rig = MeterRig()
    period(rig, start, end)
    assert rig.call(EXECUTE, v.u16(OUTPUT_5_FULL)) == 250


def test_a_period_longer_than_a_day_is_refused() -> None:
    rig = MeterRig()
    rig.set(f"{SETTING}.1/2", v.date_time(Stamp.of(at("11:00"))))
    rig.set(f"{SETTING}.2/2", v.date_time(Stamp.of(at("11:00:01", day=1))))
    assert rig.call(EXECUTE, v.u16(OUTPUT_5_FULL)) == 250


@pytest.mark.parametrize("script", [0x0064, 0x1664, 0x1565, 0x3532, 0x0599])
def test_an_order_that_makes_no_sense_is_refused(script: int) -> None:
    assert MeterRig().call(EXECUTE, v.u16(script)) == 250


def test_the_older_command_gives_minutes() -> None:
    rig = MeterRig()
    assert rig.set("1/0-0:94.44.117.1/2", v.u16(30)) == 0
    assert rig.call(EXECUTE, v.u16(0x0111)) == 0
    assert rig.read("70/0-1:96.3.10.255/2") is True
    rig.until(at("10:30"))
    assert rig.read("70/0-1:96.3.10.255/2") is False


def test_a_reset_ends_the_order() -> None:
    rig = MeterRig()
    period(rig, "10:00", "12:00")
    rig.call(EXECUTE, v.u16(OUTPUT_5_FULL))
    assert rig.call(EXECUTE, v.u16(0x0520)) == 0
    assert rig.read("70/0-5:96.3.10.255/2") is False


def test_a_limit_is_told_when_it_begins_and_when_it_ends() -> None:
    rig = MeterRig()
    start, end = (v.date_time(Stamp.of(at(clock))) for clock in ("11:00", "12:00"))
    assert rig.set("1/0-0:94.44.119.3/2", start) == 0
    assert rig.set("1/0-0:94.44.119.4/2", end) == 0
    assert rig.call("9/0-0:10.0.107.255/1", v.u16(0x2332)) == 0
    rig.until(at("13:00"))
    begun, ended = rig.meter.reporter.take_alerts()
    assert (begun.message_code, begun.alert_code, begun.at) == (0x0121, 0x8F86, at("11:00"))
    assert begun.elements == (v.u8(0x23), start, end, v.u8(50))
    assert (ended.message_code, ended.alert_code, ended.at) == (0x0122, 0x8F87, at("12:00"))
    assert ended.elements == (v.u8(0x23), v.u8(50))
