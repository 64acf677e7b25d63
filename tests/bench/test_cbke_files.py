"""Certificates for joining as files: issued, read by a rig, refused by name when no good."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cbke import certified_from_directory
from bench.cli.main import group
from bench.errors import innermost
from bench.home import living_home
from bench.rig import Hub, Rig, RigError, load_rig
from device.timeline import Timeline
from han.cbke.certificate import Suite

HUB, METER = Hub().gpf, 0x02434855420000A0


def issue(directory: Path, *arguments: str) -> str:
    done = CliRunner().invoke(group, ["pki", "cbke", str(directory), *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_hub_and_device_get_certificates_of_one_authority_for_both_suites(tmp_path: Path) -> None:
    printed = issue(tmp_path, "--device", f"{HUB:016X}", "--device", f"{METER:016X}")
    names = [Path(line).name for line in printed.splitlines()]
    assert names == [
        name
        for n in (1, 2)
        for name in (
            f"authority-suite{n}.key",
            f"{HUB:016X}-suite{n}.cbke",
            f"{METER:016X}-suite{n}.cbke",
        )
    ]
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    of_hub, of_meter = (certified_from_directory(tmp_path, one) for one in (HUB, METER))
    assert [one.suite for one in of_hub] == list(Suite)
    for ours, theirs in zip(of_hub, of_meter, strict=True):
        assert ours.authority == theirs.authority
        assert ours.certificate.issuer == theirs.certificate.issuer
        assert ours.certificate.subject == HUB


def test_a_device_that_comes_later_is_certified_by_the_same_authority(tmp_path: Path) -> None:
    issue(tmp_path, "--device", f"{HUB:016X}", "--suite", "2")
    issue(tmp_path, "--device", f"{METER:016X}", "--suite", "2")
    [of_hub], [of_meter] = (certified_from_directory(tmp_path, one) for one in (HUB, METER))
    assert of_hub.authority == of_meter.authority
    twice = CliRunner().invoke(
        group, ["pki", "cbke", str(tmp_path), "--device", f"{HUB:016X}", "--suite", "2"]
    )
    assert twice.exit_code == 2
    assert "File exists" in twice.output


def test_files_that_are_no_good_are_named(tmp_path: Path) -> None:
    with pytest.raises(RigError, match="file is a certificate of 02434855420000A3"):
        certified_from_directory(tmp_path, HUB)
    (tmp_path / "broken.cbke").write_text("CA Public Key: xyz\n")
    with pytest.raises(RigError, match="CA Public Key is not hexadecimal"):
        certified_from_directory(tmp_path, HUB)


async def test_a_home_joins_with_the_certificates_its_rig_names(
    tmp_path: Path, timeline: Timeline
) -> None:
    keys = tmp_path / "certificates"
    issue(keys, "--device", f"{HUB:016X}", "--device", f"{METER:016X}", "--suite", "2")
    file = tmp_path / "rig.toml"
    file.write_text(
        'gas_meter = false\n[hub]\nradio = "ether:"\n[electricity_meter]\n'
        '[keys]\ncbke_directory = "certificates"\n'
    )
    async with living_home(load_rig(file), timeline) as home:
        await timeline.sleep(timedelta(minutes=1))
        assert home.hub.device_log.authorised(METER)


async def test_a_rig_whose_directory_lacks_a_device_is_refused_by_name(
    tmp_path: Path, timeline: Timeline
) -> None:
    issue(tmp_path, "--device", f"{HUB:016X}")
    rig = Rig.model_validate({"hub": {"radio": "ether:"}, "keys": {"cbke_directory": tmp_path}})
    with pytest.raises(ExceptionGroup) as caught:
        async with living_home(rig, timeline):
            pass
    assert "is a certificate of 02434855420000A1" in str(innermost(caught.value))
