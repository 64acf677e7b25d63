"""The boost key of a rig: pressed at the moments that the rig file names."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from bench.home import living_home
from bench.remote_party import RemoteParty
from bench.rig import Rig
from device.timeline import Timeline, run
from gbcs.catalogue import by_name
from tests.virtual_time import START

ESME = 0x02434855420000A0
MINUTE = timedelta(minutes=1)


def rig(*boosts: dict[str, object]) -> Rig:
    return Rig.model_validate(
        {
            "hub": {"radio": "ether:"},
            "gas_meter": False,
            "start": START,
            "electricity_meter": {"eui64": ESME, "boosts": boosts},
            "settings": {"chf": {"suites": 1}, "join": {"suites": 1}},
        }
    )


def test_the_key_is_pressed_when_the_rig_says_so() -> None:
    wanted = rig(
        {"at": START + 20 * MINUTE, "minutes": 30},
        {"at": START - MINUTE},
        {"at": START + 30 * MINUTE},
    )
    timeline = Timeline(START)

    async def story() -> None:
        async with living_home(wanted, timeline) as home:
            await timeline.sleep(10 * MINUTE)
            party = RemoteParty(wanted.parties.supplier, home.keys)
            values = {f"BoostFunctionControl[{n}].value": n == 1 for n in range(1, 6)}
            command = party.command(by_name("ECS62"), ESME, 1, values)
            await home.ask(command, 5 * MINUTE)
            await timeline.sleep(60 * MINUTE)
            assert home.electricity_meter is not None
            boosts = home.electricity_meter.device.meter.kept.snapshots.boosts.entries
            starts = [at for at, _ in boosts]
            assert len(starts) == 1
            assert starts[0] is not None
            assert abs(starts[0] - (START + 20 * MINUTE)) < timedelta(seconds=1)
            log = home.electricity_meter.device.meter.reporter.controller_log.entries()
            assert [entry.code for entry in log] == [0x1164, 0x1180]
            on, off = (entry.at for entry in log)
            assert on is not None
            assert off is not None
            assert off - on == 45 * MINUTE

    run(story(), timeline)


def test_the_key_has_four_lengths() -> None:
    with pytest.raises(ValidationError, match="15, 30, 45 or 60"):
        rig({"at": START, "minutes": 20})
