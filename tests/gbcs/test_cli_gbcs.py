"""The language on the command line."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.captured import messages_in_capture
from bench.cli.main import group
from bench.rig import Rig
from gbcs.envelope import Message
from gbcs.errors import GbcsError
from gbcs.gbt import split
from gbcs.gfi import from_gfi
from gbcs.keys import KeyStore
from gbcs.protection import verify
from tests.gbcs.samples import COMMAND, GPF, RESPONSE, SUPPLIER
from tests.gbcs.test_sources import USE_CASES
from tests.gbcs.test_tshark import capture


@pytest.fixture(scope="module")
def keys_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pki")
    done = CliRunner().invoke(
        group,
        ["pki", "new", str(directory), "--device", f"{GPF:016X}", "--device", "00db1234567890a0"],
    )
    assert done.exit_code == 0, done.output
    return directory


def test_a_new_pki_says_what_a_rig_file_has_to_say_of_it(tmp_path: Path) -> None:
    place = tmp_path / "keys"
    rig = Rig.model_validate(tomllib.loads(_run("pki", "new", str(place))))
    assert rig.keys.directory == place
    held = KeyStore.from_directory(place)
    for role, entity in rig.parties.by_role().items():
        assert held.role(entity) is role


_PARTIES = ("--from", f"{SUPPLIER:016X}", "--to", f"{GPF:016X}", "--counter", "1001")


def _run(*arguments: str, stdin: bytes | str | None = None) -> str:
    done = CliRunner().invoke(group, arguments, input=stdin, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_decode_shows_the_stamp_in_words() -> None:
    shown = _run("decode", RESPONSE.hex())
    assert "own clock, reliable" in shown
    assert "Read GSME Consumption Register" in shown
    assert "cluster 0702, attribute 0000" in _run("decode", COMMAND.hex())


def test_decode_shows_the_unit_beside_the_value_and_the_reference_last() -> None:
    given = ("--set", "not_before=2030-01-15T09:00:00Z", "--set", "not_after=2030-01-15T09:00:10Z")
    lines = _run("decode", _run("build", "GCS28", *_PARTIES, *given)).splitlines()
    assert lines[0].endswith("message code 007F")
    assert any(line.endswith("not_after  2030-01-15T09:00:10Z UTC") for line in lines)


def test_decode_for_machines_from_standard_input() -> None:
    [tree] = json.loads(_run("decode", "--json", stdin=COMMAND.hex(" ")))
    assert tree["name"] == "GCS13a command"
    assert {"name": "message code", "offset": 44, "length": 2}.items() <= {
        key: value
        for child in tree["children"]
        if child["name"] == "message code"
        for key, value in child.items()
    }.items()


def test_build_then_verify_then_decode(keys_path: Path) -> None:
    line = _run("build", "GCS13a", *_PARTIES, "--keys", str(keys_path))
    message = Message.parse(bytes.fromhex(line))
    assert verify(message, KeyStore.from_directory(keys_path)).is_authentic
    verdict = json.loads(_run("verify", "--keys", str(keys_path), "--json", line))
    assert verdict[0]["authentic"]
    assert "mac valid" in _run("verify", "--keys", str(keys_path), line)
    assert "valid" in _run("decode", "--keys", str(keys_path), line)


def test_a_pre_command_is_signed(keys_path: Path, tmp_path: Path) -> None:
    pre_command = _run(
        "build", "GCS28", *_PARTIES, "--set", "not_before=2030-01-15T09:00:00Z",
        "--set", "not_after=2030-01-15T09:00:10Z", "--with-length",
    )  # fmt: skip
    path = tmp_path / "pre-command.hex"
    path.write_text(pre_command)
    signed = from_gfi(_run("sign", str(path), "--keys", str(keys_path), "--format", "gfi").encode())
    assert verify(Message.parse(signed), KeyStore.from_directory(keys_path)).is_authentic
    only = _run("sign", str(path), "--keys", str(keys_path), "--only", "signature")
    assert Message.parse(bytes.fromhex(only)).mac is None
    again = _run("sign", "--keys", str(keys_path), "--only", "mac", stdin=only)
    assert bytes.fromhex(again) == signed


def test_parameters_from_a_file_and_from_options(tmp_path: Path) -> None:
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps({"EarliestStartTime": 0}))
    given = ("--parameters", str(path), "--set", "LatestEndTime=never")
    built = Message.parse(bytes.fromhex(_run("build", "GCS16a", *_PARTIES, *given)))
    assert built.payload[2] == 31


def test_a_use_case_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(USE_CASES)
    own = ("--use-cases", str(tmp_path))
    assert "ReadClock" in _run("usecases", *own)
    built = Message.parse(bytes.fromhex(_run("build", "GCS13a-short", *_PARTIES, *own)))
    assert built.message_code == 0x0074


def test_the_parameters_of_a_use_case() -> None:
    rows = json.loads(_run("usecases", "GCS31", "--json"))
    assert {row["parameter"]: row["default"] for row in rows}["StartSampling.SampleType"] == 0
    assert "no parameters" in _run("usecases", "GCS13a")
    assert "GCS13a" in _run("usecases")


@pytest.mark.parametrize("form", ["hex", "gfi", "base64", "binary"])
def test_every_output_is_an_input(form: str) -> None:
    done = CliRunner().invoke(group, ["build", "GCS13a", *_PARTIES, "--format", form])
    [tree] = json.loads(_run("decode", "--json", stdin=done.stdout_bytes))
    assert tree["name"] == "GCS13a pre-command"


def test_exit_codes(keys_path: Path) -> None:
    runner, keys = CliRunner(), ["--keys", str(keys_path)]
    assert runner.invoke(group, ["decode", "DD00"]).exit_code == 10
    assert runner.invoke(group, ["decode", "nonsense!"]).exit_code == 10
    assert runner.invoke(group, ["verify", COMMAND.hex(), *keys]).exit_code == 1
    unknown = bytearray(COMMAND)
    unknown[34:42] = bytes(8)
    assert runner.invoke(group, ["verify", unknown.hex(), *keys]).exit_code == 3
    assert runner.invoke(group, ["verify", COMMAND.hex()]).exit_code == 2
    assert runner.invoke(group, ["pki", "new", str(keys_path)]).exit_code == 2
    assert runner.invoke(group, ["build", "GCS13a", *_PARTIES, "--set", "x"]).exit_code == 2
    missing = runner.invoke(group, ["build", "GCS16a", *_PARTIES])
    assert isinstance(missing.exception, GbcsError)


def test_blocks_are_put_together_before_they_are_shown() -> None:
    blocks = "\n".join(block.to_bytes().hex() for block in split(RESPONSE, 60))
    trees = json.loads(_run("decode", "--json", stdin=blocks))
    names = [tree["name"] for tree in trees]
    assert names == [f"GCS13a block {n}" for n in (1, 2, 3)] + ["GCS13a response"]


def test_a_capture_is_an_input(tshark: str, tmp_path: Path) -> None:
    assert tshark
    path = capture(tmp_path / "bare.pcap", [COMMAND, RESPONSE])
    for shown in (
        _run("decode", "--json", str(path)),
        _run("decode", "--json", stdin=path.read_bytes()),
    ):
        names = [tree["name"] for tree in json.loads(shown)]
        assert names == ["GCS13a command", "GCS13a response"]


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The capture of a demonstration, and the keys it prints."""
    path = tmp_path_factory.mktemp("demo") / "demo.pcap"
    printed = _run("demo", "stamps", "--json", "--radio", "ether:", "--capture", str(path))
    return path, json.loads(printed)["keys"]


def test_a_capture_of_the_han_is_opened_with_its_keys(
    tshark: str, demonstration: tuple[Path, list[str]]
) -> None:
    assert tshark
    path, keys = demonstration
    options = [part for key in keys for part in ("--key", key)]
    assert len(keys) > 1
    names = [tree["name"] for tree in json.loads(_run("decode", "--json", str(path), *options))]
    for use_case in ("GCS13a", "GCS14", "GCS60a"):
        assert names.index(f"{use_case} command") < names.index(f"{use_case} response")


def test_a_capture_of_the_han_without_all_its_keys_is_said_so(
    tshark: str, demonstration: tuple[Path, list[str]]
) -> None:
    assert tshark
    path, keys = demonstration
    with pytest.raises(GbcsError, match=r"no GBCS message in the capture \(keys given: 1\)"):
        messages_in_capture(path.read_bytes(), keys[:1])


def test_what_is_wrong_with_a_capture_is_named(tshark: str, tmp_path: Path) -> None:
    assert tshark
    broken = b"\xd4\xc3\xb2\xa1 nothing else"
    with pytest.raises(GbcsError, match="tshark"):
        messages_in_capture(broken)
    with pytest.raises(GbcsError, match="32 hexadecimal"):
        messages_in_capture(broken, ["xyz"])
    with pytest.raises(GbcsError, match="no GBCS message"):
        messages_in_capture(capture(tmp_path / "empty.pcap", []).read_bytes())


def test_a_certificate_from_a_file(keys_path: Path) -> None:
    path = keys_path / f"{GPF:016x}-ka.pem"
    built = _run("build", "CS02d", *_PARTIES, "--set", f"value=@{path}")
    assert Message.parse(bytes.fromhex(built)).payload[0] == 0x30


@pytest.mark.parametrize(
    ("arguments", "stdin", "reason"),
    [
        pytest.param(("missing.hex",), "", "no such file: missing.hex", id="a file that is not"),
        pytest.param((), "# nothing but a remark", "no message in standard input", id="empty"),
        pytest.param(("DD" * 4000,), "", "neither a MAC header", id="longer than a file name"),
    ],
)
def test_decode_says_what_is_wrong_with_its_input(
    arguments: tuple[str, ...], stdin: str, reason: str
) -> None:
    done = CliRunner().invoke(group, ["decode", *arguments], input=stdin)
    assert done.exit_code != 0
    assert reason in f"{done.output}{done.exception}"
