"""A running bench is killed: what it had to tell reaches the WAN of the next one."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

from gbcs.envelope import Cra, Message
from gbcs.errors import MalformedMessage
from gbcs.gfi import GfiReader
from tests.interop.programs import chub, line_with, wan_of

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
        host, port = wan_of(bench).split(":")
        with socket.create_connection((host, int(port)), timeout=30) as head_end:
            first = next(iter(heard(head_end)))
    assert (first.cra, first.message_code) == (Cra.ALERT, DEVICE_LOG_CHANGED)
    assert first.originator_counter == 1


def heard(head_end: socket.socket) -> list[Message]:
    """The first messages that a head end hears."""
    lines = GfiReader()
    found: list[bytes | MalformedMessage] = []
    while not found:
        octets = head_end.recv(4096)
        assert octets, "the bench closed the connection"
        found = lines.feed(octets)
    return [Message.parse(one) for one in found if isinstance(one, bytes)]
