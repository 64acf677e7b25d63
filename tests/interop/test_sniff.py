"""A spare dongle records the air of a network it is not on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from bench.keys import network_secret
from hw.capture import LinkType, link_type_of
from tests.dissected import Dissected
from tests.interop.programs import ask, chub, line_with

HUB, METER, SPARE = "02434855420000A3", "02434855420000A1", "02434855420000FE"


def test_a_spare_dongle_records_a_join_that_tshark_opens(tmp_path: Path, tshark: str) -> None:
    capture, rig = tmp_path / "heard.pcap", tmp_path / "rig.toml"
    places = [f"--listen=127.0.0.1:0@{eui64}" for eui64 in (HUB, METER, SPARE)]
    with chub("vncp", "--blank", *places) as dongles:
        hub, meter, spare = (line_with(dongles, "tcp://").split()[-1] for _ in places)
        rig.write_text(
            f'[wan]\nlisten = "127.0.0.1:0"\n[hub]\nradio = "{hub}"\n'
            f'[gas_meter]\nradio = "{meter}"\n'
        )
        command = [sys.executable, "-u", "-m", "bench", "sniff", spare]
        command += ["--channel", "15", "--out", str(capture)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as sniffing:
            assert sniffing.stderr is not None
            assert "listening on channel 15" in sniffing.stderr.readline()
            with chub("run", str(rig)) as bench:
                line_with(bench, "GSME", "back to sleep")
            sniffing.send_signal(signal.SIGINT)
            assert "frames in" in sniffing.stderr.read()
            assert sniffing.wait() == 0
    assert link_type_of(capture.read_bytes()[:24]) is LinkType.TAP
    key = network_secret("chub", "network key").hex()
    shown = Dissected(tshark, capture, [key]).frames("zbee_nwk && wpan.fcs_ok")
    assert any("Device Announcement" in line for line in shown)
    assert len(shown) > 30


def test_a_radio_that_is_no_dongle_is_refused(tmp_path: Path) -> None:
    done = ask("sniff", "ether:", "--channel", "15", "--out", str(tmp_path / "x.pcap"))
    assert done.returncode == 4
    assert "not a dongle of its own" in done.stderr
