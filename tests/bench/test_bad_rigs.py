"""What a rig file gets wrong is one line that names the input and the reason."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bench.address import parse_address
from bench.cli.running import start_of
from bench.elapsed import PERIOD
from bench.home import living_home, open_home
from bench.rig import Rig, RigError, checked_pace, load_rig
from bench.settings import Settings, all_settings
from device.timeline import Timeline
from han.radio import without_crc

WRONG = [
    ('time = "x0"', "time: 'x0' is no rate"),
    (
        '[[displays]]\neui64 = "02434855420000A3"',
        "hub.gpf and displays.0 are both 02434855420000A3",
    ),
    (
        '[[displays]]\neui64 = "02434855420000D1"\n[[displays]]\neui64 = "02434855420000D1"',
        "displays.0 and displays.1 are both",
    ),
    ('[gas_meter]\neui64 = "zz"', "gas_meter.eui64: not an EUI-64"),
    ('time = "fast"', "time: 'fast' is none of real, jump, or a rate"),
    ("[air]\nlos = 0.1", "air.los: no such key"),
    ("[[air.faults]]\nloss = 1.0\nat_s = inf", "air.faults.0.at_s: Input should be a finite"),
    (
        '[[air.links]]\nbetween = ["hub", "hub"]\nloss = 0.1',
        "air.links.0: between names hub twice",
    ),
    ('[[air.links]]\nbetween = ["hub"]', "air.links.0: says nothing of the link: loss, repeat"),
    (
        '[[air.links]]\nbetween = ["hub"]\none_way = true\nloss = 1.0',
        "air.links.0: one_way is from one station to another",
    ),
    ('[[air.faults]]\nloss = 1.0\nsender = "hub"', "air.faults.0: sender is for faults of frames"),
    ('[[air.faults]]\nloss = 1.0\ntrouble = "mute"', "air.faults.0: trouble is for faults of a d"),
    (
        '[[air.faults]]\nframes = "drop"\ndelay_s = 1',
        'air.faults.0: delay_s is for faults of frames = "delay"',
    ),
]

INSTALL_CODES = [
    ('"A1B2C3D4E5F688CC"', 6),
    ('"a1-b2-c3-d4-e5-f6"', 6),
    ('"0011223344556677 FC05"', 8),
    ('"A1B2C3D4E5F60000"', 8),
    ('"11:22:33:44:55:66:77:88:99:0A:0B:0C:E4:7C"', 12),
    ('"FFEEDDCC BBAA9988 77665544 33221100 520D"', 16),
]

NO_INSTALL_CODES = [
    ('"83FED"', "not hexadecimal digits, two for each octet"),
    ('"83FED3407A93ZZ"', "not hexadecimal digits, two for each octet"),
    ('"83FED3407A9397"', "an install code has 6, 8, 12 or 16 octets, or two more with its CRC"),
    ('"00112233445566770000"', "install code CRC is 0000, not fc05"),
    ('"FFEEDDCCBBAA998877665544332211000D52"', "install code CRC is 0d52, not 520d"),
    ('""', "an install code has"),
    ("12345678", "is written as text: hexadecimal digits in quotes"),
]

SETTINGS = [
    ({"chf": {"suites": 4}}, "settings.chf.suites: 4 is not from 1 to 3"),
    ({"join": {"suites": 0}}, "settings.join.suites: 0 is not from 1 to 3"),
    ({"join": {"retry_s": 0}}, "settings.join.retry_s: 0 is not at least 1"),
    ({"gsme": {"push_jitter_s": -5}}, "settings.gsme.push_jitter_s: -5 is not at least 0"),
]


def _with_code(tmp_path: Path, code: str) -> Path:
    file = tmp_path / "rig.toml"
    file.write_text(
        f'[[admitted]]\nkind = "CAD"\neui64 = "0243485542E90007"\ninstall_code = {code}\n'
    )
    return file


@pytest.mark.parametrize(("code", "octets"), INSTALL_CODES)
def test_an_install_code_is_written_as_it_is_printed(
    code: str, octets: int, tmp_path: Path
) -> None:
    [admitted] = load_rig(_with_code(tmp_path, code)).admitted
    assert len(without_crc(admitted.install_code)) == octets


@pytest.mark.parametrize(("code", "said"), NO_INSTALL_CODES)
def test_what_is_no_install_code_is_refused_and_not_shown(
    code: str, said: str, tmp_path: Path
) -> None:
    file = _with_code(tmp_path, code)
    with pytest.raises(RigError) as caught:
        load_rig(file)
    assert str(caught.value).startswith(f"{file}: admitted.0.install_code: {said}")
    assert len(code) < 4 or code.strip('"') not in str(caught.value)


@pytest.mark.parametrize(("changed", "said"), SETTINGS)
def test_a_setting_out_of_range_is_refused(
    changed: dict[str, dict[str, object]], said: str
) -> None:
    with pytest.raises(RigError, match=said):
        Settings(changed)


def test_false_says_of_either_meter_that_none_is_emulated() -> None:
    rig = Rig.model_validate({"gas_meter": False, "electricity_meter": False})
    assert rig.emulated() == []


def test_every_default_is_one_that_a_rig_may_say() -> None:
    for setting in all_settings():
        section, _, name = setting.name.partition(".")
        if isinstance(setting.default, int):
            Settings({section: {name: setting.default}})


async def test_a_device_too_many_is_named(timeline: Timeline) -> None:
    displays = [{"eui64": f"0243485542E9{n:04X}"} for n in range(16)]
    rig = Rig.model_validate({"hub": {"radio": "ether:"}, "displays": displays})
    with pytest.RaisesGroup(
        pytest.RaisesExc(RigError, match="no place for 0243485542E9000F: .* holds 16 devices")
    ):
        async with open_home(rig, timeline):
            pytest.fail("a home with 17 devices")


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_wrong_rig_is_refused_by_place_and_reason(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "rig.toml"
    file.write_text(text)
    with pytest.raises(RigError) as caught:
        load_rig(file)
    assert str(caught.value).startswith(f"{file}: {said}")


def test_a_store_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    rig, store = tmp_path / "rig.toml", tmp_path / "notes.txt"
    rig.write_text('store = "notes.txt"\n[hub]\nradio = "ether:"\n')
    store.write_text("not a database, but long enough to be taken for one by nobody")
    command = [sys.executable, "-m", "bench", "run", str(rig), "--wan", "127.0.0.1:0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 10
    assert done.stderr == f"chub: store {store}: the store's file: file is not a database\n"


def test_a_wrong_pace_or_address_is_refused() -> None:
    with pytest.raises(RigError, match="time: "):
        checked_pace("fast")
    with pytest.raises(RigError, match="'nowhere' is not HOST:PORT"):
        parse_address("nowhere")


@pytest.mark.parametrize("pace", ["jump", "x60", "real"])
async def test_a_time_of_its_own_goes_on_where_a_bench_on_the_same_store_stopped(
    pace: str, timeline: Timeline, tmp_path: Path
) -> None:
    rig = Rig.model_validate(
        {
            "time": pace,
            "start": timeline.now(),
            "store": tmp_path / "rig.sqlite",
            "hub": {"radio": "ether:"},
        }
    )
    first = start_of(rig)
    async with living_home(rig, timeline):
        await timeline.sleep(timedelta(hours=3))
        reached = timeline.now()
    assert first < reached <= start_of(rig) <= reached + PERIOD


@pytest.mark.parametrize("radio", ["ether:", "vncp:?ezsp=19"])
async def test_a_channel_that_is_not_the_one_of_the_hubs_network_is_refused(
    radio: str, timeline: Timeline, tmp_path: Path
) -> None:
    def rig(**network: int) -> Rig:
        hub = {"radio": radio, "gpf": "0243485542E800A3"}
        return Rig.model_validate({"store": tmp_path / "rig", "hub": hub, "network": network})

    for same in ({"channel": 24}, {"channel": 24}, {}):
        async with open_home(rig(**same), timeline) as home:
            assert home.host.radio.channel == 24
    with pytest.RaisesGroup(
        pytest.RaisesExc(RigError, match="network.channel is 11, but .* on channel 24 already")
    ):
        async with open_home(rig(channel=11), timeline):
            pytest.fail("a hub on another channel than its rig says")
