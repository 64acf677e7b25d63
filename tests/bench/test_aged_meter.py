"""A gas meter that sleeps for longer than its hub keeps a place for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench.home import living_home
from bench.remote_party import RemoteParty
from bench.rig import Rig
from device.events import EventStream, Joined, Pushed
from device.timeline import Timeline
from gbcs.catalogue import by_name
from gbcs.protection import Verdict


@pytest.mark.parametrize("radio", ["ether:", "vncp:"])
async def test_a_meter_that_lost_its_place_rejoins_at_its_wake_and_loses_nothing(
    radio: str, timeline: Timeline
) -> None:
    events, pushed, joined = EventStream(), list[Pushed](), list[Joined]()
    events.subscribe(pushed.append, Pushed)
    events.subscribe(joined.append, Joined)
    rig = Rig.model_validate(
        {
            "hub": {"radio": radio},
            "gas_meter": {"radio": radio},
            "settings": {"parent": {"end_device_timeout": 1}},  # two minutes; it wakes each 30
        }
    )
    async with living_home(rig, timeline, events=events) as home:
        await timeline.sleep(timedelta(minutes=125))
        assert len(pushed) >= 4
        assert len([one for one in joined if one.kind == "secured rejoin"]) >= 4
        supplier = RemoteParty(home.rig.parties.supplier, home.keys)
        assert rig.gas_meter
        command = supplier.command(by_name("GCS14"), rig.gas_meter.eui64, 4711)
        assert supplier.open(await home.ask(command)).verification.mac is Verdict.VALID
