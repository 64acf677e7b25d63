"""Announcements in another device's name: the hub tells of them."""

from __future__ import annotations

from datetime import timedelta

from bench.home import Home, living_home
from bench.narrator import sentence
from bench.rig import Rig
from chub.event import AddressClaimed, AddressClaimFalse
from device.event import Event
from device.events import EventStream
from device.timeline import Timeline
from han.exchange import Announced
from han.radio import ApsReceived, DeviceJoined, JoinKind
from han.zdo.client import announce
from tests.peers.bench import ESME

MINUTE = timedelta(minutes=1)
SOMEWHERE = 0x4711
CAD = 0x02434855420000C1


def rig() -> Rig:
    return Rig.model_validate(
        {
            "hub": {"radio": "ether:"},
            "gas_meter": False,
            "electricity_meter": {"eui64": ESME},
            "access_devices": [{"eui64": CAD}],
        }
    )


def listen() -> tuple[EventStream, list[Event]]:
    events, seen = EventStream(), list[Event]()
    events.subscribe(seen.append, AddressClaimed, AddressClaimFalse)
    return events, seen


def frame(nwk: int, *, encrypted: bool = True) -> ApsReceived:
    """Something that the meter says."""
    return ApsReceived(ESME, 0x0109, 0x0704, 1, 1, b"", encrypted, 7, nwk)


async def claim(home: Home, eui64: int, nwk: int) -> None:
    """One device of the home announces another."""
    host = home.access_devices[0].joining._host
    assert host is not None
    await host.send(announce(eui64, nwk, 0x8E))


async def test_a_device_that_is_announced_elsewhere_by_another_is_told_and_so_is_its_answer(
    timeline: Timeline,
) -> None:
    events, seen = listen()
    async with living_home(rig(), timeline, events=events) as home:
        await timeline.sleep(5 * MINUTE)
        meter = home.electricity_meter
        assert meter is not None
        nwk = home.host.radio.nwk_of(ESME)
        assert nwk is not None
        assert seen == []
        await claim(home, ESME, SOMEWHERE)
        await timeline.sleep(timedelta(seconds=1))
        (claimed,) = seen
        assert isinstance(claimed, AddressClaimed)
        assert (claimed.peer, claimed.claimed, claimed.nwk) == (ESME, SOMEWHERE, nwk)
        assert "SECURITY esme is announced at 4711" in str(sentence(claimed, {ESME: "esme"}))
        await timeline.sleep(30 * MINUTE)
        assert [type(one) for one in seen] == [AddressClaimed, AddressClaimFalse]


async def test_a_device_that_joins_anew_or_proves_where_it_is_raises_no_doubt(
    timeline: Timeline,
) -> None:
    events, seen = listen()
    async with living_home(rig(), timeline, events=events) as home:
        watch = home.hub.addresses
        watch._heard(frame(1))
        watch._radio_event(DeviceJoined(ESME, JoinKind.SECURED_REJOIN, admitted=True))
        watch._node_event(Announced(ESME, 2, 0x8E))
        watch._heard(frame(2))
        assert seen == []
        watch._node_event(Announced(ESME, 3, 0x8E))  # it resolves a conflict
        watch._node_event(Announced(ESME, 3, 0x8E))
        watch._heard(frame(2, encrypted=False))
        watch._heard(frame(3))
        watch._heard(frame(2, encrypted=False))
        assert [type(one) for one in seen] == [AddressClaimed]
        watch._node_event(Announced(ESME, 3, 0x8E))
        watch._node_event(Announced(CAD + 1, 4, 0x8E))  # nobody of the home
        assert len(seen) == 1
