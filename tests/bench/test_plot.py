"""``chub plot``: what the picture says, and what it says when it cannot be drawn."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli.plot import plot
from bench.plot.record import Span, gaps, periods, record_of, runs
from bench.plot.scale import ticks, time_ticks
from bench.plot.source import EXAMPLE, EXAMPLE_CONFIGURATION, Configuration, kept, measured
from bench.rig import RigError, load_rig
from bench.site import site_of
from device.clock import DeviceClock
from device.store import SqliteStore
from esme.kept import Kept
from esme.memory import Memory
from esme.meter import ElectricityMeter, Identity
from gbcs.stamp import Reliability

START = datetime(2026, 1, 5, 10, tzinfo=UTC)


def drawn(*arguments: str) -> Result:
    return CliRunner().invoke(plot, arguments)


def rig_file(folder: Path, text: str) -> Path:
    file = folder / "rig.toml"
    file.write_text(text)
    return file


def test_a_cut_leaves_a_gap_to_the_next_half_hour() -> None:
    record = measured(EXAMPLE, 1, EXAMPLE_CONFIGURATION)
    [before, after] = [datetime(2026, 1, 5, hour, 0, tzinfo=UTC) for hour in (18, 19)]
    assert Span(before, after, 0) in record.voltage_gaps
    assert [(one.start.minute, one.end.minute) for one in record.outages] == [(5, 55)]
    assert (record.over_v, record.under_v) == (253, 230)
    assert {span.end - span.start for span in record.voltage[0]} == {timedelta(minutes=10)}
    assert record.exports


def test_periods_keep_the_length_they_had_before_a_reconfiguration() -> None:
    at = [START + timedelta(minutes=m) for m in (30, 60, 90, 100, 110, 120)]
    spans = periods([(end, 240) for end in at], 600)
    assert [(span.end - span.start).seconds // 60 for span in spans] == [10, 30, 30, 10, 10, 10]


def test_what_no_span_covers_is_a_gap_and_parts_the_runs() -> None:
    first, second = (
        Span(START + timedelta(hours=h), START + timedelta(hours=h + 1), 1) for h in (1, 3)
    )
    end = START + timedelta(hours=5)
    found = [(gap.start.hour, gap.end.hour) for gap in gaps([second, first], START, end)]
    assert found == [(10, 11), (12, 13), (14, 15)]
    assert list(runs([first, second])) == [[first], [second]]
    assert list(gaps([], START, START)) == []


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(227, 256, [230, 235, 240, 245, 250, 255]), (-0.2, 1.1, [-0.2, 0, 0.2, 0.4, 0.6, 0.8, 1])],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 8) == expected


@pytest.mark.parametrize("hours", [1, 5, 30, 24 * 9, 24 * 400])
def test_times_are_on_round_parts_of_the_day(hours: int) -> None:
    end = START + timedelta(hours=hours, minutes=7)
    found = time_ticks(START + timedelta(minutes=7), end, 12)
    assert 2 <= len(found) <= 13
    assert len({later - sooner for sooner, later in pairwise(found)}) == 1
    assert all(at.minute % 10 == 0 for at in found)


def test_the_html_stands_alone_and_says_the_numbers(tmp_path: Path) -> None:
    out = tmp_path / "v.html"
    result = drawn("voltage", "--out", str(out), "--days", "1")
    assert result.exit_code == 0, result.output
    text = out.read_text()
    assert not re.search(r"(src|href|url)\s*[=(]|https?:", text)
    assert "over voltage 253 V" in text
    assert "no entry, Mon 05 Jan 18:00:00 to 19:00:00" in text
    assert text.count("<title>voltage ") > 130


def test_a_load_on_three_phases_is_drawn_as_png(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rig = rig_file(tmp_path, "[electricity_meter]\nphases = 3\nload_w = 900\n")
    out = tmp_path / "load.png"
    result = drawn("load", "--rig", str(rig), "--days", "2", "--over", "253", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert out.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("suffix", ["png", "html"])
def test_a_meter_with_no_entry_yet_is_drawn_as_one_gap(tmp_path: Path, suffix: str) -> None:
    if suffix == "png":
        pytest.importorskip("matplotlib")
    record = record_of(Kept(), (), "new", None, START)
    assert (record.start, record.end) == (START - timedelta(minutes=30), START)
    assert len(record.voltage_gaps) == len(record.energy_gaps) == 1
    draw = import_module(f"bench.plot.{suffix}").draw
    draw(record, "load", tmp_path / f"new.{suffix}")
    assert (tmp_path / f"new.{suffix}").stat().st_size > 0


def test_what_a_store_has_kept_is_shown_and_left_as_it_is(tmp_path: Path) -> None:
    file = rig_file(tmp_path, 'store = "rig.sqlite"\n[electricity_meter]\nload_w = 1000\n')
    rig = load_rig(file)
    assert rig.store is not None
    assert rig.electricity_meter is not None
    with pytest.raises(RigError, match="keeps nothing of meter 02434855420000A0"):
        kept(rig, rig.store, None)
    moment = START
    store = SqliteStore(rig.store)
    scope = store.scope("02434855420000A0")
    clock = DeviceClock(lambda: moment, status=Reliability.RELIABLE)
    meter = ElectricityMeter(
        Identity(0x02434855420000A0),
        site_of(rig.electricity_meter),
        clock,
        scope,
        true_time=lambda: moment,
        hub_time=lambda: moment,
    )
    moment = START + timedelta(days=3)
    meter.advance(moment)
    Memory(scope).save(meter.kept, meter.metrology.line(), meter.settings)
    store.close()
    whole, last_day = kept(rig, rig.store, None), kept(rig, rig.store, 1)
    assert (whole.start, whole.end) == (START, moment)
    assert {span.value for span in whole.consumed} == {0.5}
    assert last_day.start == moment - timedelta(days=1)
    assert len(last_day.consumed) == len(last_day.voltage[0]) == 48
    out = tmp_path / "kept.html"
    assert drawn("load", "--rig", str(file), "--kept", "--out", str(out)).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["voltage", "--out", "v.pdf"], "ends in .png or .html"),
        (["voltage", "--out", "nowhere/v.html"], "there is no directory nowhere"),
        (["voltage", "--out", "v.html", "--kept"], "has kept nothing"),
        (["voltage", "--out", "v.html", "--kept", "--over", "3"], "--kept shows what was measured"),
        (["voltage", "--out", "v.html", "--days", "0"], "--days"),
        (["current", "--out", "v.html"], "current"),
    ],
)
def test_what_cannot_be_drawn_is_a_usage_error(arguments: list[str], reason: str) -> None:
    result = drawn(*arguments)
    assert result.exit_code == 2
    assert reason in result.output


def test_a_rig_without_an_electricity_meter_is_named() -> None:
    rig = EXAMPLE.model_copy(update={"name": "gas only", "electricity_meter": None})
    with pytest.raises(RigError, match="gas only has no electricity meter"):
        measured(rig, 1, Configuration())


def test_without_matplotlib_its_extra_is_named(tmp_path: Path) -> None:
    arguments = ["chub", "plot", "voltage", "--out", str(tmp_path / "v.png")]
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        f"sys.argv = {arguments!r}\n"
        "from bench.cli import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 10
    assert "pip install 'chub-bench[plot]'" in done.stderr
