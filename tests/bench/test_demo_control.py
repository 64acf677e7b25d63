"""``chub demo control``: a day of switching, read back from the log."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout

import pytest

from bench.demo import DemoOptions
from bench.demo.control import EXPECTED, LoadControl, play
from tests.dissected import Dissected


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> LoadControl:
    return play(DemoOptions("ether:", tmp_path_factory.mktemp("control") / "c.pcap", print))


def test_the_story_is_sound(result: LoadControl) -> None:
    assert result.wrong == []
    assert result.sound
    assert len(result.rows) == 3 + len(EXPECTED)


def test_its_json_joins_each_order_over_the_han_with_its_outcome(result: LoadControl) -> None:
    told = json.loads(json.dumps(result.as_json()))
    over_the_han = [row for row in told["rows"] if row["han_command_id"]]
    assert {row["kind"] for row in over_the_han} == {"HCALCS"}
    assert all(row["answered_at"] >= row["at"] for row in over_the_han)
    assert {row["outcome"] for row in told["rows"]} == {"success"}
    reasons = {row["action"]: row["reason"] for row in told["rows"]}
    assert reasons["1164"] == "boost key"
    assert reasons["1264"] == "ECS47a"
    assert reasons["130A"] == "ECS47e"
    assert reasons["11E4"] == "calendar"
    assert told["boosts"] == [
        {"start": "2026-01-05T18:30:00+00:00", "end": "2026-01-05T19:00:00+00:00"}
    ]


def test_what_the_controllers_let_through_is_on_the_register(result: LoadControl) -> None:
    # 0.3 kW from 09:50 to 07:30; the immersion heater for 3.5 h; the charger in full, then less.
    base_kwh = 0.3 * (21 + 40 / 60)
    immersion_kwh = 3 * 3.5
    full_h, fifth_h, tenth_h = 7 + 15 / 60 + 8 + 25 / 60, 5.5, 0.5
    charger_kwh = 7 * full_h + 1.4 * fifth_h + 0.7 * tenth_h
    expected_kwh = base_kwh + immersion_kwh + charger_kwh
    assert abs(result.import_wh / 1000 - expected_kwh) < 0.1


def test_people_see_the_log_within_80_columns(result: LoadControl) -> None:
    shown = io.StringIO()
    with redirect_stdout(shown):
        result.print()
    lines = shown.getvalue().splitlines()
    table = lines[: next(n for n, line in enumerate(lines) if line.startswith("The calendar"))]
    assert max(map(len, table)) <= 80
    assert any("storage" in line and "ECS47a" in line and "success" in line for line in table)


def test_tshark_names_the_load_control_on_the_air_and_finds_nothing_malformed(
    result: LoadControl, tshark: str
) -> None:
    shown, drlc = Dissected(tshark, result.capture, result.keys), "zbee_zcl_se.drlc"
    assert shown.defects() == []
    events = [line.split("\t") for line in shown.fields(
        f"{drlc}.cmd.srv_tx.id == 0", f"{drlc}.issuer_id", f"{drlc}.duty_cycle",
        f"{drlc}.utility_enrollment_group", f"{drlc}.duration_in_minutes",
    ) if line]  # fmt: skip
    logged = {str(row.han_command_id) for row in result.rows if row.han_command_id}
    assert logged <= {str(int(number, 0)) for number, *_ in events}
    assert {int(duty, 0) for _, duty, *_ in events} == {0, 100}
    assert {int(group, 0) for _, _, group, _ in events} == {2}
    assert all(0 < int(minutes, 0) <= 1440 for *_, minutes in events)
    statuses = [int(one, 0) for one in shown.fields(
        f"{drlc}.report_event.event_status", f"{drlc}.report_event.event_status"
    ) if one]  # fmt: skip
    assert {1, 2} <= set(statuses)
