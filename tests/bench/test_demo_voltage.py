"""``chub demo voltage``: where measurement periods lie through two days of trouble."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.demo import DemoOptions
from bench.demo.voltage import VoltagePeriods, play
from bench.demo.voltage_check import Measured, overlaps, within
from gbcs.zcl.types import zcl_seconds

DAY = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> VoltagePeriods:
    return play(DemoOptions("ether:", tmp_path_factory.mktemp("voltage") / "v.pcap", print))


def at(clock: str, day: int = 0) -> int:
    hour, minute = map(int, clock.split(":"))
    return zcl_seconds(DAY + timedelta(days=day, hours=hour, minutes=minute))


def test_the_story_is_sound_and_its_json_says_so(result: VoltagePeriods) -> None:
    told = json.loads(json.dumps(result.as_json()))
    assert result.sound
    assert told["wrong"] == []
    assert told["aligned"] is True
    assert told["period_s"] == 600
    assert told["counters"]["final"] == {"over": 2, "under": 1}
    assert told["thresholds_v"] == {"over": 253, "under": 216}
    assert {"phase", "period_end", "mean_v"} == set(told["entries"][0])


def test_on_the_virtual_dongle_it_is_the_same_story(result: VoltagePeriods, tmp_path: Path) -> None:
    other = play(DemoOptions("vncp:", tmp_path / "v.pcap", print))
    assert other.sound
    assert other.measured == result.measured


def test_every_period_ends_on_a_boundary_of_the_period_in_force(result: VoltagePeriods) -> None:
    for entry in json.loads(json.dumps(result.as_json()["entries"])):
        end = datetime.fromisoformat(entry["period_end"])
        early = end <= DAY + timedelta(days=1, hours=10, minutes=3)
        grid = timedelta(minutes=30 if early else 10)
        assert (end - DAY) % grid == timedelta(0)
        assert 205 <= entry["mean_v"] <= 265


@pytest.mark.parametrize(
    ("last", "first"),
    [
        (at("18:00"), at("19:30")),  # dark from 18:05 to 18:44
        (at("02:00", 1), at("03:30", 1)),  # 02:17 became 02:34
        (at("05:00", 1), at("06:00", 1)),  # 05:25 became 05:08
        (at("10:00", 1), at("10:40", 1)),  # reconfigured at 10:03
    ],
)
def test_what_interrupts_a_period_leaves_a_gap_to_the_next_half_hour(
    result: VoltagePeriods, last: int, first: int
) -> None:
    ends = [entry.end_s for entry in result.measured]
    assert last in ends
    assert ends[ends.index(last) + 1] == first


def test_reconfiguring_keeps_counters_that_go_on_counting(result: VoltagePeriods) -> None:
    assert result.counters["before"] == {"over": 1, "under": 1}
    assert result.counters["after"] == result.counters["before"]
    assert result.counters["final"] == {"over": 2, "under": 1}


def test_the_operator_hears_of_everything_in_the_power_event_log(result: VoltagePeriods) -> None:
    logged = [event for event in result.events if event.kind == "logged"]
    codes = [f"{event.code}" for event in logged]
    assert codes == [
        *("0x8002", "0x8085", "0x8F57", "0x8F36", "0x8006", "0x8089"),
        *("0x8002", "0x8085", "0x8024", "0x8091"),
    ]
    assert [event.code for event in logged if not event.alerted] == ["0x8F57"]
    assert [event.outage_s for event in logged if event.outage_s is not None] == [39 * 60]


def test_a_free_running_meter_is_found_out(tmp_path: Path) -> None:
    options = DemoOptions("ether:", tmp_path / "v.pcap", print)
    result = play(options, {"esme": {"voltage_aligned": False}})
    assert not result.aligned
    assert not result.sound


@pytest.mark.parametrize(
    ("end_s", "period_s", "legal"),
    [
        (1_800, 1_800, True),
        (1_200, 600, True),
        (1_260, 600, False),
        (1_680, 420, True),  # the fourth of 7 minutes, and the last that fits
        (2_100, 420, False),
        (2_220, 420, True),
        (7_200, 3_600, True),
        (6_300, 3_600, False),
    ],
)
def test_a_period_tiles_its_half_hour_or_begins_on_one(
    end_s: int, period_s: int, legal: bool
) -> None:
    assert Measured(end_s, 240, period_s).is_aligned is legal


def test_periods_that_measure_the_same_time_are_noticed() -> None:
    one, two, three = (
        Measured(1_800, 240, 1_800),
        Measured(2_400, 240, 600),
        Measured(3_600, 0, 1_800),
    )
    assert overlaps([one, two]) == []
    assert overlaps([one, two, three]) == [(two, three)]
    assert within([one, two], 1_700, 1_810) == [one, two]
    assert within([one, two], 2_400, 9_999) == []


def test_the_tables_fit_80_columns(result: VoltagePeriods, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = io.StringIO()
    with redirect_stdout(shown):
        result.print()
    table, _, _ = shown.getvalue().partition("capture:")
    assert max(map(len, table.splitlines())) <= 80
    assert "…" not in table
    assert "NOT ALIGNED" not in table
