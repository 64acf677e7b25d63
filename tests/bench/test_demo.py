"""The demonstrations: what they say, and what independent eyes see in their captures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.demo import DemoOptions
from bench.demo.stamps import Stamps, play
from tests.dissected import Dissected

CASES = {
    "nothing pushed yet": ("0x01", "GPF", "invalid"),
    "fresh GSME time": ("0x04", "GSME", "reliable"),
    "GSME asleep for 20 min": ("0x04", "GSME", "reliable"),
    "GSME that sends no time": ("0x00", "GPF", "reliable"),
    "GSME whose clock gains time": ("0x06", "GSME", "unreliable"),
    "the same, asked itself": ("0x02", "GSME", "unreliable"),
    "GSME with an unset clock": ("0x05", "GSME", "invalid"),
    "the unset clock, asked itself": ("0x01", "GSME", "invalid"),
}


@pytest.fixture(scope="module", params=["ether:", "vncp:"])
def result(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stamps:
    """The story on each radio, once."""
    capture = tmp_path_factory.mktemp("stamps") / "demo.pcap"
    return play(DemoOptions(str(request.param), capture, lambda line: None))


def test_stamps_say_source_and_reliability_case_by_case(result: Stamps) -> None:
    assert result.sound
    assert result.wrong == []
    assert len(result.rows) == 3 * len(CASES)
    for row in result.rows:
        assert (row.clock_status, row.source, row.reliability) == CASES[row.case]


def test_a_sleeping_meter_is_not_waited_for(result: Stamps) -> None:
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
    shown = Dissected(tshark, capture, json.loads(printed)["keys"])
    assert len(shown.frames("zbee_aps")) > 100
    assert shown.defects() == []
    assert (
        len(shown.frames("gbcs_message")) >= 6
    )  # three commands to the gas meter and their Responses
