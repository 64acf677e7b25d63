"""``chub demo cot`` as people and machines call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.capture_keys import wireshark_options


def demo(capture: Path) -> dict[str, list[dict[str, object]]]:
    printed = subprocess.run(
        [sys.executable, "-m", "bench", "demo", "cot", "--json", "--capture", str(capture)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert printed.stderr == ""
    result: dict[str, list[dict[str, object]]] = json.loads(printed.stdout)
    return result


def test_every_display_wipes_every_fuel_once_for_each_change(tmp_path: Path) -> None:
    rows = demo(tmp_path / "cot.pcap")["rows"]
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


def test_tshark_opens_the_whole_capture_with_the_printed_keys(tmp_path: Path, tshark: str) -> None:
    capture = tmp_path / "cot.pcap"
    keys = [str(key) for key in demo(capture)["keys"]]

    def count(display_filter: str) -> int:
        lines = subprocess.run(
            [tshark, "-r", str(capture), *wireshark_options(keys), "-Y", display_filter],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()
        return len(lines)

    assert count("_ws.malformed") == 0
    assert count("zbee_sec.encrypted_payload") == 0
    assert count("zbee_aps.cluster == 0x0708 && zbee_zcl.cmd.id == 0x01") > 50
