"""The control port of a running bench: displays are looked at, and their buttons pressed."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bench.address import WanError
from bench.control import answer, control_side
from bench.control_line import ControlRefused, Refusal, ask_over_tcp, read
from bench.display_shown import home_with_display
from bench.home import living_home
from bench.keys import load_keys
from bench.narrator import sentence
from bench.rig import RigError, load_rig
from device.event import EventStream, to_json_line
from device.timeline import Timeline
from gbcs.utrn import ValueClass, make

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
        printed = tmp_path / "token"
        printed.write_text(in_groups(second_token(rig)))
        code, said = press(control, "topup", f"@{printed}")
        assert (code, said["result"], said["credit_remaining"]) == (0, "ACCEPTED", 700_000)
        assert press(control, "enable-supply")[0] == 0
        code, said = press(control, "topup", "1" * 20, "--fuel", "gas")
        assert code == 1
        assert "CS03C" in str(said["error"])


def second_token(file: Path) -> str:
    rig = load_rig(file)
    assert rig.electricity_meter is not None
    meter, keys = rig.electricity_meter.eui64, load_keys(rig)
    return make(rig.parties.supplier, meter, 2, 200, ValueClass.PENCE, keys)


def in_groups(digits: str) -> str:
    """A token as it is printed on a receipt."""
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4)) + "\n"


NOT_UNDERSTOOD = [
    (b'{"do": "dance"}', "do 'dance'"),
    (b'{"do": "topup"}', "the twenty digits are missing"),
    (b'{"do": "topup", "token": "1", "fuel": "steam"}', "the rig has no such Ppmid"),
    (b'{"do": "confirm", "display": "02434855420000D9"}', "no such Display"),
    (b'{"do": "enable-supply", "display": "zz"}', "zz"),
]


async def test_what_is_not_understood_is_said(timeline: Timeline) -> None:
    async with living_home(home_with_display(), timeline) as home:
        for line, error in NOT_UNDERSTOOD:
            assert error in str((await answer(home, read(line)))["error"])
        shown = (await answer(home, {"do": "show"}))["displays"]
        assert isinstance(shown, list)
        assert len(shown) == 1
        text = (await answer(home, {"do": "show", "as": "text"}))["text"]
        assert "IHD" in str(text)
        assert "electricity" in str(text)


def test_a_port_where_no_bench_is_is_named() -> None:
    code, said = press("127.0.0.1:1", "confirm")
    assert code != 0
    assert "control port 127.0.0.1:1" in str(said["error"])


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers is no bench"),
        (b"[]\n", "what answers is no bench"),
        (b"", "the bench ended"),
    ],
)
async def test_another_program_on_the_port_is_named(answered: bytes, said: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answered)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(WanError, match=f"control port 127.0.0.1:{port}: {said}"):
            await ask_over_tcp("127.0.0.1", port, {"do": "show"}, 20)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "bench.example"])
async def test_buttons_are_not_offered_to_other_machines(host: str, timeline: Timeline) -> None:
    async with living_home(home_with_display(), timeline) as home:
        with pytest.raises(RigError, match="this machine only"):
            async with control_side(home, host, 0):
                pass  # pragma: no cover - it does not come to this


POST = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: a=secret\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 15\r\n\r\n"
)
"""What a browser sends when a web page of somebody else has it post a form."""
ENDED = [
    pytest.param(POST, Refusal.HTTP, id="a web page"),
    pytest.param(b"x" * 10_000 + b"\n", Refusal.TOO_LONG, id="a line too long"),
    pytest.param(b"[" * 4_000 + b"\n", Refusal.NO_JSON, id="brackets"),
    pytest.param(b"\x16\x03\x01\x02\xff\n", Refusal.NO_JSON, id="TLS"),
    pytest.param(b"\n", Refusal.NO_JSON, id="nothing"),
    pytest.param(b"[]\n", Refusal.NO_OBJECT, id="a list"),
]


@pytest.mark.parametrize(("sent", "refusal"), ENDED)
async def test_what_is_no_object_of_json_ends_the_conversation_and_nothing_after_it_is_done(
    sent: bytes, refusal: Refusal, timeline: Timeline
) -> None:
    events, told = EventStream(), list[ControlRefused]()
    events.subscribe(told.append, ControlRefused)
    async with (
        living_home(home_with_display(), timeline, events=events) as home,
        control_side(home, "127.0.0.1", 0) as port,
    ):
        heard = await conversation(port, b'{"do": "dance"}\n' + sent + b'{"do": "show"}\n')
        assert b"displays" not in heard
        assert b"displays" in await conversation(port, b'{"do": "show"}\n', end=True)
    assert [one.refusal for one in told] == [refusal]
    said = sentence(told[0], {})
    assert said is not None
    assert said.endswith(f"control port: a conversation was ended: {refusal.value}")
    assert "secret" not in to_json_line(told[0])


async def conversation(port: int, sent: bytes, *, end: bool = False) -> bytes:
    """What the bench says to that until it closes the connection, or to its ``end``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(sent)
    if end:
        writer.write_eof()
    heard = b""
    with suppress(ConnectionError):  # closed before all was read
        while octets := await reader.read(1 << 16):
            heard += octets
    writer.close()
    return heard
