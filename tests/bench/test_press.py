"""The control port of a running bench: displays are looked at, and their buttons pressed."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.control import answer, control_side
from bench.display_shown import home_with_display
from bench.home import living_home
from bench.wan import WanError
from device.timeline import Timeline

RIG = """
name = "pressed"
time = "x60"
pairs = "commands"
[electricity_meter]
eui64 = "02434855420000A0"
[[displays]]
eui64 = "02434855420000D1"
[[displays]]
eui64 = "02434855420000D2"
kind = "PPMID"
"""
CHUB = [sys.executable, "-m", "bench"]


@contextmanager
def running(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A bench whose PPMID has found the electricity meter; its rig file and control port."""
    rig = tmp_path / "rig.toml"
    rig.write_text(RIG)
    options = ["--wan", "127.0.0.1:0", "--control", "127.0.0.1:0", "--for", "3600"]
    command = [*CHUB, "run", str(rig), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bench:
        try:
            yield rig, _ready(bench)
        finally:
            bench.terminate()
            bench.wait(20)


def _ready(bench: subprocess.Popen[str]) -> str:
    assert bench.stdout is not None
    port = ""
    for line in bench.stdout:
        if found := re.search(r"control on (\S+)", line):
            port = found.group(1)
        if "PPMID: electricity at ESME" in line:
            return port
    raise AssertionError("the PPMID found no electricity meter")


def press(control: str, *arguments: str) -> tuple[int, dict[str, object]]:
    command = [*CHUB, "press", *arguments, "--json", "--control", control]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr}


def test_buttons_are_pressed_on_a_running_bench(tmp_path: Path) -> None:
    with running(tmp_path) as (rig, control):
        made = ("topup", "--pence", "500", "--rig", str(rig))
        first, again = press(control, *made), press(control, *made)
        assert (first[0], first[1]["result"]) == (0, "ACCEPTED")
        assert first[1]["credit_remaining"] == 500_000
        assert (again[0], again[1]["result"]) == (1, "REJECTED_DUPLICATE")
        assert press(control, "enable-supply")[0] == 0
        code, said = press(control, "topup", "1" * 20, "--fuel", "gas")
        assert code == 1
        assert "CS03C" in str(said["error"])


NOT_UNDERSTOOD = [
    (b"nonsense", "not a line of JSON"),
    (b"[" * 4000, "not a line of JSON"),
    (b"[]", "not an object"),
    (b'{"do": "dance"}', "do 'dance'"),
    (b'{"do": "topup"}', "the twenty digits are missing"),
    (b'{"do": "topup", "token": "1", "fuel": "steam"}', "the rig has no such Ppmid"),
    (b'{"do": "confirm", "display": "02434855420000D9"}', "no such Display"),
    (b'{"do": "enable-supply", "display": "zz"}', "zz"),
]


async def test_what_is_not_understood_is_said(timeline: Timeline) -> None:
    async with living_home(home_with_display(), timeline) as home:
        for line, error in NOT_UNDERSTOOD:
            assert error in str((await answer(home, line))["error"])
        shown = (await answer(home, b'{"do": "show"}'))["displays"]
        assert isinstance(shown, list)
        assert len(shown) == 1
        text = (await answer(home, b'{"do": "show", "as": "text"}'))["text"]
        assert "IHD" in str(text)
        assert "electricity" in str(text)


def test_a_port_where_no_bench_is_is_named() -> None:
    code, said = press("127.0.0.1:1", "confirm")
    assert code != 0
    assert "control port 127.0.0.1:1" in str(said["error"])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "bench.example"])
async def test_buttons_are_not_offered_to_other_machines(host: str, timeline: Timeline) -> None:
    async with living_home(home_with_display(), timeline) as home:
        with pytest.raises(WanError, match="this machine only"):
            async with control_side(home, host, 0):
                pass  # pragma: no cover - it does not come to this


async def test_a_line_that_is_too_long_is_said_to_be_none(timeline: Timeline) -> None:
    async with (
        living_home(home_with_display(), timeline) as home,
        control_side(home, "127.0.0.1", 0) as port,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x" * 10_000 + b"\n" + b'{"do": "dance"}\n')
        said = b"".join([await reader.readline() for _ in range(2)])
        writer.close()
        await writer.wait_closed()
    assert b"not a line of JSON" in said
