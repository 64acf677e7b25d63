"""The calendar of the auxiliary controllers (ECS46d): days, special days, offset, power cuts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from device.cosem.shape import Plain, shape
from device.cosem.table import Place
from esme.control.settings import ControlSettings
from esme.control.state import Kind
from esme.physics.site import Phase, Site
from gbcs.dlms import values as v
from gbcs.dlms.data import Bits, Data
from gbcs.stamp import NOW, Stamp
from tests.esme.bench import at, volts
from tests.esme.controllers import COMMAND, FAILURE, OFF, ON, SUCCESS, controllers, log, state
from tests.esme.rig import MeterRig

ENTRIES, SPECIALS = "10/0-1:12.0.2.255/2", "11/0-1:11.0.3.255/2"
ACTIVATE, ACTIVATE_SPECIALS = "9000/0-0:94.44.128.26/6", "9000/0-0:94.44.128.35/6"
SCHEDULE = "array<{u16,bool,os(6),u16,os(4),u16,bs(7),bs,os(5),os(5)}>"
ALWAYS = ("FFFFFFFFFF", "FFFFFFFFFF")
ON_1, OFF_1 = 0x11E4, 0x1180
AT_ONCE = v.octets(NOW.octets)
EVERY_DAY, WEEKEND = "1111111", "0000011"


def entry(
    selector: int,
    clock: str,
    weekdays: str = EVERY_DAY,
    specials: str = "",
    season: tuple[str, str] = ALWAYS,
) -> Plain:
    hour, minute = (int(part) for part in clock.split(":"))
    days = Bits(7, bytes((int(weekdays, 2) << 1,)))
    width = len(specials)
    special = Bits(width, (int(specials or "0", 2) << (-width % 8)).to_bytes(-(-width // 8), "big"))
    begin, end = (bytes.fromhex(text) for text in season)
    script = bytes.fromhex("00000A0067FF")
    return (
        1,
        True,
        script,
        selector,
        bytes((hour, minute, 0, 0)),
        0xFFFF,
        days,
        special,
        begin,
        end,
    )


def give(
    rig: MeterRig, *entries: Plain, specials: Data | None = None, when: Data = AT_ONCE
) -> None:
    """Send a calendar as ECS46d does, in force at once unless said otherwise."""
    assert rig.set(SPECIALS, specials or v.array()) == 0

    assert rig.set(ENTRIES, shape(SCHEDULE).build(entries)) == 0
    assert rig.set(ACTIVATE, when) == 0
    assert rig.set(ACTIVATE_SPECIALS, when) == 0


def switch(**changes: object) -> MeterRig:
    """A meter with one switch."""
    return MeterRig(identity=controllers(Kind.ALCS), **changes)  # type: ignore[arg-type]


def states(rig: MeterRig, *moments: datetime, controller: int = 1) -> list[str]:
    found = []
    for moment in moments:
        rig.until(moment)
        found.append("on" if state(rig, controller) == ON else "off")
    return found


def test_a_switch_follows_the_calendar_across_midnight() -> None:
    rig = switch()
    give(rig, entry(ON_1, "22:30"), entry(OFF_1, "06:30"))
    clocks = (at("22:29"), at("22:30"), at("00:01", day=1), at("06:29", day=1), at("06:30", day=1))
    assert states(rig, *clocks) == ["off", "on", "on", "on", "off"]
    assert log(rig)[-2:] == [
        (at("22:30"), ON_1, SUCCESS, 0),
        (at("06:30", day=1), OFF_1, SUCCESS, 0),
    ]


def test_what_ran_yesterday_holds_when_the_calendar_comes_into_force() -> None:
    rig = switch()  # at 10:00
    give(rig, entry(ON_1, "22:30"), entry(OFF_1, "11:00"))
    assert states(rig, at("10:01"), at("11:00")) == ["on", "off"]


def test_weekdays_are_bits_from_monday_on() -> None:
    rig = switch()  # a Monday
    give(rig, entry(ON_1, "12:00", WEEKEND), entry(OFF_1, "13:00", WEEKEND))
    at_half_past_twelve = [at("12:30", day=day) for day in range(7)]
    assert states(rig, *at_half_past_twelve) == ["off"] * 5 + ["on"] * 2


def test_a_special_day_has_actions_of_its_own_by_its_day_id() -> None:
    rig = switch()
    second_is_tuesday = v.array(
        v.structure(v.u16(1), v.octets(bytes.fromhex("FFFF0C19FF")), v.u8(1)),
        v.structure(v.u16(2), v.octets(bytes.fromhex("FFFF0303FF")), v.u8(2)),
    )
    give(
        rig,
        entry(ON_1, "12:00", EVERY_DAY, "00"),
        entry(OFF_1, "13:00", EVERY_DAY, "11"),
        entry(ON_1, "15:00", "0000000", "01"),
        specials=second_is_tuesday,
    )
    tuesday = [at(clock, day=1) for clock in ("12:30", "15:30")]
    wednesday = [at(clock, day=2) for clock in ("12:30", "13:30")]
    assert states(rig, at("12:30"), at("13:30")) == ["on", "off"]
    assert states(rig, *tuesday) == ["off", "on"]
    assert states(rig, *wednesday) == ["on", "off"]


def test_an_entry_out_of_its_season_does_not_run_and_what_ran_before_stays() -> None:
    rig = switch()
    until_today = ("FFFF0101FF", "FFFF0302FF")
    give(rig, entry(ON_1, "12:00", season=until_today), entry(OFF_1, "13:00", season=until_today))
    assert states(rig, at("12:30"), at("13:30"), at("12:30", day=1)) == ["on", "off", "off"]


def test_clocks_that_change_in_spring_change_nothing() -> None:
    start = datetime(2026, 3, 28, 20, tzinfo=UTC)  # British Summer Time begins at 01:00 on the 29th
    rig = switch(start=start)
    give(rig, entry(ON_1, "00:30"), entry(OFF_1, "02:30"))
    rig.until(start + timedelta(hours=36))
    times = [moment for moment, number, *_ in log(rig) if number == ON_1]
    assert times == [datetime(2026, 3, day, 0, 30, tzinfo=UTC) for day in (29, 30)]


@pytest.mark.parametrize(("number", "limit_s", "offset_s"), [(2500, 1799, 450), (1, 1799, 0)])
def test_the_randomised_offset_delays_the_calendar(
    number: int, limit_s: int, offset_s: int
) -> None:
    rig = switch()
    rig.put("1/0-0:94.44.0.2/2", "u16", number)
    assert rig.set("1/0-0:94.44.0.1/2", v.u16(limit_s)) == 0
    give(rig, entry(ON_1, "12:00"), entry(OFF_1, "11:00"))
    rig.until(at("13:00"))
    assert log(rig)[-1] == (at("12:00") + timedelta(seconds=offset_s), ON_1, SUCCESS, 0)


def test_the_randomised_offset_does_not_delay_a_command() -> None:
    rig = switch()
    rig.put("1/0-0:94.44.0.2/2", "u16", 10_000)
    rig.set("1/0-0:94.44.0.1/2", v.u16(1799))
    assert rig.call(COMMAND, v.u16(0x1164)) == 0
    assert log(rig) == [(at("10:00"), 0x1164, SUCCESS, 0)]


def test_a_command_comes_before_the_calendar_and_gives_back_to_it() -> None:
    rig = switch()
    give(rig, entry(ON_1, "09:00"), entry(OFF_1, "20:00"))
    for field, clock in ((1, "12:00"), (2, "13:00")):
        rig.set(f"1/0-0:94.44.117.{field}/2", v.date_time(Stamp.of(at(clock))))
    assert rig.call(COMMAND, v.u16(0x1100)) == 0
    assert states(rig, at("11:59"), at("12:30"), at("13:00")) == ["on", "off", "on"]
    assert [number for _, number, *_ in log(rig)] == [ON_1, 0x1100, ON_1]


def test_the_older_calendar_has_numbers_without_a_direction() -> None:
    rig = switch()
    give(rig, entry(0x0101, "12:00"), entry(0x0102, "13:00"))
    assert states(rig, at("12:30"), at("13:30")) == ["on", "off"]
    assert [number for _, number, *_ in log(rig)] == [0x0102, 0x0101, 0x0102]


def test_levels_of_input_and_output_come_from_one_calendar() -> None:
    rig = MeterRig(identity=controllers(Kind.APC))
    give(rig, entry(0x1180 | 30, "12:00"), entry(0x2180 | 70, "12:30"))
    rig.until(at("13:00"))
    assert state(rig, 1) == '{"outputState": 30, "inputState": 70}'


def test_a_calendar_for_the_future_is_in_force_from_its_date_and_told() -> None:
    rig = switch()
    give(rig, entry(ON_1, "09:00"), when=v.date_time(Stamp.of(at("11:00"))))
    assert states(rig, at("10:59"), at("11:00")) == ["off", "on"]
    assert rig.alerts() == ["8F66", "8F66", "8131"]


def test_an_empty_calendar_leaves_a_switch_off() -> None:
    rig = switch()
    give(rig, entry(ON_1, "09:00"))
    rig.until(at("10:30"))
    give(rig)
    assert state(rig, 1) == OFF


def test_after_a_power_cut_the_switch_is_as_the_calendar_says_by_then() -> None:
    dark = Site((Phase(volts(240, (at("11:30"), 0), (at("14:30"), 240))),))
    rig = switch(site=dark)
    give(
        rig,
        entry(ON_1, "09:00"),
        entry(OFF_1, "12:00"),
        entry(ON_1, "13:00"),
        entry(OFF_1, "14:00"),
    )
    rig.until(at("15:00"))
    assert log(rig) == [(at("10:00"), ON_1, SUCCESS, 0), (at("14:30"), OFF_1, SUCCESS, 0)]
    assert state(rig, 1) == OFF


def test_a_stuck_switch_fails_once_for_each_entry() -> None:
    rig = switch()
    rig.meter.controllers.stuck.add(1)
    give(rig, entry(ON_1, "12:00"), entry(OFF_1, "11:00"))
    rig.until(at("12:30"))
    assert [(n, outcome) for _, n, outcome, _ in log(rig)][-1] == (ON_1, FAILURE)
    assert state(rig, 1) == OFF


def test_the_calendar_is_not_logged_when_that_is_not_wanted() -> None:
    rig = switch(control=ControlSettings(log_calendar=False))
    give(rig, entry(ON_1, "12:00"), entry(OFF_1, "11:00"))
    assert states(rig, at("12:30")) == ["on"]
    assert log(rig) == []


@pytest.mark.parametrize(("count", "result"), [(120, 0), (121, 250)])
def test_a_calendar_has_120_entries_at_most(count: int, result: int) -> None:

    rows = shape(SCHEDULE).build((entry(ON_1, "12:00"),) * count)
    assert switch().set(ENTRIES, rows) == result


@pytest.mark.parametrize(("count", "result"), [(20, 0), (21, 250)])
def test_a_calendar_has_20_special_days_at_most(count: int, result: int) -> None:
    day = v.structure(v.u16(1), v.octets(bytes.fromhex("FFFF0C19FF")), v.u8(1))
    assert switch().set(SPECIALS, v.array(*[day] * count)) == result


def test_every_day_of_a_month_has_its_two_entries() -> None:
    rig = switch()
    give(rig, entry(ON_1, "00:30"), entry(OFF_1, "05:30"))
    rig.until(at("00:00", day=30))
    assert [number for _, number, *_ in log(rig)] == [OFF_1, *[ON_1, OFF_1] * 29]


def test_what_is_supposed_to_be_done_is_not_done_again_and_the_next_entry_is() -> None:
    rig = switch()
    calendar = shape(SCHEDULE).build((entry(OFF_1, "09:00"), entry(ON_1, "12:00")))
    rig.server.load(Place.parse("10/0-0:12.0.2.255/2"), calendar)
    rig.meter.controllers.suppose_done(at("10:00"))
    rig.until(at("11:59"))
    assert log(rig) == []
    rig.until(at("12:00"))
    assert [number for _, number, *_ in log(rig)] == [ON_1]
