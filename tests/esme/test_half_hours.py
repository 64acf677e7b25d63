"""Registers and the half-hour profile; numbers from the bench's acceptance scenarios."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from esme.metrology import Metrology
from esme.own_time import DAY as ONE_DAY
from esme.own_time import HALF_HOUR, OwnTime, start_of
from esme.physics.signal import Constant
from esme.physics.site import Phase, Site
from gbcs.stamp import Reliability
from tests.esme.bench import DAY, at, clock_times, mains, meter, step_clock, volts, watts


def imports(measuring: Metrology) -> list[tuple[str, int]]:
    entries = measuring.measured.half_hours.active_import.entries
    return [(f"{end:%H:%M}", primary) for end, (primary, _) in entries if end]


def test_an_outage_inside_half_hours_leaves_what_was_measured() -> None:
    supply = volts(230, (at("10:25"), 0), (at("10:41"), 230))
    measuring = meter(mains(supply, watts(6000)), at("10:00"))
    measuring.advance(at("11:00"))
    assert imports(measuring) == [("10:30", 2500), ("11:00", 1900)]


def test_half_hours_spent_in_the_dark_leave_no_entry() -> None:
    supply = volts(230, (at("10:10"), 0), (at("12:10"), 230))
    measuring = meter(mains(supply, watts(6000)), at("10:00"))
    measuring.advance(at("13:00"))
    assert imports(measuring) == [("10:30", 1000), ("12:30", 2000), ("13:00", 3000)]


def test_an_outage_from_one_boundary_to_another_leaves_a_gap_only() -> None:
    supply = volts(230, (at("10:30"), 0), (at("11:00"), 230))
    measuring = meter(mains(supply, watts(1000)), at("10:00"))
    measuring.advance(at("11:30"))
    assert imports(measuring) == [("10:30", 500), ("11:30", 500)]


def test_a_meter_that_was_never_set_counts_but_logs_nothing() -> None:
    measuring = meter(mains(volts(230), watts(3000)), at("08:20"), status=Reliability.INVALID)
    measuring.advance(at("10:10"))
    assert measuring.measured.energy.active_import.units == 5500
    assert imports(measuring) == []
    step_clock(measuring, at("10:10"), at("10:10"))
    measuring.advance(at("10:31"))
    assert imports(measuring) == [("10:30", 1000)]  # twenty minutes of 3 kW


def test_a_step_over_boundaries_makes_no_entries_for_them_and_loses_no_energy() -> None:
    measuring = meter(mains(volts(230), watts(1000)), at("10:00"))
    step_clock(measuring, at("10:12"), at("13:50"))
    measuring.advance(at("10:22"))
    assert imports(measuring) == [("14:00", 366)]
    assert measuring.measured.energy.active_import.units == 366


def test_after_a_step_back_the_first_pass_stands() -> None:
    measuring = meter(mains(volts(230), watts(1000)), at("10:00"))
    measuring.advance(at("11:00"))
    step_clock(measuring, at("11:10"), at("10:10"))
    measuring.advance(at("12:30"))
    assert imports(measuring) == [("10:30", 500), ("11:00", 500), ("11:30", 1500)]


def test_an_adjustment_across_a_boundary_closes_it() -> None:
    measuring = meter(mains(volts(230), watts(3600)), at("10:00"))
    step_clock(measuring, at("10:29:55"), at("10:30:04"))
    measuring.advance(at("10:31"))
    assert imports(measuring) == [("10:30", 1795)]


def test_export_and_reactive_go_to_their_own_logs() -> None:
    phase = Phase(active_mw=watts(-2000, (at("10:15"), 400)), reactive_mvar=watts(-80))
    measuring = meter(Site((phase,)), at("10:00"))
    measuring.advance(at("10:30"))
    half_hours = measuring.measured.half_hours
    assert imports(measuring) == [("10:30", 100)]
    assert [entry for _, entry in half_hours.export.entries] == [(500, 40)]
    assert [entry for _, entry in half_hours.reactive_import.entries] == [0]


def test_the_second_element_is_kept_apart_and_counted_in_the_day() -> None:
    site = Site((Phase(active_mw=watts(1000)),), secondary_mw=watts(2000))
    measuring = meter(site, DAY)
    measuring.advance(at("01:00", day=1))
    assert measuring.measured.half_hours.active_import.entries[0][1] == (500, 1000)
    assert list(measuring.measured.days.consumption.entries) == [(at("00:00", day=1), 72_000)]


def test_phases_are_summed_before_import_and_export_are_told_apart() -> None:
    phases = (Phase(active_mw=watts(3000)), Phase(active_mw=watts(-1000)), Phase())
    measuring = meter(Site(phases), at("10:00"))
    measuring.advance(at("10:30"))
    assert measuring.measured.energy.readings().active_import_wh == 1000
    assert measuring.measured.energy.readings().active_export_wh == 0


def test_an_open_switch_stops_the_primary_element() -> None:
    measuring = meter(mains(volts(230), watts(1000)), at("10:00"))
    measuring.advance(at("10:15"))
    measuring.closed = False
    measuring.advance(at("10:30"))
    assert imports(measuring) == [("10:30", 250)]


def test_the_profile_keeps_thirteen_months() -> None:
    measuring = meter(mains(volts(230), watts(2)), DAY)
    measuring.advance(DAY + 19_057 * HALF_HOUR)
    log = measuring.measured.half_hours.active_import
    assert (len(log), log.entries[0][0]) == (19_056, DAY + 2 * HALF_HOUR)


def test_a_clock_that_loses_its_time_stops_the_logs_until_it_is_set() -> None:
    measuring = meter(mains(volts(230), watts(1000)), at("10:00"), period_s=600)
    measuring.advance(at("11:10"))
    measuring.change_clock(OwnTime(at("11:10"), at("11:10"), Reliability.INVALID))
    measuring.advance(at("13:00"))
    step_clock(measuring, at("13:00"), at("13:00"))
    measuring.advance(at("14:00"))
    assert imports(measuring) == [("10:30", 500), ("11:00", 500), ("13:30", 500), ("14:00", 500)]
    assert measuring.measured.energy.active_import.units == 4000
    ends = [end for end, _ in measuring.measured.phases[0].average.profile.entries]
    assert clock_times(ends[-7:-5]) == ["11:10:00", "13:10:00"]


def test_daylight_saving_changes_nothing() -> None:
    start = datetime.fromisoformat("2026-03-28T22:00:00+00:00")
    measuring = meter(mains(volts(230), watts(1000)), start)
    measuring.advance(start + 8 * HALF_HOUR)
    ends = [end for end, _ in measuring.measured.half_hours.active_import.entries]
    assert ends == [start + n * HALF_HOUR for n in range(1, 9)]


def test_a_fast_clock_closes_its_own_half_hours() -> None:
    measuring = Metrology(mains(Constant(230_000), watts(1000)), OwnTime(DAY, DAY, drift_ppm=100.0))
    measuring.advance(DAY + ONE_DAY)
    log = measuring.measured.half_hours.active_import
    assert len(log) == 48
    assert clock_times(end for end, _ in log.entries)[:2] == ["00:30:00", "01:00:00"]
    assert measuring.measured.energy.active_import.units == 24_000


seconds = st.integers(0, 3 * 86_400)
scripts = st.lists(st.tuples(seconds, st.integers(-9000, 9000)), max_size=10)
outages = st.lists(st.tuples(seconds, st.sampled_from([0, 230])), max_size=8)
steps = st.lists(st.tuples(seconds, st.integers(-7200, 7200)), max_size=3)


@settings(max_examples=60)
@given(scripts, outages, steps, st.lists(seconds, max_size=6))
def test_profile_entries_always_add_up_to_the_register(
    script: list[tuple[int, int]],
    supply: list[tuple[int, int]],
    clock: list[tuple[int, int]],
    pauses: list[int],
) -> None:
    when = [(DAY + timedelta(seconds=s), value) for s, value in script]
    volt = [(DAY + timedelta(seconds=s), float(value)) for s, value in supply]
    measuring = meter(mains(volts(230, *volt), watts(700, *when)), DAY)
    for second, step in sorted(clock + [(p, 0) for p in pauses]):
        true = DAY + timedelta(seconds=second)
        measuring.advance(true)
        if step:
            step_clock(measuring, true, measuring.time.at(true) + timedelta(seconds=step))
    measuring.advance(DAY + timedelta(days=4))
    half_hours = measuring.measured.half_hours
    entries = half_hours.active_import.entries
    ends = [end for end, _ in entries if end]
    assert len(set(ends)) == len(entries)
    assert all(start_of(end, HALF_HOUR) == end for end in ends)
    accounted, total = half_hours.periods.counted, measuring.measured.energy.readings()
    assert sum(primary for _, (primary, _) in entries) == accounted.active_import_wh
    assert sum(active for _, (active, _) in half_hours.export.entries) == accounted.active_export_wh
    assert total.active_import_wh >= accounted.active_import_wh


@settings(max_examples=40)
@given(scripts, st.lists(seconds, max_size=20))
def test_how_often_the_meter_is_advanced_changes_nothing(
    script: list[tuple[int, int]], pauses: list[int]
) -> None:
    when = [(DAY + timedelta(seconds=s), value) for s, value in script]
    in_one_go, in_pieces = (meter(mains(volts(230), watts(333, *when)), DAY) for _ in range(2))
    for second in sorted(pauses):
        in_pieces.advance(DAY + timedelta(seconds=second))
    for measuring in (in_one_go, in_pieces):
        measuring.advance(DAY + timedelta(days=4))
    assert in_one_go.measured == in_pieces.measured
