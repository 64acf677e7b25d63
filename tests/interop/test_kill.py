"""A running bench is killed: what it had to tell reaches the WAN of the next one."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

from gbcs.envelope import Cra, Message
from gbcs.gfi import GfiReader
from tests.interop.programs import chub, line_with

DEVICE_LOG_CHANGED = 0x0018


def test_alerts_of_a_killed_bench_are_told_by_the_next(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text(
        'gas_meter = false\nstore = "rig.sqlite"\n[wan]\nlisten = "127.0.0.1:0"\n'
        '[hub]\nradio = "ether:"\n[electricity_meter]\n'
    )
    with chub("run", str(rig)) as bench:
        line_with(bench, "WAN on")  # nobody comes to hear that the meter was admitted
        bench.send_signal(signal.SIGKILL)
    assert bench.returncode == -signal.SIGKILL
    with chub("run", str(rig)) as bench:
        wan = line_with(bench, "WAN on").split("WAN on ")[1].split()[0]
        host, port = wan.split(":")
        with socket.create_connection((host, int(port)), timeout=30) as head_end:
            first = next(iter(heard(head_end)))
    assert (first.cra, first.message_code) == (Cra.ALERT, DEVICE_LOG_CHANGED)
    assert first.originator_counter == 1


def heard(head_end: socket.socket) -> list[Message]:
    """The first messages that a head end hears."""
    lines = GfiReader()
    while not (found := lines.feed(head_end.recv(4096))):
        pass
    return [Message.parse(one) for one in found if isinstance(one, bytes)]
