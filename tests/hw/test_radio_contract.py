"""One suite over every filling of the radio port.

The ether, and bellows on a virtual dongle of each EZSP generation.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from device.timeline import Timeline
from han.radio import (
    POWER_CUT,
    ApsFrame,
    ApsReceived,
    Block,
    BlockAck,
    Broadcast,
    ChildPolled,
    DeliveryStatus,
    DeviceJoined,
    DeviceLeft,
    JoinKind,
    NetworkDown,
    NetworkUp,
    RadioError,
    RadioLost,
    Role,
)
from hw.air_faults import AirFaults, FrameFault, Match
from hw.ezsp_port import poll_interval
from hw.zigbee.aps import FrameType
from tests.hw.air import (
    CHANNEL,
    DISPLAY,
    DISPLAY_KEY,
    HUB,
    LOSSY,
    METER,
    METER_KEY,
    METERING,
    NETWORK,
    SMART_ENERGY,
    Air,
    Node,
    message,
)

FILLINGS = ("ether", "ezsp8", "ezsp13", "ezsp14", "ezsp19")
JOINERS = ("ether", "ezsp8", "ezsp13", "ezsp19")
NEW_KEY = bytes(range(0x40, 0x50))


@pytest.fixture(params=FILLINGS)
async def air(request: pytest.FixtureRequest, timeline: Timeline) -> AsyncIterator[Air]:
    air = Air(timeline, request.param)
    yield air
    await air.close()


# -- forming and joining ------------------------------------------------------------------------


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


# -- traffic ------------------------------------------------------------------------------------


@pytest.mark.parametrize("encrypted", [False, True])
async def test_messages_arrive_both_ways_as_they_were_sent(air: Air, encrypted: bool) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    for sender, receiver, to, of in ((hub, peer, METER, HUB), (peer, hub, HUB, METER)):
        payload = bytes(sender.radio.max_payload(encrypted=encrypted))
        report = await sender.radio.send(message(to, payload, encrypted=encrypted))
        assert report.delivered
        received = await receiver.hears_payload()
        assert (received.peer, received.payload, received.encrypted) == (of, payload, encrypted)
        assert (received.profile_id, received.cluster_id) == (SMART_ENERGY, METERING)
        assert (received.source_endpoint, received.destination_endpoint) == (1, 1)
        assert received.aps_counter == report.aps_counter
        assert received.peer_nwk == sender.radio.nwk
        assert not received.broadcast


async def test_what_does_not_fit_is_refused_before_it_is_sent(air: Air) -> None:
    hub = await air.hub()
    await air.peer(hub)
    with pytest.raises(RadioError, match="do not fit"):
        await hub.radio.send(message(METER, bytes(64), encrypted=True))


async def test_a_broadcast_reaches_who_is_awake(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    frame = replace(message(0), peer=Broadcast.RX_ON_WHEN_IDLE, acknowledged=False)
    assert (await hub.radio.send(frame)).delivered
    received = await peer.hears_payload()
    assert (received.peer, received.broadcast) == (HUB, True)
    assert (await peer.radio.send(frame)).delivered
    received = await hub.hears_payload()
    assert (received.peer, received.broadcast) == (METER, True)


async def test_messages_for_endpoints_that_do_not_exist_go_nowhere(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    assert (await peer.radio.send(replace(message(HUB), destination_endpoint=7))).delivered
    assert (await peer.radio.send(message(HUB, b"second"))).delivered
    assert (await hub.hears_payload()).payload == b"second"


@pytest.mark.parametrize("encrypted", [False, True])
async def test_parts_of_a_message_carry_their_index_and_wait_for_their_acknowledgement(
    air: Air, encrypted: bool
) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    for sender, receiver, to in ((hub, peer, METER), (peer, hub, HUB)):
        counter: int | None = None
        for index, count in ((0, 3), (1, None), (2, None)):
            part = replace(
                message(to, b"part %d" % index, encrypted=encrypted),
                block=Block(index, count),
                aps_counter=counter,
            )
            sending = asyncio.create_task(sender.radio.send(part))
            received = await receiver.hears_payload()
            assert (received.block, received.payload) == (Block(index, count), b"part %d" % index)
            assert not sending.done()
            await receiver.radio.acknowledge_block(_ack(received))
            report = await sending
            assert report.delivered
            assert counter in (None, report.aps_counter)
            counter = report.aps_counter


def _ack(received: ApsReceived) -> BlockAck:
    assert received.block is not None
    return BlockAck(
        received.peer,
        received.profile_id,
        received.cluster_id,
        received.destination_endpoint,
        received.source_endpoint,
        received.aps_counter,
        window_start=received.block.index,
        received=0x01,
    )


async def test_an_unacknowledged_part_is_repeated_and_then_given_up(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    part = replace(message(METER), block=Block(0, 2))
    report = await hub.radio.send(part)
    assert report.status is DeliveryStatus.NO_ACKNOWLEDGEMENT
    assert len(peer.payloads()) == 4


async def test_an_acknowledgement_for_another_part_does_not_count(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    sending = asyncio.create_task(hub.radio.send(replace(message(METER), block=Block(0, 2))))
    received = await peer.hears_payload()
    await peer.radio.acknowledge_block(replace(_ack(received), window_start=1))
    assert (await sending).status is DeliveryStatus.NO_ACKNOWLEDGEMENT


async def test_lost_and_repeated_frames_are_delivered_once(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    air.ether.set_link(HUB, METER, LOSSY)
    for sender, receiver, to in ((hub, peer, METER), (peer, hub, HUB)):
        sent = [b"%02d" % n for n in range(40)]
        for payload in sent:
            assert (await sender.radio.send(message(to, payload, encrypted=True))).delivered
        await asyncio.sleep(1)
        assert receiver.payloads() == sent


async def test_many_messages_at_once_all_arrive(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    sent = [b"%02d" % n for n in range(50)]
    reports = await asyncio.gather(*(hub.radio.send(message(METER, p)) for p in sent))
    assert all(report.delivered for report in reports)
    assert sorted(peer.payloads()) == sent


async def test_silence_is_reported(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    await peer.radio.close()
    report = await hub.radio.send(message(METER))
    assert report.status is DeliveryStatus.NO_ACKNOWLEDGEMENT


async def test_an_unknown_peer_is_reported(air: Air) -> None:
    hub = await air.hub()
    report = await hub.radio.send(message(DISPLAY))
    assert report.status is DeliveryStatus.UNKNOWN_PEER


@pytest.mark.parametrize("kind", JOINERS)
async def test_devices_reach_each_other_through_the_hub(air: Air, kind: str) -> None:
    hub = await air.hub()
    meter = await air.peer(hub)
    display = await air.peer(hub, Role.END_DEVICE, kind, DISPLAY, DISPLAY_KEY)
    for node, peer in ((meter, DISPLAY), (display, METER)):
        await node.radio.set_link_key(peer, NEW_KEY)
    assert (await display.radio.send(message(METER, b"ask", encrypted=True))).delivered
    received = await meter.hears_payload()
    assert (received.peer, received.payload, received.encrypted) == (DISPLAY, b"ask", True)
    assert (await meter.radio.send(message(DISPLAY, b"say", encrypted=True))).delivered
    assert (await display.hears_payload()).peer == METER
    assert not hub.payloads()


@pytest.mark.parametrize("kind", JOINERS)
async def test_a_message_from_a_device_never_heard_of_has_its_sender(air: Air, kind: str) -> None:
    hub = await air.hub()
    display = await air.peer(hub, Role.END_DEVICE, "ether", DISPLAY, DISPLAY_KEY)
    meter = await air.peer(hub, Role.ROUTER, kind)
    sent = [b"1", b"2", b"3"]
    for payload in sent:
        assert (await display.radio.send(message(METER, payload))).delivered
    for payload in sent:
        received = await meter.hears_payload()
        assert (received.peer, received.payload) == (DISPLAY, payload)


# -- sleep --------------------------------------------------------------------------------------


async def test_a_message_waits_for_a_sleeper_and_expires(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    report = await hub.radio.send(message(METER, b"too late"))
    assert report.status is DeliveryStatus.EXPIRED
    sending = asyncio.create_task(hub.radio.send(message(METER, b"in time")))
    await asyncio.sleep(5)
    assert not sending.done()
    assert not peer.payloads()
    hub.heard.clear()
    await peer.radio.set_awake(awake=True)
    assert (await sending).delivered
    await hub.hears(ChildPolled)
    assert peer.payloads() == [b"in time"]
    await peer.radio.set_awake(awake=False)
    await asyncio.sleep(1)
    assert not (await hub.radio.send(message(METER, b"asleep"))).delivered


async def test_a_sleeper_hears_the_acknowledgement_of_what_it_sends(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    assert (await peer.radio.send(message(HUB, encrypted=True))).delivered
    await hub.hears_payload()


async def polls_in(hub: Node, length_s: float) -> int:
    """How often a sleeper was heard to poll; a hub tells of one poll a second."""
    hub.heard.clear()
    await asyncio.sleep(length_s)
    return sum(isinstance(event, ChildPolled) for event in hub.heard)


@pytest.mark.parametrize("air", ["ether", "ezsp13"], indirect=True)
@pytest.mark.parametrize("kind", JOINERS)
async def test_a_sleeper_polls_as_often_as_it_is_told(air: Air, kind: str) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE, kind)
    await asyncio.sleep(5)
    assert await polls_in(hub, 100) == 0
    await peer.radio.set_awake(awake=True, every_s=4)
    assert await polls_in(hub, 100) in (24, 25, 26)
    await peer.radio.set_awake(awake=True, every_s=300)
    assert await polls_in(hub, 3000) in (9, 10, 11)
    await peer.radio.set_awake(awake=True)
    assert await polls_in(hub, 10) >= 9
    await peer.radio.set_awake(awake=False)
    await asyncio.sleep(1)
    assert await polls_in(hub, 100) == 0


@pytest.mark.parametrize("air", ["ether", "ezsp13"], indirect=True)
@pytest.mark.parametrize("kind", JOINERS)
async def test_a_sleeper_that_polls_now_and_then_hears_at_once_that_it_was_heard(
    air: Air, kind: str
) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE, kind)
    await peer.radio.set_awake(awake=True, every_s=300)
    await asyncio.sleep(10)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    assert (await peer.radio.send(message(HUB, encrypted=True))).delivered
    assert loop.time() - began_s < 1
    assert await polls_in(hub, 250) <= 1


@pytest.mark.parametrize("air", ["ether", "ezsp13"], indirect=True)
@pytest.mark.parametrize("kind", JOINERS)
async def test_a_sleeper_that_was_reset_goes_on_polling_as_before(air: Air, kind: str) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE, kind)
    await peer.radio.set_awake(awake=True, every_s=4)
    await peer.radio.cut_power()
    await asyncio.sleep(1)
    assert await polls_in(hub, 100) == 0
    assert await peer.radio.resume()
    assert await polls_in(hub, 100) in (24, 25, 26)


@pytest.mark.parametrize(
    ("interval_s", "told"),
    [(0.1, (100, 1)), (65, (65_000, 1)), (66, (264, 2)), (20_000, (333, 3)), (1e9, (0xFFFF, 3))],
)
def test_a_dongle_is_told_an_interval_in_the_units_that_hold_it(
    interval_s: float, told: tuple[int, int]
) -> None:
    assert poll_interval(interval_s) == told


async def test_a_broadcast_to_all_waits_for_sleepers(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    await hub.radio.send(replace(message(0), peer=Broadcast.ALL, acknowledged=False))
    await asyncio.sleep(1)
    assert not peer.payloads()
    await peer.radio.set_awake(awake=True)
    assert (await peer.hears_payload()).broadcast


# -- keys ---------------------------------------------------------------------------------------


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


# -- leaving ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.ROUTER, Role.END_DEVICE])
async def test_a_removed_device_goes_and_cannot_come_back(air: Air, role: Role) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, role)
    await hub.radio.remove(METER)
    assert await hub.hears(DeviceLeft) == DeviceLeft(METER)
    await peer.hears(NetworkDown)
    assert not peer.radio.on_network
    report = await hub.radio.send(message(METER, encrypted=True))
    assert report.status in (DeliveryStatus.UNKNOWN_PEER, DeliveryStatus.NO_LINK_KEY)
    (beacon,) = await peer.radio.scan([CHANNEL])
    with pytest.raises(RadioError):
        await peer.radio.join(beacon, METER_KEY)


async def test_a_removed_sleeper_is_told_when_it_wakes(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    await hub.radio.remove(METER)
    await asyncio.sleep(1800)
    assert peer.radio.on_network
    await peer.radio.set_awake(awake=True)
    await peer.hears(NetworkDown)


@pytest.mark.parametrize("kind", JOINERS)
async def test_a_leaving_device_is_noticed(air: Air, kind: str) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.ROUTER, kind)
    await peer.radio.leave()
    await peer.hears(NetworkDown)
    assert await hub.hears(DeviceLeft) == DeviceLeft(METER)
    assert not await peer.radio.resume()


async def test_a_device_that_left_may_join_again(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    await peer.radio.leave()
    await hub.hears(DeviceLeft)
    (beacon,) = await peer.radio.scan([CHANNEL])
    await peer.radio.join(beacon, METER_KEY)
    assert (await peer.radio.send(message(HUB, encrypted=True))).delivered


# -- resets and losses --------------------------------------------------------------------------


async def test_a_restarted_hub_goes_on_with_network_keys_and_counters(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    await hub.radio.set_link_key(METER, NEW_KEY)
    await peer.radio.set_link_key(HUB, NEW_KEY)
    assert (await hub.radio.send(message(METER, b"before", encrypted=True))).delivered
    await hub.radio.close()
    restarted = air.make(air.hub_kind, HUB, Role.COORDINATOR)
    await restarted.radio.start()
    assert await restarted.radio.resume()
    await restarted.hears(NetworkUp)
    assert restarted.radio.nwk_of(METER) == peer.radio.nwk
    assert (await restarted.radio.send(message(METER, b"after", encrypted=True))).delivered
    assert (await peer.radio.send(message(HUB, b"answer", encrypted=True))).delivered
    assert peer.payloads() == [b"before", b"after"]


async def test_a_lost_radio_is_announced_and_comes_back(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    await hub.hears(NetworkUp)
    await peer.radio.close()
    sending = asyncio.create_task(hub.radio.send(message(METER)))
    await asyncio.sleep(0.5)
    hub.kill()
    await hub.hears(RadioLost)
    assert (await sending).status is DeliveryStatus.RADIO_LOST
    with pytest.raises(RadioError):
        await hub.radio.send(message(METER))
    if air.hub_kind == "ether":
        await hub.radio.start()
        await hub.radio.resume()
    await hub.hears(NetworkUp)
    again = air.make("ether", METER, Role.ROUTER)
    await again.radio.start()
    assert await again.radio.resume()
    assert (await hub.radio.send(message(METER, b"again", encrypted=True))).delivered


@pytest.mark.parametrize("kind", JOINERS)
async def test_a_node_without_a_supply_is_silent_and_comes_back_when_it_returns(
    air: Air, kind: str
) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.ROUTER, kind)
    assert (await hub.radio.send(message(METER, b"before", encrypted=True))).delivered
    await peer.radio.cut_power()
    assert (await peer.hears(RadioLost)).reason == POWER_CUT
    assert not peer.radio.on_network
    assert not (await hub.radio.send(message(METER, b"lost", encrypted=True))).delivered
    with pytest.raises(RadioError):
        await peer.radio.send(message(HUB))
    await asyncio.sleep(600)
    assert await peer.radio.resume()
    assert (await hub.radio.send(message(METER, b"after", encrypted=True))).delivered
    assert (await peer.radio.send(message(HUB, b"back", encrypted=True))).delivered
    assert peer.payloads() == [b"before", b"after"]


async def test_nothing_is_stored_before_a_network_is_formed(air: Air) -> None:
    hub = air.make(air.hub_kind, HUB, Role.COORDINATOR)
    await hub.radio.start()
    assert not await hub.radio.resume()
    with pytest.raises(RadioError):
        await hub.radio.send(message(METER))


async def test_a_closed_radio_ends_its_events_and_refuses_work(air: Air) -> None:
    hub = await air.hub()
    await hub.radio.close()
    await hub.radio.close()
    with pytest.raises(RadioError):
        await hub.radio.send(message(METER))
    with pytest.raises(RadioError):
        await hub.radio.form(NETWORK)


async def test_joiners_calls_are_not_for_a_hub(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    (beacon,) = await peer.radio.scan([CHANNEL])
    with pytest.raises(RadioError, match="cannot"):
        await hub.radio.join(beacon, METER_KEY)
    with pytest.raises(RadioError, match="cannot"):
        await peer.radio.permit_joining(10)


def test_frames_of_the_port_are_plain_values() -> None:
    assert message(METER) == ApsFrame(METER, SMART_ENERGY, METERING, 1, 1, b"01 message")


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
