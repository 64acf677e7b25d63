"""Secrets that are not in the command line: from a file, or from standard input."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench.captured import messages_in_capture
from bench.cli.given import SECRET
from bench.cli.language_make import build

TOKEN = "12345678901234567890"
PARAMETER = "PrepaymentCredit.enter"
TO_METER = ("--from", "90B3D51F30010000", "--to", "02434855420000A0", "--counter", "7")


@click.command()
@click.argument("secret", type=SECRET)
def say(secret: str) -> None:
    click.echo(f"<{secret}>")


def said(given: str, typed: bytes = b"") -> str:
    return CliRunner().invoke(say, [given], input=typed).output


def test_a_secret_is_itself_or_the_text_of_a_file_or_of_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "code"
    file.write_bytes(b"\xef\xbb\xbf83FED340\r\n\n")
    assert said("83FED340") == said(f"@{file}") == said("-", b" 83FED340\n") == "<83FED340>\n"


@pytest.mark.parametrize(
    ("held", "reason"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"top\xff4711", "holds no text")],
)
def test_a_place_with_no_secret_is_named_and_what_it_holds_is_not(
    held: bytes, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "code"
    file.write_bytes(held)
    assert f"{file} {reason}" in " ".join(said(f"@{file}").split())
    assert f"standard input {reason}" in " ".join(said("-", held).split())
    assert "4711" not in said(f"@{file}")


def test_a_file_that_is_not_there_is_named() -> None:
    assert "@nowhere: No such file or directory" in said("@nowhere")


def test_a_parameter_may_come_from_a_file_or_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")

    def built(value: str, typed: str = "") -> str:
        command = ["CS01a", *TO_METER, "--set", f"{PARAMETER}={value}", "--pre-command"]
        done = CliRunner().invoke(build, command, input=typed, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert built(TOKEN) == built(f"@{file}") == built("-", TOKEN)
    assert built(TOKEN) != built(TOKEN[::-1])


NOSY_TSHARK = """#!/bin/sh
printf '%s\\n' "$@" > {seen}
cat "$WIRESHARK_CONFIG_DIR/zigbee_pc_keys" > {keys}
printf '[{{"gbcs_message_raw": ["DD00"]}}]'
"""


def test_keys_of_a_capture_reach_tshark_and_not_its_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, keys, program = (tmp_path / name for name in ("seen", "keys", "tshark"))
    program.write_text(NOSY_TSHARK.format(seen=seen, keys=keys))
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    first, second = "00" * 15 + "47", "11:" * 15 + "12"
    assert messages_in_capture(b"\xd4\xc3\xb2\xa1", [first, second]) == (b"\xdd\x00",)
    assert [row.split('"')[1] for row in keys.read_text().splitlines()] == [
        first,
        second.replace(":", ""),
    ]
    assert "-r" in seen.read_text()
    assert first not in seen.read_text()
