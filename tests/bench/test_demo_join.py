"""``chub demo join`` as people and machines call it, and what tshark makes of its capture."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bench.demo.join import ESME, GSME, IHD, MISTYPED
from tests.dissected import Dissected

STEPS = [
    "hubs heard",
    "hub: device met",
    "network key received",
    "key establishment server found",
    "partner's certificate accepted",
    "partner's ephemeral key received",
    "hub: key in the device log",
    "partner's confirmation received",
    "link key installed",
]
DEVICES = {"GSME", "ESME", "IHD", "second IHD"}


Result = dict[str, list[dict[str, object]]]


@pytest.fixture(scope="module", params=["ether:", "vncp:"])
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Result]:
    """The story on each radio, once."""
    capture = tmp_path_factory.mktemp("join") / "join.pcap"
    return capture, demo(capture, str(request.param))


def demo(capture: Path, radio: str) -> Result:
    printed = subprocess.run(
        [sys.executable, "-m", "bench", "demo", "join", "--json", "--radio", radio,
         "--capture", str(capture)],
        check=True,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert printed.stderr == ""
    result: Result = json.loads(printed.stdout)
    return result


def test_every_device_joins_step_by_step(played: tuple[Path, Result]) -> None:
    _, result = played
    for device in ("GSME", "ESME", "IHD"):
        told = [row["step"] for row in result["rows"] if row["device"] == device]
        assert [step for step in told if step in STEPS] == STEPS
    outcomes = {str(one["device"]): one for one in result["outcomes"]}
    assert set(outcomes) == DEVICES
    assert all(one["joined"] and one["suite"] == 2 for one in outcomes.values())
    assert [device for device, one in outcomes.items() if one["refusals"]] == ["second IHD"]
    times = [float(str(row["after_s"])) for row in result["rows"]]
    assert times == sorted(times)


def test_tshark_opens_every_frame_of_the_joinings_with_the_printed_keys(
    played: tuple[Path, Result], tshark: str
) -> None:
    capture, result = played
    shown = Dissected(tshark, capture, [str(key) for key in result["keys"]])
    assert shown.defects() == []
    told = "\n".join(shown.frames("zbee_aps.cluster == 0x0800 && zbee_zcl.type == 1", "-V"))
    assert Counter(re.findall(r"    Command: (.*) \(", told)) == {
        f"{command} {kind}": len(DEVICES)
        for command in ("Initiate Key Establishment", "Ephemeral Data", "Confirm Key Data")
        for kind in ("Request", "Response")
    }
    assert told.count("Key Establishment Suite: Crypto Suite 2 (CBKE K283)") == 2 * len(DEVICES)
    for eui64 in (ESME, GSME, IHD, MISTYPED):
        assert told.count(f"Subject: {eui64:016x}") == 1
    assert told.count("Key Agreement: Enabled") == 2 * len(DEVICES)
