"""Displays that sleep: they poll now and then, and quickly while they expect something."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from bench.home import Home, living_home
from bench.remote_party import RemoteParty
from bench.rig import Rig
from device.events import EventStream, FastPolling, FrameFailed
from device.timeline import Timeline
from gbcs.catalogue import by_name
from gbcs.protection import Verdict
from han.radio import ChildPolled, RadioEvent, Role
from han.zdo.client import request
from han.zdo.messages import Command, NodeDescription
from peers.reading import Fuel

PPMID: Final = 0x02434855420000D2
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
QUIET: Final = {
    "cot_poll_s": 86_400,
    "electricity_poll_s": 86_400,
    "gas_poll_s": 86_400,
    "details_poll_s": 86_400,
    "search_retry_s": 86_400,
}
"""A display that asks for little by itself."""


def rig(radio: str = "ether:", **settings: dict[str, object]) -> Rig:
    sleeper = {"eui64": f"{PPMID:016X}", "kind": "PPMID", "sleepy": True, "radio": radio}
    sections = {"hub": {"radio": radio}, "gas_meter": False, "electricity_meter": {}}
    return Rig.model_validate(sections | {"displays": [sleeper], "settings": settings})


async def answered_in(home: Home, timeline: Timeline, counter: int) -> timedelta:
    """How long the access control broker waits for the firmware version of the display."""
    broker = RemoteParty(home.rig.parties.access_control_broker, home.keys)
    began = timeline.now()
    octets = await home.ask(broker.command(by_name("CS08"), PPMID, counter))
    assert broker.open(octets).verification.mac is Verdict.VALID
    return timeline.now() - began


@pytest.mark.parametrize("radio", ["ether:", "vncp:"])
async def test_a_display_that_polls_every_few_seconds_shows_and_answers(
    radio: str, timeline: Timeline
) -> None:
    polled: list[ChildPolled] = []

    def note(event: RadioEvent) -> None:
        if isinstance(event, ChildPolled):
            polled.append(event)

    async with living_home(rig(radio, display=dict(QUIET)), timeline) as home:
        await timeline.sleep(5 * MINUTE)
        [display] = home.displays
        assert Fuel.ELECTRICITY in display.shown
        times = [await answered_in(home, timeline, counter) for counter in range(1, 6)]
        assert max(times) < 10 * SECOND
        await timeline.sleep(MINUTE)
        home.host.on_radio_event(note)
        await timeline.sleep(2 * MINUTE)
        assert 20 <= len(polled) <= 30  # every five seconds


async def test_a_sleepy_device_says_so(timeline: Timeline) -> None:
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(2 * MINUTE)
        nwk = home.host.radio.nwk_of(PPMID)
        assert nwk is not None
        asked = nwk.to_bytes(2, "little")
        node = await home.host.zdo(request(PPMID, Command.NODE_DESC, asked, 10 * SECOND))
        power = await home.host.zdo(request(PPMID, Command.POWER_DESC, asked, 10 * SECOND))
    assert node[3:] == NodeDescription(role=Role.SLEEPY_END_DEVICE).to_bytes()
    assert power[3:].hex() == "41c4"  # on its battery


async def test_a_display_that_is_seldom_there_gets_its_messages_when_it_checks_in(
    timeline: Timeline,
) -> None:
    events, seen = EventStream(), list[FastPolling]()
    events.subscribe(seen.append, FastPolling)
    wanted = rig(
        display=dict(QUIET),
        poll={"long_poll_qs": 4 * 120, "check_in_qs": 4 * 120},
        chf={"bind_poll_control": True},
        join={"rediscovery_s": 86_400},
    )
    async with living_home(wanted, timeline, events=events) as home:
        await timeline.sleep(5 * MINUTE)
        assert seen == []
        assert await answered_in(home, timeline, 1) < 130 * SECOND
        assert [event.peer for event in seen] == [home.host.node.eui64, None]


async def test_what_is_sent_to_a_display_that_polls_every_few_seconds_arrives(
    timeline: Timeline,
) -> None:
    events, failed = EventStream(), list[FrameFailed]()
    events.subscribe(failed.append, FrameFailed)
    async with living_home(rig(), timeline, events=events) as home:
        await timeline.sleep(2 * MINUTE)
        failed.clear()
        await timeline.sleep(15 * MINUTE)
        assert home.displays[0].shown
    assert failed == []
