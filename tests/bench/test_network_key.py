"""A home whose network key changes: everybody follows, the gas meter at its next wake."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench.home import living_home
from bench.remote_party import RemoteParty
from bench.rig import Rig
from device.event import Event, EventStream
from device.events import Joined, NetworkKeyChanged, WakeEnded
from device.timeline import Timeline
from gbcs.catalogue import by_name
from gbcs.protection import Verdict

NEW_KEY = bytes(range(0x30, 0x40))
DISPLAY = 0x02434855420000D1
READING = {"display": {"electricity_poll_s": 60}}
"""A display that reads often enough to notice, and not so often that it takes most of the time."""


@pytest.mark.parametrize("radio", ["ether:", "vncp:"])
async def test_a_home_goes_over_to_a_new_network_key_without_a_rejoin(
    timeline: Timeline, radio: str
) -> None:
    rig = Rig.model_validate(
        {
            "hub": {"radio": radio},
            "gas_meter": {"radio": radio},
            "electricity_meter": {"radio": radio},
            "displays": [{"eui64": DISPLAY, "radio": radio}],
            "settings": READING,
        }
    )
    events, seen = EventStream(), list[Event]()
    events.subscribe(seen.append, NetworkKeyChanged, Joined, WakeEnded)
    async with living_home(rig, timeline, events=events) as home:
        await timeline.sleep(timedelta(minutes=40))
        joined = sum(isinstance(event, Joined) for event in seen)
        await home.change_network_key(NEW_KEY)
        await timeline.sleep(timedelta(minutes=61))
        assert home.meter is not None
        supplier = RemoteParty(rig.parties.supplier, home.keys)
        asked = supplier.command(by_name("GCS13a"), home.meter.chassis.eui64, 1)
        assert supplier.open(await home.ask(asked)).verification.mac is Verdict.VALID
        assert NEW_KEY in home.capture_keys
    changed = {event.device for event in seen if isinstance(event, NetworkKeyChanged)}
    assert {rig.hub.gpf, *rig.device_types} == changed
    assert sum(isinstance(event, Joined) for event in seen) == joined
    assert not [event for event in seen if isinstance(event, WakeEnded) and event.trouble]
    wakes = [event.moment for event in seen if isinstance(event, WakeEnded)]
    flagged = [moment for moment in wakes if moment.second >= 5]  # it polled for the key
    assert [moment.strftime("%H:%M") for moment in flagged] == ["01:00"]


async def test_a_rig_changes_its_network_key_by_itself(timeline: Timeline) -> None:
    rig = Rig.model_validate(
        {"hub": {"radio": "ether:"}, "network": {"new_key_every_s": 7200}, "displays": []}
    )
    events, seen = EventStream(), list[NetworkKeyChanged]()
    events.subscribe(lambda event: seen.append(event), NetworkKeyChanged)
    async with living_home(rig, timeline, events=events):
        await timeline.sleep(timedelta(hours=6))
    assert {event.key_sequence for event in seen if event.device == rig.hub.gpf} == {1, 2}


async def test_a_rig_that_wants_fresh_link_keys_gets_them_from_every_device_again_and_again(
    timeline: Timeline,
) -> None:
    rig = Rig.model_validate(
        {
            "hub": {"radio": "ether:"},
            "network": {"new_link_keys_every_s": 3600},
            "electricity_meter": {},
            "displays": [{"eui64": DISPLAY}],
            "settings": READING,
        }
    )
    async with living_home(rig, timeline) as home:
        keys: list[set[bytes | None]] = []
        for hours in (timedelta(minutes=50), timedelta(hours=1), timedelta(hours=1)):
            await timeline.sleep(hours)
            entries = home.hub.device_log.entries()
            assert len(entries) == 3
            keys.append({entry.tc_link_key for entry in entries})
        assert len(set.union(*keys)) == 9
        supplier = RemoteParty(rig.parties.supplier, home.keys)
        answer = await home.ask(supplier.command(by_name("GCS13a"), home.gpf.entity, 1))
        assert supplier.open(answer).verification.mac is Verdict.VALID
