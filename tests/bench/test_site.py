"""Mains and load of a rig's electricity meter, from its CSV files."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.rig import RigError, load_rig
from bench.site import site_of
from esme.physics.site import Site

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATER = NOON.replace(hour=13)


def site(folder: Path, lines: str) -> Site:
    rig = folder / "rig.toml"
    rig.write_text(f"[electricity_meter]\n{lines}")
    meter = load_rig(rig).electricity_meter
    assert meter is not None
    return site_of(meter)


def test_files_lie_beside_the_rig_and_each_phase_has_its_column(tmp_path: Path) -> None:
    (tmp_path / "mains.csv").write_text("time,l1,l2,l3\n2026-01-05T13:00:00Z,251.5,0,238\n")
    (tmp_path / "house.csv").write_text("time,l1,l2,l3\n2026-01-05T13:00+00:00,900,50,-400\n")
    found = site(
        tmp_path, 'phases = 3\nload_w = 300\nvoltage_csv = "mains.csv"\nload_csv = "house.csv"\n'
    )
    before, after = found.conditions(NOON), found.conditions(LATER)
    assert (before.voltages_mv, before.active_mw) == ((240_000,) * 3, 300_000)
    assert (after.voltages_mv, after.active_mw) == ((251_500, 0, 238_000), 500_000)
    assert found.change_after(NOON) == LATER


def test_without_files_all_is_steady(tmp_path: Path) -> None:
    found = site(tmp_path, "voltage_mv = 231000\n")
    assert found.conditions(NOON) == found.conditions(LATER)
    assert found.conditions(NOON).voltages_mv == (231_000,)
    assert found.change_after(NOON) is None


def test_a_day_has_its_profile_with_noise_that_a_seed_repeats(tmp_path: Path) -> None:
    lines = "load.daily = [300, 900]\nload.noise = 50\nload.seed = {}\nphases = 3\n"
    first, again, other = (site(tmp_path, lines.format(seed)) for seed in (1, 1, 2))
    night, noon = (first.conditions(at).active_mw for at in (NOON.replace(hour=3), NOON))
    assert abs(night - 300_000) <= 50_000
    assert abs(noon - 900_000) <= 50_000
    assert again.conditions(NOON) == first.conditions(NOON) != other.conditions(NOON)
    assert first.change_after(NOON) == NOON.replace(hour=0) + timedelta(days=1)


def test_steps_go_over_the_model_and_give_back_to_it(tmp_path: Path) -> None:
    found = site(
        tmp_path,
        "phases = 3\n"
        "voltage.steps = [\n"
        " { at = 2026-01-05T12:00:00Z, value = 262.5, phases = [2] },\n"
        " { at = 2026-01-05T13:00:00Z },\n"
        "]\n"
        "load.steady = 0.1\n"
        "load.steps = [{ at = 2026-01-05T12:00:00Z, value = -1000, phases = [1, 3] }]\n",
    )
    before, during, after = (found.conditions(NOON.replace(hour=hour)) for hour in (11, 12, 13))
    assert before.voltages_mv == after.voltages_mv == (230_000,) * 3
    assert during.voltages_mv == (230_000, 262_500, 230_000)
    assert (before.active_mw, during.active_mw) == (100, -1_000_000 + 33)
    assert found.change_after(NOON) == LATER


def test_power_is_imported_exported_reactive_and_on_a_second_element(tmp_path: Path) -> None:
    (tmp_path / "heat.csv").write_text("time,second\n2026-01-05T13:00:00Z,2000\n")
    found = site(
        tmp_path,
        'load_w = -700\nreactive.steady = -90.5\nsecond_element.file = "heat.csv"\n',
    )
    before, after = found.conditions(NOON), found.conditions(LATER)
    assert (before.active_mw, before.reactive_mvar, before.secondary_mw) == (-700_000, -90_500, 0)
    assert after.secondary_mw == 2_000_000


def parquet(path: Path, times: list[object], values: list[object]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pyarrow.table({"time": times, "l1": values}), path)


def test_a_parquet_file_is_read_like_a_csv_file(tmp_path: Path) -> None:
    parquet(tmp_path / "mains.parquet", [NOON, LATER], [230.1, 0.0])
    found = site(tmp_path, 'voltage.file = "mains.parquet"\nvoltage.steady = 240\n')
    earlier = NOON - timedelta(seconds=1)
    seen = [found.conditions(moment).voltages_mv[0] for moment in (earlier, NOON, LATER)]
    assert seen == [240_000, 230_100, 0]
    assert found.change_after(NOON) == LATER


def test_nanoseconds_of_a_parquet_file_are_rounded_down(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    nanoseconds = int(NOON.timestamp()) * 10**9 + 999
    times = pyarrow.array([nanoseconds], type=pyarrow.timestamp("ns", tz="Europe/London"))
    pq.write_table(pyarrow.table({"time": times, "l1": [231]}), tmp_path / "mains.parquet")
    found = site(tmp_path, 'voltage.file = "mains.parquet"\n')
    assert found.conditions(NOON).voltages_mv == (231_000,)


@pytest.mark.parametrize(
    ("times", "values", "reason"),
    [
        ([NOON.replace(tzinfo=None)], [230.0], "row 1 .*offset from UTC"),
        ([NOON, None], [230.0, 231.0], "row 2 .*no time"),
        ([NOON], [float("nan")], "row 1 .*no measured value"),
        ([NOON], ["high"], "row 1 .*no number"),
        ([NOON, NOON], [230.0, 231.0], "rows 1 and 2 .*two things of 2026-01-05 12:00"),
        ([NOON], [-230.0], "row 1 .*l1 is below 0"),
        ([NOON], [None], "no row .*'l1'"),
    ],
)
def test_a_parquet_row_that_cannot_be_used_is_named(
    tmp_path: Path, times: list[object], values: list[object], reason: str
) -> None:
    parquet(tmp_path / "mains.parquet", times, values)
    with pytest.raises(RigError, match=rf"mains\.parquet: .*{reason}"):
        site(tmp_path, 'voltage.file = "mains.parquet"\n')


def test_what_is_no_parquet_file_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "mains.parquet").write_text("time,l1\n")
    with pytest.raises(RigError, match=r"mains\.parquet: not a Parquet file"):
        site(tmp_path, 'voltage.file = "mains.parquet"\n')


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("load_w = 3\nload.steady = 4\n", "load_w and load say the same thing twice"),
        ("load.daily = [1, 2]\nload.steady = 4\n", "daily goes neither with"),
        ("load.daily = [1, 2, 3, 4, 5, 6, 7]\n", "7 slots do not divide a day"),
        ("load.noise = 7\n", "noise is that of daily"),
        ("load.steps = [{ at = 2026-01-05T12:00:00, value = 1 }]\n", "steps.0.at.*timezone"),
        ("load.steps = [{ at = 2026-01-05T12:00:00Z, phases = [4] }]\n", "steps.0.phases.0"),
        ("load.stready = 4\n", "load.stready"),
        ("load.steady = nan\n", "load.steady.*finite"),
        ("load.daily = [1, inf]\n", "load.daily.1.*finite"),
        ("load.steps = [{ at = 2026-01-05T12:00:00Z, value = 1e30 }]\n", "steps.0.value"),
        ("voltage.steady = -1\n", "voltage.*no voltage is below 0"),
        ("voltage.steps = [{ at = 2026-01-05T12:00:00Z, value = -1 }]\n", "no voltage is below 0"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused_with_its_key(
    tmp_path: Path, lines: str, reason: str
) -> None:
    with pytest.raises(RigError, match=rf"rig\.toml: electricity_meter.*{reason}"):
        site(tmp_path, lines)


def test_without_pyarrow_its_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text('[electricity_meter]\nload.file = "house.parquet"\n')
    arguments = ["chub", "run", str(tmp_path / "rig.toml"), "--time", "jump", "--for", "1"]
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        f"sys.argv = {arguments!r}\n"
        "from bench.cli import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 10
    assert "pip install 'chub-bench[parquet]'" in done.stderr


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (None, "No such file"),
        ("time,l2\n", "no column 'l1'"),
        ("time,l1\n2026-01-05T13:00,240\n", "row 2"),
        ("time,l1\n2026-01-05T13:00Z,high\n", "row 2"),
        ("time,l1\n2026-01-05T13:00Z,Infinity\n", "row 2"),
        ("time,l1\n2026-01-05T13:00Z,-240\n", "row 2 .*l1 is below 0"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, written: str | None, reason: str
) -> None:
    if written is not None:
        (tmp_path / "mains.csv").write_text(written)
    with pytest.raises(RigError, match=rf"mains\.csv: .*{reason}"):
        site(tmp_path, 'voltage_csv = "mains.csv"\n')
