"""A hub in one program, a meter and a display in another, dongles in a third."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.joiners import joining_rig
from bench.rig import RigError, load_rig
from tests.interop.programs import ask, chub, line_with, wan_of

HUB, ESME, IHD = "02434855420000A3", "02434855420000A0", "02434855420000D1"
CODES = {ESME: "83FED3407A939723A5C639B26916D505", IHD: "000102030405060708090A0B0C0D0E0F"}


def _hub_rig(tmp_path: Path, dongle: str) -> Path:
    admitted = "".join(
        f'[[admitted]]\nkind = "{kind}"\neui64 = "{eui64}"\ninstall_code = "{CODES[eui64]}"\n'
        for kind, eui64 in (("ESME", ESME), ("IHD", IHD))
    )
    rig = tmp_path / "hub.toml"
    rig.write_text(
        f'gas_meter = false\n[network]\nchannel = 20\n[wan]\nlisten = "127.0.0.1:0"\n'
        f'[hub]\nradio = "{dongle}"\n{admitted}'
    )
    return rig


def _joiners_rig(tmp_path: Path, meter: str, display: str) -> Path:
    rig = tmp_path / "joiners.toml"
    rig.write_text(
        f"[network]\nchannel = 20\n"
        f'[electricity_meter]\nradio = "{meter}"\ninstall_code = "{CODES[ESME]}"\n'
        f'[[displays]]\neui64 = "{IHD}"\nradio = "{display}"\ninstall_code = "{CODES[IHD]}"\n'
    )
    return rig


def test_a_meter_and_a_display_join_the_hub_of_another_program_over_a_bad_link(
    tmp_path: Path,
) -> None:
    places = [f"--listen=127.0.0.1:0@{eui64}" for eui64 in (HUB, ESME, IHD)]
    air = tmp_path / "air.toml"
    air.write_text("seed = 4\n[air]\nloss = 0.05\nrepeat = 0.05\n")
    with chub("vncp", "--blank", "--ezsp=14", f"--rig={air}", *places) as dongles:
        hub, meter, display = (line_with(dongles, "tcp://").split()[-1] for _ in places)
        rig = _hub_rig(tmp_path, hub)
        with (
            chub("run", str(rig)) as bench,
            chub("join", str(_joiners_rig(tmp_path, meter, display))) as joiners,
        ):
            wan = wan_of(bench)
            line_with(joiners, "looking for a hub on channel 20")
            line_with(joiners, "IHD", "electricity at ESME")
            sent = ask("send", "ECS17b", "--to", "esme", "--json", "--rig", str(rig), "--wan", wan)
    assert json.loads(sent.stdout)["mac"] == "valid"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no meter, display or controller"),
        ("[gas_meter]\n", "on this bench's own air"),
        (
            '[[displays]]\neui64 = "02434855420000D1"\nradio = "vncp:"\n',
            "displays.0: radio 'vncp:'",
        ),
    ],
)
def test_what_cannot_join_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text(text)
    with pytest.raises(RigError, match=said):
        joining_rig(load_rig(rig))


def test_a_dongle_that_is_not_there_ends_with_the_code_for_no_radio(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text('[gas_meter]\nradio = "tcp://127.0.0.1:1"\n')
    done = ask("join", str(rig), "--for", "5")
    assert done.returncode == 4
    assert "tcp://127.0.0.1:1" in done.stderr


def test_a_dongle_that_is_something_else_on_a_network_ends_it_unless_it_may_leave(
    tmp_path: Path,
) -> None:
    with chub("vncp", "--ezsp=8", "--listen=127.0.0.1:0@02434855420000E7") as dongles:
        rig = tmp_path / "rig.toml"
        dongle = line_with(dongles, "tcp://").split()[-1]
        rig.write_text(f'[electricity_meter]\neui64 = "02434855420000E7"\nradio = "{dongle}"\n')
        done = ask("join", str(rig))
        assert done.returncode == 4
        assert "not as router: have the dongle leave that network first" in done.stderr
        with chub("join", str(rig), "--leave") as joiner:
            line_with(joiner, "ESME: joining: left the network that the radio was on")
            line_with(joiner, "no hub that permits joining was heard")


def test_a_dongle_of_another_eui64_is_named(tmp_path: Path) -> None:
    with chub("vncp", "--blank", f"--listen=127.0.0.1:0@{HUB}") as dongles:
        rig = tmp_path / "rig.toml"
        dongle = line_with(dongles, "tcp://").split()[-1]
        rig.write_text(f'[gas_meter]\nradio = "{dongle}"\n')
        done = ask("join", str(rig), "--show-install-codes")
    assert done.returncode == 4
    assert f"EUI-64 {HUB}, the device on it 02434855420000A1" in done.stderr
    assert "install code" in done.stdout
