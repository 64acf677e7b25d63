"""The radio port, every filling: what is sent arrives, whole or in parts, over bad air too."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from han.radio import (
    ApsReceived,
    Block,
    BlockAck,
    Broadcast,
    DeliveryStatus,
    RadioError,
    Role,
)
from tests.hw.air import (
    DISPLAY,
    DISPLAY_KEY,
    HUB,
    JOINERS,
    LOSSY,
    METER,
    METERING,
    NEW_KEY,
    SMART_ENERGY,
    Air,
    message,
)


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
