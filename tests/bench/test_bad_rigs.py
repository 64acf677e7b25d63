"""What a rig file gets wrong is one line that names the input and the reason."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bench.cli.running import start_of
from bench.elapsed import PERIOD
from bench.home import living_home
from bench.rig import Rig, RigError, checked_pace, load_rig
from bench.wan import parse_address
from device.timeline import Timeline

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
]


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


async def test_virtual_time_goes_on_where_a_bench_on_the_same_store_stopped(
    timeline: Timeline, tmp_path: Path
) -> None:
    rig = Rig.model_validate(
        {
            "time": "jump",
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
