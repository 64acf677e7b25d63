"""The boost key (ECS61c, ECS62): minutes, extension, association, precedence, log."""

from datetime import timedelta

import pytest

from esme.control.settings import ControlSettings
from esme.control.state import Kind
from esme.meter import Identity
from gbcs.dlms import values as v
from gbcs.zcl.types import zcl_seconds
from tests.esme.bench import at
from tests.esme.controllers import COMMAND, OFF, ON, SUCCESS, controllers, log, state, switches
from tests.esme.rig import MeterRig

BOOST_LOG = "7/0-0:99.98.20.255/2"


def associate(rig: MeterRig, *numbers: int) -> None:
    """As ECS62 does."""
    for number in range(1, 6):
        assert rig.set(f"1/0-0:94.44.6.{number}/2", v.boolean(number in numbers)) == 0


def press(rig: MeterRig, minutes: int, clock: str) -> bool:
    rig.until(at(clock))
    return rig.meter.controllers.press_boost(minutes, rig.meter.now) is not None


@pytest.mark.parametrize("minutes", [15, 30, 45, 60])
def test_a_boost_switches_on_what_is_associated_and_off_again(minutes: int) -> None:
    rig = switches()
    associate(rig, 2)
    assert press(rig, minutes, "12:00")
    assert (state(rig, 1), state(rig, 2)) == (OFF, ON)
    end = at("12:00") + timedelta(minutes=minutes)
    rig.until(end - timedelta(seconds=1))
    assert state(rig, 2) == ON
    rig.until(end)
    assert state(rig, 2) == OFF
    assert rig.numbers(BOOST_LOG) == [[zcl_seconds(at("12:00")), zcl_seconds(end)]]
    assert log(rig) == [(at("12:00"), 0x1264, SUCCESS, 0), (end, 0x1280, SUCCESS, 0)]


def test_pressing_again_extends_a_boost_to_an_hour_at_most() -> None:
    rig = switches()
    associate(rig, 1)
    for clock in ("12:00", "12:10", "12:20", "12:30", "12:40"):
        assert press(rig, 15, clock)
    rig.until(at("12:59:59"))
    assert state(rig, 1) == ON
    rig.until(at("13:00"))
    assert state(rig, 1) == OFF
    assert rig.numbers(BOOST_LOG) == [[zcl_seconds(at("12:00")), zcl_seconds(at("13:00"))]]


def test_a_boost_that_the_consumer_ends_is_logged_with_its_real_end() -> None:
    rig = switches()
    associate(rig, 1)
    press(rig, 60, "12:00")
    rig.until(at("12:07"))
    rig.meter.controllers.end_boost(rig.meter.now)
    assert state(rig, 1) == OFF
    assert rig.numbers(BOOST_LOG) == [[zcl_seconds(at("12:00")), zcl_seconds(at("12:07"))]]


@pytest.mark.parametrize("minutes", [0, 10, 75])
def test_other_minutes_are_no_boost(minutes: int) -> None:
    rig = switches()
    associate(rig, 1)
    assert not press(rig, minutes, "12:00")


def test_without_an_association_there_is_nothing_to_boost() -> None:
    rig = switches()
    assert not press(rig, 15, "12:00")
    associate(rig, 1)
    associate(rig)
    assert not press(rig, 15, "12:01")
    assert rig.numbers(BOOST_LOG) == []


def test_a_meter_without_the_key_cannot_be_boosted() -> None:
    rig = MeterRig(identity=Identity(0xA0, controllers=controllers(Kind.ALCS).controllers))
    associate(rig, 1)
    assert rig.read("1/0-0:94.44.7.255/2") is False
    assert not press(rig, 15, "12:00")


@pytest.mark.parametrize(("boost_first", "expected"), [(True, ON), (False, OFF)])
def test_a_boost_against_a_command_is_a_setting(boost_first: bool, expected: str) -> None:
    rig = switches(control=ControlSettings(boost_over_command=boost_first))
    associate(rig, 1)
    assert rig.call(COMMAND, v.u16(0x1100)) == 0
    press(rig, 30, "12:00")
    assert state(rig, 1) == expected
    rig.until(at("12:31"))
    assert state(rig, 1) == OFF


def test_a_boost_survives_the_death_of_the_process() -> None:
    rig = switches()
    associate(rig, 1)
    press(rig, 30, "12:00")
    rig.save()
    again = switches(store=rig.store, start=at("12:10"))
    assert state(again, 1) == ON
    again.until(at("12:30"))
    assert state(again, 1) == OFF
    assert len(again.numbers(BOOST_LOG)) == 1


def test_the_boost_log_keeps_the_last_25() -> None:
    rig = switches()
    associate(rig, 1)
    for day in range(30):
        rig.until(at("12:00", day=day))
        rig.meter.controllers.press_boost(15, rig.meter.now)
    rig.until(at("13:00", day=29))
    starts = [start for start, _ in rig.numbers(BOOST_LOG)]
    assert starts == [zcl_seconds(at("12:00", day=day)) for day in range(5, 30)]


def test_what_is_boosted_is_measured_until_the_load_limit_cuts_the_supply() -> None:
    identity = Identity(
        0xA0,
        controllers=controllers(Kind.ALCS).controllers,
        controlled_w=(3000,),
        boost_key=True,
    )
    rig = MeterRig(identity=identity)
    associate(rig, 1)
    for place, notation, value in (
        ("71/0-0:17.0.0.255/4", "u32", 2000),
        ("71/0-0:17.0.0.255/6", "u32", 600),
        ("71/0-0:17.0.0.255/7", "u32", 1800),
        ("9000/0-0:94.44.0.3/2", "bool", True),
    ):
        rig.put(place, notation, value)
    press(rig, 60, "12:00")
    rig.until(at("13:00"))
    # 3 kW for ten minutes, half an hour without supply, 3 kW for another ten minutes.
    assert rig.meter.readings.active_import_wh == 1000
    assert rig.meter.kept.load_limit.counter == 2
    assert state(rig, 1) == OFF
