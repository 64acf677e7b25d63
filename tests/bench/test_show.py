"""``chub show ihd``: what a display shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli.main import group
from bench.display_shown import Details, Line, Shown, home_with_display, look
from bench.display_table import tables
from bench.rig import VIRTUAL_START, Rig
from peers.told import Consumption


def show(*arguments: str) -> str:
    result = CliRunner().invoke(group, ["show", "ihd", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_an_ihd_shows_both_fuels_with_the_moment_of_the_gas_value() -> None:
    shown = json.loads(show("--json"))[0]
    assert shown["kind"] == "IHD"
    gas = next(line for line in shown["shown"] if line["fuel"] == "gas")
    assert gas["value"] == "14.345 m3"
    assert gas["taken_at"] == "2026-01-05T11:30:00+00:00"
    assert (gas["source"], gas["reliability"]) == ("stated on the HAN", "not stated")
    assert len(gas["history"]) == 4


def test_people_read_a_table() -> None:
    text = show()
    assert "14.345 m3" in text
    assert "stated on the HAN" in text


def test_what_looks_like_markup_in_a_message_is_shown_as_it_is() -> None:
    text, nothing = "[/] we call [red]today\x1b[2J", Consumption(None, None, None, None)
    details = Details(
        *(None, None, None), nothing, nothing, *(None, None, None), "", "", message=text, events=()
    )
    line = Line("gas", "1 m3", None, "", "", (), None, details)
    told = tables("a [bold]rig", [Shown("D1", "IHD", VIRTUAL_START, (line,))])
    assert "message: [/] we call [red]today\ufffd[2J" in told
    assert "\x1b" not in told
    assert "of a [bold]rig, Mon" in told


def test_a_running_bench_is_not_looked_at_with_a_rig_of_ones_own(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text("")
    for more in ([str(rig)], ["--after", "5"]):
        result = CliRunner().invoke(group, ["show", "ihd", "--control", "127.0.0.1:1", *more])
        assert result.exit_code == 2
        assert "--control looks at a bench that runs" in result.output


def test_every_setting_can_be_listed_for_machines() -> None:
    listed = json.loads(CliRunner().invoke(group, ["settings", "--json"]).output)
    assert listed["display.cot_poll_s"]["default"] == 3600


def test_a_rig_without_displays_is_a_usage_error(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text('name = "bare"')
    result = CliRunner().invoke(group, ["show", "ihd", str(rig)])
    assert result.exit_code == 2
    assert "no [[displays]]" in result.output


@pytest.mark.parametrize(
    ("settings", "source", "reliability"),
    [
        ({"gsme": {"push_snapshot_time": False}}, "stated on the HAN", "not stated"),
        ({"gpf": {"serve_snapshot_time": False}}, "the display's own", "not stated"),
    ],
)
def test_the_source_of_the_gas_time_is_told_as_far_as_the_han_tells(
    settings: dict[str, dict[str, object]], source: str, reliability: str
) -> None:
    gas = look(home_with_display().model_copy(update={"settings": settings}), 1900)[0].lines[1]
    assert (gas.fuel, gas.source, gas.reliability) == ("gas", source, reliability)


def test_a_gas_meter_without_a_time_is_shown_as_such() -> None:
    rig = home_with_display().model_dump()
    rig["gas_meter"]["clock"] = "invalid"
    rig["settings"] = {"gsme": {"read_time_every_wake": False}}
    gas = look(Rig.model_validate(rig), 1900)[0].lines[1]
    assert (gas.taken_at, gas.reliability) == (None, "invalid")
