"""``chub demo cot`` as people and machines call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dissected import Dissected

Result = dict[str, list[dict[str, object]]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The story, once, and its capture."""
    capture = tmp_path_factory.mktemp("cot") / "cot.pcap"
    printed = subprocess.run(
        [sys.executable, "-m", "bench", "demo", "cot", "--json", "--capture", str(capture)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert printed.stderr == ""
    return capture, json.loads(printed.stdout)


def test_every_display_wipes_every_fuel_once_for_each_change(played: tuple[Path, Result]) -> None:
    rows = played[1]["rows"]
    told = {(row["display"], row["fuel"], row["server"], row["cot_time"]) for row in rows}
    meters = {("electricity", "ESME"), ("gas", "GPF")}
    dates = {"2026-01-05T15:00:00+00:00", "2026-01-06T12:10:00+00:00"}
    assert told == {(d, *m, at) for d in ("IHD", "PPMID") for m in meters for at in dates}
    for row in rows:
        assert row["control"] == "0x00000200"
        assert isinstance(row["history_before"], int)
        assert row["history_before"] >= 10
        assert row["history_after"] == 0
        assert isinstance(row["supplier_entries"], int)
        # A register at N moments makes N - 1 half hours.
        assert row["supplier_entries"] >= row["history_before"] - 1
        assert str(row["asked_at"]) <= str(row["wiped_at"])
        assert str(row["wiped_at"]) >= str(row["cot_time"])


def test_tshark_opens_the_whole_capture_with_the_printed_keys(
    played: tuple[Path, Result], tshark: str
) -> None:
    capture, result = played
    shown = Dissected(tshark, capture, [str(key) for key in result["keys"]])
    assert shown.defects() == []
    assert len(shown.frames("zbee_aps.cluster == 0x0708 && zbee_zcl.cmd.id == 0x01")) > 50
