from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esme.physics.series import read_series
from esme.physics.signal import Constant, DailyProfile, Interrupted, Steps, Sum
from esme.physics.site import Phase, Site, Terminals
from gbcs.errors import LocalError
from tests.esme.bench import DAY, at, volts, watts

TEN = "2026-03-02T10:00:00Z"


def test_steps_take_effect_at_their_moment() -> None:
    signal = Steps(1, [(at("11:00"), 3), (at("10:00"), 2)])
    assert [signal.at(at(t)) for t in ("09:59:59", "10:00", "10:59:59", "11:00")] == [1, 2, 2, 3]
    assert signal.change_after(at("10:00")) == at("11:00")
    assert signal.change_after(at("11:00")) is None


def test_a_daily_profile_repeats_without_noise_and_not_with_it() -> None:
    quiet = DailyProfile([100, 200])
    assert [quiet.at(at(t)) for t in ("00:00", "11:59", "12:00")] == [100, 100, 200]
    assert quiet.at(at("13:00", day=40)) == 200
    noisy = DailyProfile([1000] * 48, noise=100, seed=7)
    values = {noisy.at(DAY + n * timedelta(minutes=30)) for n in range(200)}
    assert len(values) > 50
    assert all(900 <= value <= 1100 for value in values)


def test_noise_depends_on_the_seed_and_the_moment_only() -> None:
    moments = [at("03:00"), at("17:30"), at("03:00")]
    first, second, again = (DailyProfile([0] * 24, noise=9999, seed=1).at(m) for m in moments)
    assert first == again != second
    assert DailyProfile([0] * 24, noise=9999, seed=2).at(moments[0]) != first


def test_slots_that_do_not_divide_a_day_are_refused() -> None:
    with pytest.raises(ValueError, match="7 slots"):
        DailyProfile([1] * 7)


def test_a_sum_changes_when_any_part_does() -> None:
    both = Sum([Steps(1, [(at("10:00"), 2)]), Steps(10, [(at("09:00"), 20)]), Constant(100)])
    assert both.at(at("08:00")) == 111
    assert both.change_after(at("08:00")) == at("09:00")
    assert both.change_after(at("10:00")) is None


def test_a_power_cut_interrupts_a_signal() -> None:
    signal = Interrupted(Steps(5, [(at("11:00"), 6)]), [(at("10:00"), at("12:00"))])
    values = [signal.at(at(t)) for t in ("09:59", "10:00", "11:30", "12:00")]
    assert values == [5, 0, 0, 6]
    assert signal.change_after(at("09:00")) == at("10:00")
    assert signal.change_after(at("11:00")) == at("12:00")
    assert signal.change_after(at("12:00")) is None


def test_a_series_holds_a_row_until_the_next() -> None:
    text = ["time,W,V", "2026-03-02T10:00:00Z,437.5,230.1", "2026-03-02T12:30:00+01:00,12,229"]
    load = read_series(text, "W")
    assert [load.at(at(t)) for t in ("09:00", "10:00", "11:29", "11:30")] == [
        0,
        437_500,
        437_500,
        12_000,
    ]
    assert read_series(text, "V", before=230_000).at(at("09:00")) == 230_000


def test_a_series_may_have_gaps_any_order_and_more_decimals_than_a_meter() -> None:
    text = ["time,l1,l2", "2026-03-02T11:00:00Z,,2", "2026-03-02T10:00:00Z,1.23456,3"]
    text += ["2026-03-02T12:00:00Z,5"]
    first, second = (read_series(text, name) for name in ("l1", "l2"))
    clocks = [at(clock) for clock in ("10:00", "11:00", "12:00")]
    assert [first.at(moment) for moment in clocks] == [1_235, 1_235, 5_000]
    assert [second.at(moment) for moment in clocks] == [3_000, 2_000, 2_000]


def test_a_row_that_repeats_another_changes_nothing() -> None:
    again = "2026-03-02T11:00:00+01:00,5"
    assert read_series(["time,W", f"{TEN},5", again], "W").at(at("10:00")) == 5_000


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["time,V", "2026-03-02T10:00:00Z,1"], "no column 'W'"),
        (["time,W", "2026-03-02T10:00:00,1"], "row 2.*offset"),
        (["time;W", "2026-03-02T10:00:00Z;1"], "no column 'time'; its first line has 'time;W'"),
        ([], "no column 'time'; its first line has none at all"),
        (["time,W", "2026-03-02T10:00:00Z,lots"], "row 2 of the series: 'lots' is no number"),
        (["time,W", "2026-03-02T10:00:00Z,NaN"], "row 2 of the series: NaN is no measured value"),
        (["time,W", ",1"], "row 2 of the series: there is no time"),
        (["time,W", f"{TEN},1", f"{TEN},2"], "rows 2 and 3 of the series say two things of 2026"),
        (["time,W", f"{TEN},1,5"], "row 2 of the series has more cells than the first line"),
        (["time,W,W", f"{TEN},1,2"], "more than one column 'W'"),
        (["time,W", f"{TEN},"], "no row of the series has a value in the column 'W'"),
        (["time,W"], "no row of the series has a value in the column 'W'"),
        (["time,W", f"{TEN},1e30"], "row 2 of the series: 1e30 is no measured value"),
        (["time,W", f"{TEN},1e999999"], "row 2 of the series: 1e999999 is no measured value"),
    ],
)
def test_a_bad_series_is_refused_with_its_row(lines: list[str], complaint: str) -> None:
    with pytest.raises(LocalError, match=complaint):
        read_series(lines, "W")


def test_a_missing_phase_carries_no_power() -> None:
    lost = Phase(volts(230, (at("10:00"), 0)), watts(1000))
    site = Site((lost, Phase(active_mw=watts(200)), Phase(active_mw=watts(30))), watts(5))
    assert site.conditions(at("09:00")).active_mw == 1_230_000
    after = site.conditions(at("10:00"))
    assert (after.active_mw, after.secondary_mw) == (230_000, 0)
    assert after.present == (False, True, True)
    assert after.powered
    assert site.change_after(at("09:00")) == at("10:00")


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 86_400), st.integers(-5, 5)), max_size=12))
def test_following_the_changes_sees_every_value(script: list[tuple[int, int]]) -> None:
    signal = Steps(0, [(DAY + timedelta(seconds=s), v) for s, v in script])
    moment, seen = DAY - timedelta(seconds=1), [0]
    while (change := signal.change_after(moment)) is not None:
        assert change > moment
        moment = change
        seen.append(signal.at(moment))
    assert seen[-1] == signal.at(DAY + timedelta(days=2))
    assert len(seen) == 1 + len({s for s, _ in script})


class Asked:
    """A load by script that says how often it was asked."""

    def __init__(self) -> None:
        self.script, self.times = watts(100, (at("11:00"), 200)), 0

    def at(self, moment: datetime) -> int:
        self.times += 1
        return self.script.at(moment)

    def change_after(self, moment: datetime) -> datetime | None:
        return self.script.change_after(moment)


def test_a_site_is_asked_once_for_each_stretch_in_which_it_holds_still() -> None:
    load = Asked()
    terminals = Terminals(Site((Phase(volts(230), load),)))
    clocks = ("10:00", "10:01", "10:59:59", "11:00", "15:00", "10:30")
    seen = [terminals.conditions(at(clock)).active_mw for clock in clocks]
    assert seen == [100_000, 100_000, 100_000, 200_000, 200_000, 100_000]
    assert load.times == 3
    assert [terminals.change_after(at(clock)) for clock in clocks[:4]] == [at("11:00")] * 3 + [None]
