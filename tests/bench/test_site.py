"""Mains and load of a rig's electricity meter, from its CSV files."""

from __future__ import annotations

from datetime import UTC, datetime
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


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (None, "No such file"),
        ("time,l2\n", "no column 'l1'"),
        ("time,l1\n2026-01-05T13:00,240\n", "row 2"),
        ("time,l1\n2026-01-05T13:00Z,high\n", "row 2"),
        ("time,l1\n2026-01-05T13:00Z,Infinity\n", "row 2"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, written: str | None, reason: str
) -> None:
    if written is not None:
        (tmp_path / "mains.csv").write_text(written)
    with pytest.raises(RigError, match=rf"mains\.csv: .*{reason}"):
        site(tmp_path, 'voltage_csv = "mains.csv"\n')
