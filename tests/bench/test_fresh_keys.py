"""A hub that is to give devices fresh link keys does so also when it is restarted before."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bench.home import living_home, open_home
from bench.rig import Rig
from chub.fresh_keys import FreshKeys
from device.event import Event, EventStream
from device.events import KeyEstablished, KeyNotEstablished
from device.store import MemoryStore
from device.timeline import Timeline
from hw.ether import Link

METER, DISPLAY = 0x0243485542C500A0, 0x0243485542C500D1
GAS = 0x0243485542C500A1
MINUTE = timedelta(minutes=1)


def _rig(tmp_path: Path) -> Rig:
    return Rig.model_validate(
        {
            "seed": 57,
            "store": tmp_path / "rig.sqlite",
            "hub": {"radio": "vncp:?ezsp=8"},
            "gas_meter": {"eui64": f"{GAS:016X}"},
            "electricity_meter": {"eui64": f"{METER:016X}"},
            "settings": {"chf": {"suites": 1}, "join": {"suites": 1}},
        }
    )


async def test_fresh_keys_that_are_pending_survive_a_restart_of_the_hub(
    timeline: Timeline, tmp_path: Path
) -> None:
    rig = _rig(tmp_path)
    async with living_home(rig, timeline) as home:
        await timeline.sleep(5 * MINUTE)
        first = {one.eui64: one.tc_link_key for one in home.hub.device_log.entries()}
        home.ether.set_default_link(Link(loss=1.0))
        for eui64 in first:
            home.hub.trust_centre.refresh_key(eui64)
        await timeline.sleep(2 * MINUTE)
    events, told = EventStream(), list[Event]()
    events.subscribe(told.append, KeyEstablished, KeyNotEstablished)
    async with living_home(rig, timeline, events=events) as home:
        await timeline.sleep(40 * MINUTE)
        second = {one.eui64: one.tc_link_key for one in home.hub.device_log.entries()}
        assert set(first) == {METER, GAS}
        assert not set(first.values()) & set(second.values())
        assert len([event for event in told if isinstance(event, KeyEstablished)]) == 4
        await timeline.sleep(40 * MINUTE)
        again = {one.eui64: one.tc_link_key for one in home.hub.device_log.entries()}
        assert again == second


async def test_a_device_that_was_removed_meanwhile_gets_no_fresh_key(
    timeline: Timeline, tmp_path: Path
) -> None:
    rig = _rig(tmp_path)
    async with living_home(rig, timeline) as home:
        await timeline.sleep(5 * MINUTE)
        home.ether.set_default_link(Link(loss=1.0))
        home.hub.trust_centre.refresh_key(METER)
        await home.hub.remove_device(METER)
    closed = rig.model_copy(update={"hub": rig.hub.model_copy(update={"admit": "commands"})})
    async with open_home(closed, timeline) as home:
        assert home.hub.trust_centre.deadline is None


def test_tries_are_counted_over_restarts_and_from_the_last_wish_on() -> None:
    store = MemoryStore()
    keys = FreshKeys(store)
    keys.want(METER)
    assert [keys.failed(METER), keys.failed(METER)] == [1, 2]
    keys.want(DISPLAY)
    after = FreshKeys(store)
    assert after.wanted() == (METER, DISPLAY)
    assert after.failed(METER) == 3
    after.settled(METER)
    assert METER not in FreshKeys(store)
    assert FreshKeys(store).failed(DISPLAY) == 1
