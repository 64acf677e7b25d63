"""The device log of a running bench, changed and read from another process."""

from __future__ import annotations

import json
from pathlib import Path

from bench.device_list import line_of
from tests.interop.programs import ask, chub, wan_of

DEVICE, CODE = "000D6F00ABCDEF01", "83FED3407A939723A5C639B26916D505"


def test_a_device_is_admitted_listed_and_expelled_by_commands(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text(
        'gas_meter = false\n[wan]\nlisten = "127.0.0.1:0"\n'
        '[hub]\nradio = "ether:"\nadmit = "commands"\n'
    )
    with chub("run", str(rig)) as bench:
        wan = wan_of(bench)
        where = ("--rig", str(rig), "--wan", wan)
        code = ("--install-code", "-")
        admitted = ask("admit", DEVICE, "--kind", "ESME", *code, *where, typed=f"{CODE} C3B5\n")
        once_more = ask("admit", DEVICE, "--kind", "ESME", *code, *where, typed=f"{CODE[::-1]}\n")
        listed, shown = ask("devices", "--json", *where), ask("devices", *where)
        expelled, again = ask("expel", DEVICE, *where), ask("expel", DEVICE, *where)
        emptied, nothing = ask("devices", "--json", *where), ask("devices", *where)
    assert (admitted.stdout, admitted.stderr) == ("may join for 3600 s\n", "")
    assert once_more.stdout == admitted.stdout
    assert "keeps the install code or key it has; `chub expel` it first" in once_more.stderr
    assert shown.stdout.split() == [DEVICE, "never", "heard", "key", "install", "code"]
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert nothing.stderr == "the device log is empty\n"
    [row] = json.loads(listed.stdout)
    assert (row["device"], row["last_heard"], row["key"]) == (DEVICE, None, "install code")
    assert line_of(row) == f"{DEVICE}  never heard{' ' * 33}  key install code"
    near = row | {"last_heard": "2026-01-05T10:00:12Z", "rssi_dbm": -40, "lqi": 255}
    assert " 2026-01-05T10:00:12Z  RSSI  -40 dBm  LQI 255  key " in line_of(near)
    assert expelled.stdout == "is off the HAN\n"
    assert again.returncode == 1
    assert again.stderr.startswith("chub: the hub answered OTHER_REASON: the device may not be in")
    assert json.loads(emptied.stdout) == []


def test_an_install_code_whose_crc_is_wrong_is_refused_before_anything_is_sent() -> None:
    refused = ask("admit", DEVICE, "--kind", "ESME", "--install-code", CODE + "0000")
    assert refused.returncode == 2
    assert "CRC" in refused.stderr
