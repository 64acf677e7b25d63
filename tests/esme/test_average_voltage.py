"""Average RMS voltage periods (MP085A); numbers from the bench's acceptance scenarios."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esme.metrology import Metrology, MetrologySettings
from esme.own_time import HALF_HOUR
from esme.physics.signal import Constant
from esme.physics.site import Phase, Site
from gbcs.stamp import Reliability
from tests.esme.bench import DAY, at, clock_times, codes, mains, meter, step_clock, volts

STEADY = mains(Constant(230_000))
FREE_RUNNING = MetrologySettings(voltage_aligned=False)


def ends(measuring: Metrology, phase: int = 0) -> list[str]:
    return clock_times(end for end, _ in measuring.measured.phases[phase].average.profile.entries)


def means(measuring: Metrology, phase: int = 0) -> list[int]:
    return [mean for _, mean in measuring.measured.phases[phase].average.profile.entries]


def test_the_first_period_waits_for_the_half_hour() -> None:
    measuring = meter(STEADY, at("10:07:20"), period_s=600)
    measuring.advance(at("11:00"))
    assert ends(measuring) == ["10:40:00", "10:50:00", "11:00:00"]


def test_an_older_meter_measures_from_power_up() -> None:
    measuring = meter(STEADY, at("10:07:20"), period_s=600, settings=FREE_RUNNING)
    measuring.advance(at("10:30"))
    assert ends(measuring) == ["10:17:20", "10:27:20"]


def test_power_up_on_the_half_hour_starts_at_once() -> None:
    measuring = meter(STEADY, at("10:30"), period_s=1800)
    measuring.advance(at("11:00"))
    assert ends(measuring) == ["11:00:00"]


def test_what_is_left_of_a_half_hour_is_not_measured() -> None:
    measuring = meter(STEADY, at("10:00"), period_s=420)
    measuring.advance(at("10:45"))
    assert ends(measuring) == [
        "10:07:00",
        "10:14:00",
        "10:21:00",
        "10:28:00",
        "10:37:00",
        "10:44:00",
    ]


@pytest.mark.parametrize(
    ("period_s", "expected"),
    [
        (3600, ["11:00:00", "12:00:00", "13:00:00"]),
        (2700, ["10:45:00", "11:45:00", "12:45:00"]),
        (5400, ["11:30:00", "13:00:00"]),
    ],
)
def test_longer_periods_start_on_a_half_hour(period_s: int, expected: list[str]) -> None:
    measuring = meter(STEADY, at("10:00"), period_s=period_s)
    measuring.advance(at("13:00"))
    assert ends(measuring) == expected


def test_a_reconfigured_period_starts_on_the_next_half_hour() -> None:
    measuring = meter(STEADY, at("10:30"), period_s=600)
    measuring.measured.phases[0].average.over.crossings = 4
    measuring.advance(at("11:05"))
    measuring.set_voltage_period(0, 1800)
    measuring.advance(at("12:00"))
    assert ends(measuring)[-2:] == ["11:00:00", "12:00:00"]
    assert measuring.measured.phases[0].average.over.crossings == 4


def test_writing_the_same_period_again_disturbs_nothing() -> None:
    measuring = meter(STEADY, at("10:30"), period_s=1800)
    measuring.advance(at("10:40"))
    measuring.set_voltage_period(0, 1800)
    measuring.advance(at("11:00"))
    assert ends(measuring) == ["11:00:00"]


def test_the_average_is_weighed_by_time_and_rounded() -> None:
    voltage = volts(230, (at("10:10"), 236), (at("10:55"), 229.4))
    measuring = meter(mains(voltage), at("10:00"))
    measuring.advance(at("11:00"))
    assert means(measuring) == [234, 235]  # (230 + 2 * 236) / 3; (25 * 236 + 5 * 229.4) / 30


def test_power_that_returns_waits_for_the_half_hour_like_any_power_up() -> None:
    voltage = volts(230, (at("10:12"), 0), (at("10:14"), 230))
    measuring = meter(mains(voltage), at("10:00"), period_s=600)
    measuring.advance(at("11:00"))
    assert ends(measuring) == ["10:10:00", "10:40:00", "10:50:00", "11:00:00"]


def test_a_meter_may_resume_the_period_the_outage_began_in() -> None:
    voltage = volts(220, (at("10:12"), 0), (at("10:24"), 240))
    measuring = meter(mains(voltage), at("10:00"), settings=MetrologySettings(voltage_resumes=True))
    measuring.advance(at("11:00"))
    assert ends(measuring) == ["10:30:00", "11:00:00"]
    assert means(measuring)[0] == 227  # twelve minutes of 220 V, six of 240 V: 226.7


def test_a_phase_that_is_missing_is_left_out_of_its_average() -> None:
    weak = Phase(volts(230, (at("10:05"), 0), (at("10:15"), 240), (at("10:30"), 0)))
    measuring = meter(Site((Phase(), weak, Phase())), at("10:00"), period_s=1800)
    measuring.advance(at("11:00"))
    assert ends(measuring, 0) == ["10:30:00", "11:00:00"]
    assert (ends(measuring, 1), means(measuring, 1)) == (["10:30:00"], [238])  # 5 of 230, 15 of 240


def test_without_a_time_nothing_is_recorded() -> None:
    measuring = meter(STEADY, at("08:00"), status=Reliability.INVALID, period_s=600)
    measuring.advance(at("10:05"))
    assert ends(measuring) == []
    step_clock(measuring, at("10:05"), at("10:05"))
    measuring.advance(at("10:50"))
    assert ends(measuring) == ["10:40:00", "10:50:00"]


def test_a_stepped_clock_starts_over_on_the_next_half_hour() -> None:
    measuring = meter(STEADY, at("10:00"), period_s=600)
    measuring.advance(at("10:25"))
    step_clock(measuring, at("10:25"), at("11:47"))
    measuring.advance(at("10:50"))  # 12:12 on the meter
    assert ends(measuring) == ["10:10:00", "10:20:00", "12:10:00"]


def test_a_clock_put_back_keeps_what_is_recorded() -> None:
    measuring = meter(STEADY, at("10:00"), period_s=600)
    measuring.advance(at("11:00"))
    step_clock(measuring, at("11:05"), at("10:35"))
    measuring.advance(at("12:00"))  # 11:30 on the meter
    assert ends(measuring)[-4:] == ["11:00:00", "11:10:00", "11:20:00", "11:30:00"]
    assert len(set(ends(measuring))) == len(ends(measuring)) == 9


@pytest.mark.parametrize("adjustment_s", [-10, -3, 4, 10])
def test_an_adjusted_clock_keeps_the_period(adjustment_s: int) -> None:
    measuring = meter(STEADY, at("10:00"), period_s=600)
    step_clock(measuring, at("10:13"), at("10:13") + timedelta(seconds=adjustment_s))
    measuring.advance(at("10:41"))
    assert ends(measuring) == ["10:10:00", "10:20:00", "10:30:00", "10:40:00"]


@pytest.mark.parametrize(("true", "own"), [("10:19:58", "10:20:05"), ("10:20:04", "10:19:57")])
def test_an_adjustment_across_the_end_of_a_period_records_it_once(true: str, own: str) -> None:
    measuring = meter(STEADY, at("10:00"), period_s=600)
    step_clock(measuring, at(true), at(own))
    measuring.advance(at("10:31"))
    assert ends(measuring) == ["10:10:00", "10:20:00", "10:30:00"]


def test_the_log_holds_three_days_of_minutes() -> None:
    measuring = meter(STEADY, DAY, period_s=60)
    measuring.advance(DAY + timedelta(minutes=4321))
    profile = measuring.measured.phases[0].average.profile
    assert (len(profile), profile.entries[0][0]) == (4320, DAY + timedelta(minutes=2))


def test_a_period_of_zero_measures_nothing() -> None:
    measuring = meter(STEADY, at("10:00"), period_s=0)
    measuring.advance(at("12:00"))
    assert ends(measuring) == []


def test_a_limit_is_judged_once_a_period_and_counts_outward_crossings() -> None:
    voltage = volts(264, (at("10:10"), 265), (at("10:20"), 266), (at("10:30"), 263))
    measuring = meter(mains(voltage), at("10:00"), period_s=600, over_v=264)
    events = measuring.advance(at("10:40"))
    assert codes(events) == ["8002", "8085"]
    assert clock_times(event.at for event in events) == ["10:20:00", "10:40:00"]
    assert measuring.measured.phases[0].average.over.crossings == 1


def test_the_exact_average_is_judged_not_the_rounded_one() -> None:
    measuring = meter(mains(volts(264.4)), at("10:00"), over_v=264, under_v=265)
    assert codes(measuring.advance(at("10:30"))) == ["8002", "8006"]
    assert means(measuring) == [264]


def test_an_average_on_the_limit_is_inside() -> None:
    measuring = meter(mains(volts(264)), at("10:00"), over_v=264, under_v=264)
    assert measuring.advance(at("11:00")) == ()


def test_a_limit_of_zero_is_off() -> None:
    measuring = meter(mains(volts(400)), at("10:00"), over_v=0, under_v=0)
    assert measuring.advance(at("11:00")) == ()


def test_each_phase_has_its_own_limit_and_codes() -> None:
    phases = (Phase(), Phase(volts(199)), Phase(volts(265)))
    measuring = meter(Site(phases), at("10:00"), period_s=1800, over_v=264, under_v=200)
    assert codes(measuring.advance(at("10:30"))) == ["8008", "8005"]
    measuring.site = Site((Phase(), Phase(), Phase()))
    assert codes(measuring.advance(at("11:00"))) == ["808B", "8088"]


def is_legal(end: datetime, period_s: int) -> bool:
    """Checked apart from the code under test: the period starts on, or tiles, a half hour."""
    start = end - timedelta(seconds=period_s)
    into = (start - DAY) % HALF_HOUR
    fits = into + timedelta(seconds=period_s) <= HALF_HOUR
    return not into or (fits and not into % timedelta(seconds=period_s))


seconds = st.integers(0, 2 * 86_400)


@settings(max_examples=80)
@given(
    st.sampled_from([60, 300, 420, 600, 900, 1100, 1800, 2700, 3600, 7200]),
    st.integers(0, 3600),
    st.lists(st.tuples(seconds, st.sampled_from([0, 225, 240])), max_size=8),
    st.lists(st.tuples(seconds, st.integers(-5000, 5000)), max_size=3),
)
def test_every_entry_ends_on_a_legal_boundary(
    period_s: int, power_up_s: int, supply: list[tuple[int, int]], clock: list[tuple[int, int]]
) -> None:
    voltage = volts(230, *((DAY + timedelta(seconds=s), float(v)) for s, v in supply))
    measuring = meter(mains(voltage), DAY + timedelta(seconds=power_up_s), period_s=period_s)
    for second, step in sorted(clock):
        true = max(DAY + timedelta(seconds=second), measuring.at)
        measuring.advance(true)
        step_clock(measuring, true, measuring.time.at(true) + timedelta(seconds=step))
    measuring.advance(DAY + timedelta(days=3))
    entries = measuring.measured.phases[0].average.profile.entries
    times = [end for end, _ in entries if end]
    assert all(is_legal(end, period_s) for end in times)
    assert len(set(times)) == len(times)
    assert all(225 <= mean <= 240 for _, mean in entries)
