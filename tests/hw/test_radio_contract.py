"""The radio port, every filling: forming, joining, rejoining, keys.

The ether, and bellows on a virtual dongle of each EZSP generation.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from device.timeline import Timeline
from han.radio import (
    DeliveryStatus,
    DeviceJoined,
    JoinKind,
    NetworkUp,
    RadioError,
    Role,
)
from hw.air_faults import AirFaults, FrameFault, Match
from hw.zigbee.aps import FrameType
from tests.hw.air import (
    CHANNEL,
    DISPLAY,
    DISPLAY_KEY,
    HUB,
    JOINERS,
    METER,
    METER_KEY,
    NEW_KEY,
    Air,
    message,
)


async def test_a_formed_network_is_up_and_heard_with_joining_closed(air: Air) -> None:
    hub = await air.hub()
    await hub.hears(NetworkUp)
    assert (hub.radio.on_network, hub.radio.nwk, hub.radio.trust_centre) == (True, 0, HUB)
    peer = air.make("ether", METER, Role.ROUTER)
    await peer.radio.start()
    (beacon,) = await peer.radio.scan()
    assert (beacon.channel, beacon.pan_id, beacon.extended_pan_id) == (CHANNEL, 0xABCD, HUB)
    assert not beacon.permits_joining


@pytest.mark.parametrize("role", [Role.ROUTER, Role.END_DEVICE, Role.SLEEPY_END_DEVICE])
async def test_an_allowed_device_with_the_right_key_joins(air: Air, role: Role) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, role)
    assert await hub.hears(DeviceJoined) == DeviceJoined(METER, JoinKind.ASSOCIATED, admitted=True)
    assert (peer.radio.on_network, peer.radio.trust_centre) == (True, HUB)
    assert peer.radio.nwk == hub.radio.nwk_of(METER)
    assert peer.radio.nwk_of(HUB) == 0


@pytest.mark.parametrize("kind", JOINERS)
async def test_every_filling_joins_every_filling(air: Air, kind: str) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE, kind)
    await peer.radio.set_awake(awake=True)
    assert (await peer.radio.send(message(HUB, b"up", encrypted=True))).delivered
    assert (await hub.radio.send(message(METER, b"down", encrypted=True))).delivered
    assert (await hub.hears_payload()).payload == b"up"
    assert (await peer.hears_payload()).payload == b"down"


@pytest.mark.parametrize("kind", JOINERS)
async def test_a_wrong_key_does_not_join(air: Air, kind: str) -> None:
    hub = await air.hub()
    await hub.radio.allow_join(METER, DISPLAY_KEY)
    await hub.radio.permit_joining(60)
    peer = air.make(kind, METER, Role.ROUTER)
    await peer.radio.start()
    (beacon,) = await peer.radio.scan([CHANNEL])
    with pytest.raises(RadioError):
        await peer.radio.join(beacon, METER_KEY)
    assert not peer.radio.on_network


async def test_an_unknown_device_is_turned_away_and_noticed(air: Air) -> None:
    hub = await air.hub()
    await hub.radio.permit_joining(60)
    peer = air.make("ether", METER, Role.ROUTER)
    await peer.radio.start()
    (beacon,) = await peer.radio.scan([CHANNEL])
    assert beacon.permits_joining
    with pytest.raises(RadioError, match="network key"):
        await peer.radio.join(beacon, METER_KEY)
    assert await hub.hears(DeviceJoined) == DeviceJoined(METER, JoinKind.ASSOCIATED, admitted=False)


async def test_a_denied_device_is_turned_away(air: Air) -> None:
    hub = await air.hub()
    await hub.radio.permit_joining(60)
    await hub.radio.allow_join(METER, METER_KEY)
    await hub.radio.deny_join(METER)
    peer = air.make("ether", METER, Role.ROUTER)
    await peer.radio.start()
    (beacon,) = await peer.radio.scan([CHANNEL])
    with pytest.raises(RadioError):
        await peer.radio.join(beacon, METER_KEY)


async def test_a_closed_window_refuses_the_association(air: Air, timeline: Timeline) -> None:
    hub = await air.hub()
    await hub.radio.allow_join(METER, METER_KEY)
    await hub.radio.permit_joining(60)
    await asyncio.sleep(61)
    peer = air.make("ether", METER, Role.ROUTER)
    await peer.radio.start()
    (beacon,) = await peer.radio.scan([CHANNEL])
    assert not beacon.permits_joining
    with pytest.raises(RadioError, match="closed"):
        await peer.radio.join(beacon, METER_KEY)
    assert not [e for e in hub.heard if isinstance(e, DeviceJoined)]


async def test_a_long_window_admits_late_comers(air: Air) -> None:
    hub = await air.hub()
    await hub.radio.allow_join(METER, METER_KEY)
    await hub.radio.permit_joining(3600)
    await asyncio.sleep(3500)
    peer = air.make("ether", METER, Role.ROUTER)
    await peer.radio.start()
    (beacon,) = await peer.radio.scan([CHANNEL])
    await peer.radio.join(beacon, METER_KEY)
    await asyncio.sleep(200)
    assert not (await peer.radio.scan([CHANNEL]))[0].permits_joining


async def test_a_device_comes_back_by_a_secured_rejoin(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    await hub.hears(DeviceJoined)
    await hub.radio.permit_joining(0)
    await peer.radio.close()
    again = air.make("ether", METER, Role.SLEEPY_END_DEVICE)
    await again.radio.start()
    assert await again.radio.resume()
    rejoined = await hub.hears(DeviceJoined)
    assert rejoined == DeviceJoined(METER, JoinKind.SECURED_REJOIN, admitted=True)
    assert (await again.radio.send(message(HUB, encrypted=True))).delivered


async def test_a_device_that_missed_a_new_network_key_gets_it_under_its_link_key(
    timeline: Timeline,
) -> None:
    air = Air(timeline, "ether")
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    await hub.radio.set_link_key(METER, NEW_KEY)
    await peer.radio.set_link_key(HUB, NEW_KEY)
    await peer.radio.close()
    await hub.radio.close()
    record = json.loads(air.stores[HUB].parts["stack"])
    record["membership"].update(network_key="A5" * 16, key_sequence=1)
    air.stores[HUB].parts["stack"] = json.dumps(record).encode()
    hub = air.make("ether", HUB, Role.COORDINATOR)
    await hub.radio.start()
    await hub.radio.resume()
    peer = air.make("ether", METER, Role.SLEEPY_END_DEVICE)
    await peer.radio.start()
    assert await peer.radio.resume()
    rejoined = await hub.hears(DeviceJoined)
    assert rejoined == DeviceJoined(METER, JoinKind.UNSECURED_REJOIN, admitted=True)
    assert (await peer.radio.send(message(HUB, encrypted=True))).delivered
    await air.close()


async def test_nobody_rejoins_a_network_that_is_gone(timeline: Timeline) -> None:
    air = Air(timeline, "ether")
    hub = await air.hub()
    peer = await air.peer(hub, Role.END_DEVICE)
    await peer.radio.close()
    await hub.radio.close()
    peer = air.make("ether", METER, Role.END_DEVICE)
    await peer.radio.start()
    with pytest.raises(RadioError, match="does not answer"):
        await peer.radio.resume()
    await air.close()


@pytest.mark.parametrize("kind", JOINERS)
async def test_a_replaced_link_key_serves_at_once_and_the_old_one_no_more(
    air: Air, kind: str
) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.ROUTER, kind)
    await hub.radio.set_link_key(METER, NEW_KEY)
    report = await peer.radio.send(message(HUB, b"old", encrypted=True))
    assert report.status is DeliveryStatus.NO_ACKNOWLEDGEMENT
    await peer.radio.set_link_key(HUB, NEW_KEY)
    assert (await peer.radio.send(message(HUB, b"new", encrypted=True))).delivered
    assert (await hub.radio.send(message(METER, b"new", encrypted=True))).delivered
    assert hub.payloads() == [b"new"]


@pytest.mark.parametrize("kind", JOINERS)
async def test_without_a_link_key_nothing_leaves_encrypted(air: Air, kind: str) -> None:
    hub = await air.hub()
    await air.peer(hub)
    display = await air.peer(hub, Role.ROUTER, kind, DISPLAY, DISPLAY_KEY)
    resolved = await display.radio.send(message(METER))
    assert resolved.status in (DeliveryStatus.DELIVERED, DeliveryStatus.UNKNOWN_PEER)
    if resolved.delivered:
        report = await display.radio.send(message(METER, encrypted=True))
        assert report.status is DeliveryStatus.NO_LINK_KEY


@pytest.mark.parametrize("role", [Role.ROUTER, Role.SLEEPY_END_DEVICE])
async def test_a_device_whose_first_words_are_all_lost_is_in_once_it_is_heard(
    air: Air, role: Role
) -> None:
    hub = await air.hub()
    await hub.radio.allow_join(METER, METER_KEY)
    await hub.radio.permit_joining(60)
    peer = air.make(air.hub_kind, METER, role)
    await peer.radio.start()
    (beacon,) = await peer.radio.scan([CHANNEL])
    unheard = FrameFault(Match(METER, HUB, kind=FrameType.DATA), count=0)
    with AirFaults(air.ether).during(unheard):
        await peer.radio.join(beacon, METER_KEY)
        await asyncio.sleep(30)
    await peer.radio.set_awake(awake=True)
    assert (await peer.radio.send(message(HUB, b"up", encrypted=True))).delivered
    assert (await hub.radio.send(message(METER, b"down", encrypted=True))).delivered
    assert (await hub.hears_payload()).payload == b"up"
    assert (await peer.hears_payload()).payload == b"down"
    assert (peer.radio.trust_centre, hub.radio.nwk_of(METER)) == (HUB, peer.radio.nwk)
