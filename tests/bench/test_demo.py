"""The demonstrations: what they say, and what independent eyes see in their captures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.capture_keys import wireshark_options
from bench.demo import DemoOptions
from bench.demo.stamps import play

CASES = {
    "nothing pushed yet": ("0x01", "GPF", "invalid"),
    "fresh GSME time": ("0x04", "GSME", "reliable"),
    "GSME asleep for 20 min": ("0x04", "GSME", "reliable"),
    "GSME that sends no time": ("0x00", "GPF", "reliable"),
    "GSME with an unset clock": ("0x06", "GSME", "unreliable"),
    "the same, asked itself": ("0x02", "GSME", "unreliable"),
}


@pytest.mark.parametrize("radio", ["ether:", "vncp:"])
def test_stamps_say_source_and_reliability_case_by_case(radio: str, tmp_path: Path) -> None:
    result = play(DemoOptions(radio, tmp_path / "demo.pcap", lambda line: None))
    assert result.sound
    assert result.wrong == []
    assert len(result.rows) == 3 * len(CASES)
    for row in result.rows:
        assert (row.clock_status, row.source, row.reliability) == CASES[row.case]


def test_a_sleeping_meter_is_not_waited_for(tmp_path: Path) -> None:
    result = play(DemoOptions("ether:", tmp_path / "demo.pcap", lambda line: None))
    [asleep, *_] = [row for row in result.rows if row.case == "GSME asleep for 20 min"]
    assert asleep.asked_at.startswith("2026-01-05T10:20")
    assert asleep.time == "2026-01-05T10:00:00+00:00"
    assert asleep.answered_after_s == 0


def test_tshark_opens_the_whole_capture_with_the_printed_keys(tmp_path: Path, tshark: str) -> None:
    capture = tmp_path / "demo.pcap"
    printed = subprocess.run(
        [sys.executable, "-m", "bench", "demo", "stamps", "--json", "--capture", str(capture)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    keys = json.loads(printed)["keys"]

    def count(display_filter: str) -> int:
        lines = subprocess.run(
            [tshark, "-r", str(capture), *wireshark_options(keys), "-Y", display_filter],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()
        return len(lines)

    assert count("zbee_aps") > 100
    assert count("_ws.malformed") == 0
    assert count("zbee_sec.encrypted_payload") == 0
    assert count("gbcs_message") >= 6  # three commands to the gas meter and their Responses
