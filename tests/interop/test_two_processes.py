"""Programs that talk over sockets: a hub and a meter on dongles, a head end on TCP."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.dissected import Dissected
from tests.interop.programs import ask, chub, line_with, wan_of

HUB, METER = "02434855420000A3", "02434855420000A1"


@pytest.mark.parametrize("ezsp", ["8", "13", "14"])
def test_a_hub_and_a_meter_on_two_dongles_of_another_process(ezsp: str, tmp_path: Path) -> None:
    places = [f"--listen=127.0.0.1:0@{eui64}" for eui64 in (HUB, METER)]
    with chub("vncp", "--blank", f"--ezsp={ezsp}", *places) as dongles:
        addresses = [line_with(dongles, "tcp://").split()[-1] for _ in places]
        rig = tmp_path / "rig.toml"
        rig.write_text(
            f'[wan]\nlisten = "127.0.0.1:0"\n[hub]\nradio = "{addresses[0]}"\n'
            f'[gas_meter]\nradio = "{addresses[1]}"\n'
        )
        with chub("run", str(rig)) as bench:
            wan = wan_of(bench)
            line_with(bench, "GPF", "GSME mirrored on endpoint")
            line_with(bench, "GSME", "back to sleep")
            sent = ask("send", "GCS13a", "--to", "gpf", "--json", "--rig", str(rig), "--wan", wan)
    answer = json.loads(sent.stdout)
    assert answer["mac"] == "valid"
    assert answer["reliability"] == "invalid"  # nothing was pushed yet


def test_a_megabyte_of_noise_on_the_wan_port_costs_nothing() -> None:
    with chub("run", "--wan", "127.0.0.1:0") as bench:
        wan = wan_of(bench)
        host, _, port = wan.partition(":")
        with socket.create_connection((host, int(port))) as noisy:
            noisy.sendall(bytes(range(256)) * 4096)
        assert "more lines that hold no message" in line_with(bench, "REFUSED", "more lines")
        sent = ask("send", "GCS60a", "--to", "gpf", "--wan", wan)
    assert "MAC        valid" in sent.stdout


def test_a_capture_of_a_run_is_read_whole_by_tshark(tmp_path: Path, tshark: str) -> None:
    capture, rig = tmp_path / "run.pcap", tmp_path / "rig.toml"
    rig.write_text('time = "jump"\n[wan]\nlisten = "127.0.0.1:0"\n[electricity_meter]\n')
    arguments = ["run", str(rig), "--for", "7200", "--capture", str(capture)]
    said = ask(*arguments).stdout  # fmt: skip
    keys = [
        line.split('uat:zigbee_pc_keys:"')[1].split('"')[0].replace(":", "")
        for line in said.splitlines()
        if "zigbee_pc_keys" in line
    ]
    # network; for each meter that of the install code, and the one established
    assert len(keys) == 5
    shown = Dissected(tshark, capture, keys)
    assert len(shown.frames("zbee_zcl")) > 20
    assert shown.defects() == []


def test_every_dongle_that_is_served_keeps_its_network_over_a_kill(tmp_path: Path) -> None:
    memory = tmp_path / "nv"
    serve = ("vncp", f"--nv={memory}", *["--listen=127.0.0.1:0"] * 3)

    def networks() -> dict[str, tuple[int, str]]:
        with chub(*serve) as dongles:
            for _ in range(3):
                line_with(dongles, "tcp://")
            dongles.kill()
        kept = json.loads(memory.read_text())
        stacks = {name: json.loads(kept[name]) for name in kept if name.endswith("/stack")}
        return {
            name: (stack["membership"]["pan_id"], stack["membership"]["network_key"])
            for name, stack in stacks.items()
        }

    first = networks()
    assert len(set(first.values())) == 3
    assert networks() == first


def test_two_dongles_of_one_address_are_refused() -> None:
    arguments = ["vncp", "--listen=127.0.0.1:0", "--listen=127.0.0.1:0@02434855420000FF"]
    done = ask(*arguments)
    assert done.returncode == 2
    assert "02434855420000FF" in done.stderr.replace("-", "")


def test_a_dongle_killed_and_started_again_is_taken_up_with_network_and_keys(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    memory, rig = tmp_path / "nv", tmp_path / "rig.toml"
    rig.write_text(
        f'gas_meter = false\n[wan]\nlisten = "127.0.0.1:0"\n'
        f'[hub]\nradio = "tcp://127.0.0.1:{port}"\n'
    )
    capture = tmp_path / "air.pcap"
    place = f"--listen=127.0.0.1:{port}@{HUB}"
    serve = ("vncp", "--blank", f"--nv={memory}", f"--capture={capture}", place)
    with chub(*serve) as dongle:
        line_with(dongle, "tcp://")
        with chub("run", str(rig)) as bench:
            wan = wan_of(bench)
            dongle.kill()
            dongle.wait()
            recorded = capture.stat().st_size
            line_with(bench, "GPF", "radio lost")
            with chub(*serve) as again:
                line_with(again, "tcp://")
                line_with(bench, "GPF", "on the network")
                assert capture.stat().st_size >= recorded > 0
                sent = ask("send", "GCS14", "--to", "gpf", "--wan", wan)
    assert "MAC        valid" in sent.stdout
