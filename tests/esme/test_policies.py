"""What a meter does that has no time, and what must hold whatever happens to it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.clock import ClockSettings
from esme.physics.signal import Interrupted, Signal, Steps
from esme.physics.site import Phase, Site
from gbcs.dlms import values as v
from gbcs.stamp import NEVER, Reliability, Stamp
from gbcs.utrn import Token, ValueClass
from tests.esme.bench import DAY, at, mains, volts, watts
from tests.esme.rig import MeterRig

THRESHOLD = "9000/0-0:94.44.128.7"


def no_time(rig: MeterRig) -> None:
    """The clock loses its backup."""
    rig.clock.power_loss(backup_held=False)


def set_clock(rig: MeterRig) -> None:
    """ECS70 with a wide range: the hub's time is taken."""
    never = v.date_time(NEVER)
    assert rig.call("8/0-0:1.0.0.255/5", v.structure(never, never, never)) == 0
    assert rig.call("8/0-0:1.0.0.255/4") == 0


def test_without_a_time_nothing_of_the_future_happens_until_there_is_one() -> None:
    rig = MeterRig(mains(volts(230), watts(1000)))
    rig.set(f"{THRESHOLD}/4", v.u32(3000))
    rig.set(f"{THRESHOLD}/6", v.date_time(Stamp.of(at("11:00"))), message_code=0x43)
    no_time(rig)
    rig.until(at("12:00"))
    assert rig.read("71/0-0:17.0.0.255/4") != 3000
    assert "8F66" not in rig.alerts()
    set_clock(rig)
    rig.until(at("12:01"))
    assert rig.read("71/0-0:17.0.0.255/4") == 3000
    assert rig.alerts() == ["8F66"]


def test_without_a_time_energy_counts_tokens_are_taken_and_no_log_of_time_grows() -> None:
    rig = MeterRig(mains(volts(230), watts(1000)), status=Reliability.INVALID)
    rig.until(at("13:00"))
    digits = Token(7, ValueClass.PENCE, 500, b"good").digits().encode()
    place = "115/0-0:19.40.0.255/1"
    assert rig.call(place, v.octets(digits), originator_counter=7 << 32) == 0
    kept = rig.meter.kept
    assert rig.meter.readings.active_import_wh == 3000
    assert kept.balances.meter_balance > 0
    assert not kept.measurements.half_hours.active_import.entries
    assert not kept.measurements.days.consumption.entries
    assert not kept.measurements.phases[0].average.profile.entries
    assert kept.demands.active_import.at is None


def test_a_meter_may_believe_its_first_reading_if_so_set() -> None:
    choice = ClockSettings(accept_first_read=True)
    rig = MeterRig(status=Reliability.INVALID, clock_settings=choice)
    rig.clock.sync(at("10:00"))
    rig.until(at("11:00"))
    assert len(rig.meter.kept.measurements.half_hours.active_import.entries) == 2


def test_an_unreliable_clock_is_a_clock() -> None:
    rig = MeterRig(mains(volts(230), watts(600)), status=Reliability.UNRELIABLE)
    rig.until(at("11:00"))
    entries = rig.meter.kept.measurements.half_hours.active_import.entries
    assert [(end, wh) for end, (wh, _) in entries] == [(at("10:30"), 300), (at("11:00"), 300)]


def test_the_maximum_demand_of_a_half_hour_cut_short_is_that_of_its_energy() -> None:
    cut = [(at("10:10"), at("10:25"))]
    mains_ = Interrupted(volts(230), cut)
    rig = MeterRig(Site((Phase(mains_, watts(6000)),)))
    rig.until(at("10:30"))
    assert rig.read("4/1-0:1.6.0.255/2") == 3000  # 1500 Wh of 15 minutes, over half an hour


def test_a_day_with_a_dark_midnight_is_in_one_entry_with_what_was_used() -> None:
    dark = [(at("22:00"), at("02:00", day=1))]
    rig = MeterRig(Site((Phase(Interrupted(volts(230), dark), watts(1000)),)), start=DAY)
    rig.until(at("00:00", day=2))
    entries = list(rig.meter.kept.measurements.days.consumption.entries)
    assert entries == [(at("00:00", day=1), 22_000), (at("00:00", day=2), 22_000)]
    assert rig.meter.readings.active_import_wh == 44_000


@pytest.mark.parametrize("period_s", [60, 420, 600, 1800, 3600])
def test_each_phase_of_three_has_periods_where_it_was_there(period_s: int) -> None:
    phases: list[Signal] = [
        volts(230),
        volts(240, (at("10:40"), 0), (at("12:20"), 241)),
        volts(250),
    ]
    rig = MeterRig(Site(tuple(Phase(voltage) for voltage in phases)))
    for number in range(3):
        rig.meter.metrology.set_voltage_period(number, period_s)
    rig.until(at("15:00"))
    first, second, third = (
        [(end, mean) for end, mean in phase.average.profile.entries]
        for phase in rig.meter.kept.measurements.phases
    )
    assert [end for end, _ in first] == [end for end, _ in third]
    assert {mean for _, mean in first} == {230}
    assert {mean for _, mean in third} == {250}
    missing = {end for end, _ in first} - {end for end, _ in second}
    length = timedelta(seconds=period_s)
    assert missing == {
        end
        for end, _ in first
        if end is not None and at("10:40") <= end - length and end <= at("12:20")
    }
    assert {mean for _, mean in second} <= {240, 241}


Scripts = list[tuple[int, int]]


@settings(max_examples=25)
@given(
    scripts=st.lists(
        st.tuples(st.integers(1, 86_399), st.sampled_from([1, 2, 48, 101, 104, 108])), max_size=12
    ),
    thresholds=st.lists(st.integers(0, 9_000), min_size=3, max_size=3),
    loads=st.lists(st.integers(-4_000, 9_000), min_size=1, max_size=8),
    cut=st.integers(0, 80_000),
)
def test_exactly_one_register_takes_what_is_used_whatever_is_switched(
    scripts: Scripts, thresholds: list[int], loads: list[int], cut: int
) -> None:
    """Time of use and block registers add up to the cumulative one, cuts and export included."""
    steps = [(DAY + timedelta(hours=3 * n), 1000 * load) for n, load in enumerate(loads)]
    off = DAY + timedelta(seconds=cut)
    mains_ = Interrupted(volts(230), [(off, off + timedelta(minutes=25))])
    rig = MeterRig(Site((Phase(mains_, Steps(0, steps)),)), start=DAY)
    ends = sorted(thresholds)
    for n in range(11, 19):
        rig.put(f"21/0-0:16.0.{n}.255/2", "array<u32>", tuple(ends))
    tariff = rig.meter.kept.tariff
    for second, script in sorted(scripts):
        rig.until(max(rig.now(), DAY + timedelta(seconds=second)))
        rig.meter.tariff.settle()
        tariff.script = script
    rig.until(DAY + timedelta(days=1))
    rig.meter.tariff.settle()
    blocks = [list(row) for row in tariff.blocks]
    total = sum(tariff.tou) + sum(map(sum, blocks))
    assert total == rig.meter.readings.active_import_wh
    assert min(tariff.tou) >= 0
    assert all(wh >= 0 for row in blocks for wh in row)
    for tou in range(8):
        assert blocks[0][tou] <= ends[0]
        assert blocks[0][tou] + blocks[1][tou] <= ends[1]
        assert sum(row[tou] for row in blocks[:3]) <= ends[2]
