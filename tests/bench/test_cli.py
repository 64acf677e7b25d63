"""The command line as a person or a script meets it: in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.main import VERBS
from bench.rig import load_rig


def chub(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        check=False,
    )


def test_help_names_every_verb_and_the_exit_codes() -> None:
    done = chub("--help")
    assert done.returncode == 0
    for verb in VERBS:
        assert f"\n  {verb} " in done.stdout
    assert "3 a key is missing" in " ".join(done.stdout.split())


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_a_help_of_its_own(verb: str) -> None:
    done = chub(verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage:")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['chub', '--help']\n"
        "from bench.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'rich', 'pydantic', 'zigpy', 'bellows', 'cryptography', 'asyncio'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_an_unknown_key_of_a_rig_is_refused_with_its_name(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text("[gas_metre]\nvolume_dm3 = 1\n")
    done = chub("run", str(rig))
    assert done.returncode == 10
    assert "rig.toml: gas_metre" in done.stderr


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[settings.gpf]\nown_stamp = "never"\n', "settings.gpf.own_stamp"),
        ("[settings.gpf]\nown_stam = 1\n", "settings.gpf.own_stam"),
        ("[settings.gfp]\nown_stamp = 1\n", "settings.gfp"),
        ('[hub]\nradio = "socket://x"\n', "socket://x"),
        ('[hub]\ngpf = "12"\n', "hub.gpf"),
        ("[hub]\nesi_endpoint = 2\n", "three endpoints"),
        ("[hub\n", "rig.toml"),
    ],
)
def test_what_is_wrong_with_a_rig_is_named(text: str, named: str, tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text(text)
    done = chub("run", str(rig), "--for", "1", "--time", "jump")
    assert done.returncode in (4, 10)
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_key_directory_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "keys"
    empty.mkdir()
    rig = tmp_path / "rig.toml"
    rig.write_text(f'[keys]\ndirectory = "{empty}"\n')
    for done in (
        chub("run", str(rig), "--for", "1"),
        chub("send", "GCS13a", "--to", "gpf", "--rig", str(rig)),
        chub("rtds", "verify", str(empty)),
    ):
        assert done.returncode in (3, 10)
        assert str(empty) in done.stderr
        assert "Traceback" not in done.stderr


def test_a_recipient_that_is_nobody_is_refused_with_those_there_are(tmp_path: Path) -> None:
    rig = tmp_path / "attic.toml"
    rig.write_text("")
    done = chub("send", "GCS13a", "--to", "esme", "--rig", str(rig))
    assert done.returncode == 2
    assert "'esme' is none of chf, gpf, gsme of attic, and no EUI-64" in done.stderr


def test_a_bench_cannot_run_for_less_than_no_time() -> None:
    done = chub("run", "--for", "-3")
    assert done.returncode == 2
    assert "-3" in done.stderr


def test_a_bench_that_does_not_run_is_said_so() -> None:
    done = chub("send", "GCS13a", "--to", "gpf", "--wan", "127.0.0.1:1")
    assert done.returncode == 1
    assert "chub run" in done.stderr


def test_one_command_to_a_booted_home_shows_value_and_stamp() -> None:
    done = chub("send", "GCS13a", "--to", "gpf", "--boot", "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0
    assert answer["values"]["Metering.CurrentSummationDelivered"] == 12_545
    assert (answer["source"], answer["reliability"]) == ("GSME", "reliable")
    assert answer["mac"] == "valid"


def test_a_load_controller_limits_an_output_and_the_answer_is_there_for_machines(
    tmp_path: Path,
) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text("gas_meter = false\n[electricity_meter]\n")
    values = {
        "94.44.119.3/2": "2026-01-05T11:00:00Z",
        "94.44.119.4/2": "2026-01-05T12:00:00Z",
        "10.0.107.255/1": "0x1332",
    }
    classes = {"94": "1", "10": "9"}
    given = [f"--set={classes[name[:2]]}/0-0:{name}={value}" for name, value in values.items()]
    to = ("--to", "esme", "--boot", "--rig", str(rig), "--as", "load-controller", "--json")
    done = chub("send", "ECS47e", *to, *given)
    answer = json.loads(done.stdout)
    assert (answer["values"], answer["signature"]) == ({}, "valid")
    shown = json.dumps(answer["explained"])
    assert shown.count("success") == 3


def test_a_rig_without_a_name_is_called_as_its_file(tmp_path: Path) -> None:
    rig = tmp_path / "night.toml"
    for text, name in (("", "night"), ('name = "bench 7"', "bench 7")):
        rig.write_text(text)
        assert load_rig(rig).name == name


def test_a_refused_command_is_told_by_name() -> None:
    done = chub("send", "ECS17b", "--to", "gpf", "--boot")
    assert done.returncode == 1
    assert "NOT_SUPPORTED" in done.stderr


def test_rtds_verify_counts_and_its_exit_code_follows(rtds_dir: Path, tmp_path: Path) -> None:
    good = chub("rtds", "verify", str(rtds_dir), "--json")
    counts = json.loads(good.stdout)
    assert good.returncode == 0
    assert counts["messages"] == counts["parsed"] == counts["rebuilt"]
    assert counts["mac"]["invalid"] == counts["signature"]["invalid"] == 0

    name = "GCS13a_4.1.1_SUCCESS_RELIABLE_GPF_COMMAND_GBCS.HEX"
    [source] = rtds_dir.rglob(name)
    text = source.read_text()
    (tmp_path / name).write_text(text[:-10] + ("0" if text[-10] != "0" else "1") + text[-9:])
    bad = chub("rtds", "verify", str(tmp_path), "--keys", str(rtds_dir / "keystore"), "--json")
    assert bad.returncode == 1
    assert json.loads(bad.stdout)["mac"] == {"valid": 0, "invalid": 1, "no_key": 0}


def test_a_missing_optional_package_is_named_with_the_extra_that_brings_it(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text('[wan]\nmqtt = "mqtt://127.0.0.1"\n')
    code = (
        f"import sys; sys.modules['aiomqtt'] = None; sys.argv = ['chub', 'run', {str(rig)!r}]\n"
        "from bench.cli import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 10
    assert "pip install 'chub-bench[mqtt]'" in done.stderr
    assert "Traceback" not in done.stderr
