"""What a parent does with its children: places, signs of life, and who loses a place."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.timeline import Timeline
from han.radio import ApsReceived, DeviceJoined, DeviceLeft, NetworkUp, RadioError, Role
from hw.air_faults import AirFaults, FrameFault, Match
from hw.capture import wireshark_key_option
from hw.ether import Acknowledged, Ether
from hw.ether_radio import EtherRadio
from hw.settings import ParentSettings
from hw.stack import Stack
from hw.stack.joining import DEVICE_ANNCE
from hw.stack.mac_layer import MacLayer, Outgoing
from hw.vncp.ncp import VirtualNcp
from hw.zigbee import beacon, mac
from hw.zigbee.beacon import Capability
from tests.hw.air import (
    CHANNEL,
    DISPLAY,
    DISPLAY_KEY,
    HUB,
    METER,
    METER_KEY,
    NETWORK,
    Air,
    Node,
    message,
)

HOUR_S = 3600
SLEEPY = Capability.ALLOCATE_ADDRESS
ROUTER = SLEEPY | Capability.ROUTER | Capability.RX_ON_WHEN_IDLE


@pytest.fixture
async def air(request: pytest.FixtureRequest, timeline: Timeline) -> AsyncIterator[Air]:
    air = Air(timeline, getattr(request, "param", "ether"))
    yield air
    await air.close()


def stack_of(node: Node) -> Stack:
    assert isinstance(node.radio, EtherRadio)
    return node.radio._stack


async def _associate(ether: Ether, eui64: int, capability: Capability, *, polls: bool) -> None:
    """A device that asks for a short address, polls for the answer or not, and goes away."""
    device = MacLayer(ether, eui64, _Deaf(), pan_id=NETWORK.pan_id, tuned=CHANNEL)
    ether.attach(device)
    asked = asyncio.get_running_loop().create_future()
    device.send(
        Outgoing(
            lambda n: beacon.association_request(n, NETWORK.pan_id, 0, eui64, capability),
            asked.set_result,
        )
    )
    assert await asked is Acknowledged.YES
    if polls:
        device.poll(0, mac.Address(eui64, long=True), lambda _: None)
        await asyncio.sleep(0.1)
    ether.detach(device)


class _Deaf:
    def mac_received(self, frame: mac.MacFrame, link: object) -> None:
        pass

    def mac_polled(self, child: mac.Address) -> None:
        pass


@pytest.mark.parametrize("air", ["ether", "ezsp8", "ezsp19"], indirect=True)
@pytest.mark.parametrize("polls", [False, True])
@pytest.mark.parametrize("capability", [SLEEPY, ROUTER])
async def test_forty_failed_joiners_do_not_keep_real_ones_out(
    air: Air, polls: bool, capability: Capability
) -> None:
    hub = await air.hub(ParentSettings(children=3))
    await hub.radio.permit_joining(254)
    for number in range(40):
        await _associate(air.ether, 0xBAD0_0000 + number, capability, polls=polls)
        await asyncio.sleep(4)
    await asyncio.sleep(10)
    meter = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    display = await air.peer(hub, Role.SLEEPY_END_DEVICE, "ezsp13", DISPLAY, DISPLAY_KEY)
    assert (await meter.radio.send(message(HUB, encrypted=True))).delivered
    assert (await display.radio.send(message(HUB, encrypted=True))).delivered


async def test_nothing_of_a_failed_joiner_is_remembered(air: Air) -> None:
    hub = await air.hub()
    await hub.radio.permit_joining(60)
    await _associate(air.ether, METER, SLEEPY, polls=False)
    state = stack_of(hub).state
    assert METER in state.children
    await asyncio.sleep(11)
    assert METER not in state.children
    assert METER not in state.addresses


async def test_a_full_parent_says_so_in_its_beacon_and_to_who_asks(air: Air) -> None:
    hub = await air.hub(ParentSettings(children=1))
    meter = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    heard: list[beacon.ZigbeeBeacon] = []

    class Tap:
        def frame(self, psdu: bytes, channel: int, link: object) -> None:
            frame = mac.MacFrame.from_bytes(psdu)
            if frame.kind is mac.FrameType.BEACON:
                heard.append(beacon.ZigbeeBeacon.from_frame(frame))

    air.ether.tap(Tap())
    with pytest.raises(RadioError, match="no place"):
        await air.peer(hub, Role.SLEEPY_END_DEVICE, eui64=DISPLAY, key=DISPLAY_KEY)
    assert [each.end_device_capacity for each in heard] == [False]
    display = await air.peer(hub, Role.ROUTER, eui64=DISPLAY + 1, key=DISPLAY_KEY)
    assert (await display.radio.send(message(HUB))).delivered  # a router needs no place
    assert (await meter.radio.send(message(HUB))).delivered
    await meter.radio.resume()  # and who has a place comes back to it
    assert (await meter.radio.send(message(HUB))).delivered


@pytest.mark.parametrize("air", ["ether", "ezsp8", "ezsp19"], indirect=True)
@pytest.mark.parametrize("device", ["ether", "ezsp13"])
async def test_a_child_that_was_silent_too_long_is_told_to_rejoin_and_does(
    air: Air, device: str
) -> None:
    hub = await air.hub()
    meter = await air.peer(hub, Role.SLEEPY_END_DEVICE, device)
    await asyncio.sleep(5 * HOUR_S)
    hub.heard.clear()
    meter.heard.clear()
    await meter.radio.set_awake(awake=True)
    await meter.hears(NetworkUp)
    rejoined = await hub.hears(DeviceJoined)
    assert (rejoined.eui64, rejoined.admitted) == (METER, True)
    assert (await hub.radio.send(message(METER, encrypted=True))).delivered
    assert not any(isinstance(event, DeviceLeft) for event in hub.heard)


async def test_tshark_names_what_a_full_parent_and_one_that_aged_a_child_say(
    air: Air, tshark: str, tmp_path: Path
) -> None:
    hub = await air.hub(ParentSettings(children=1))
    meter = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    with pytest.raises(RadioError):
        await air.peer(hub, Role.SLEEPY_END_DEVICE, eui64=DISPLAY, key=DISPLAY_KEY)
    await asyncio.sleep(5 * HOUR_S)
    await meter.radio.set_awake(awake=True)
    await asyncio.sleep(5)
    capture = tmp_path / "air.pcap"
    capture.write_bytes(air.octets.getvalue())

    def count(display_filter: str) -> int:
        keys = [o for key in air.ether.keys for o in ("-o", wireshark_key_option(key, "key"))]
        command = [tshark, "-r", str(capture), *keys, "-Y", display_filter]
        shown = subprocess.run(command, check=True, capture_output=True, text=True)
        return len(shown.stdout.splitlines())

    assert count("zbee_nwk.cmd.leave.rejoin == 1 && zbee_nwk.cmd.leave.request == 1") >= 1
    assert count("zbee_nwk.cmd.id == 0x06 && zbee.sec.key_id == 1") == 1  # a secured rejoin
    assert count("zbee_beacon.end_dev == 1") == 1
    assert count("zbee_beacon.end_dev == 0") == 1
    assert count("wpan.assoc.status == 1") == 1
    assert count("_ws.malformed || zbee_sec.encrypted_payload") == 0


async def test_a_child_that_polls_remains_one(air: Air) -> None:
    hub = await air.hub(ParentSettings(end_device_timeout=1))
    meter = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    await meter.radio.set_awake(awake=True, every_s=100)
    meter.heard.clear()
    for _ in range(100):
        await asyncio.sleep(100)
        assert METER in stack_of(hub).state.children
    assert NetworkUp() not in meter.heard
    await meter.radio.set_awake(awake=False)
    await asyncio.sleep(121)
    assert METER not in stack_of(hub).state.children


async def test_a_router_is_never_too_silent(air: Air) -> None:
    hub = await air.hub()
    meter = await air.peer(hub, Role.ROUTER)
    await asyncio.sleep(30 * HOUR_S)
    assert METER in stack_of(hub).state.children
    assert (await hub.radio.send(message(METER, encrypted=True))).delivered
    assert meter.payloads()


async def test_time_does_not_run_for_children_of_a_parent_that_is_off(air: Air) -> None:
    hub = await air.hub()
    meter = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    await hub.radio.close()
    await asyncio.sleep(10 * HOUR_S)
    again = air.make("ether", HUB, Role.COORDINATOR)
    await again.radio.start()
    assert await again.radio.resume()
    meter.heard.clear()
    await meter.radio.set_awake(awake=True)
    assert (await again.radio.send(message(METER))).delivered
    assert NetworkUp() not in meter.heard


async def test_a_device_whose_announcement_was_lost_comes_in_all_the_same(air: Air) -> None:
    hub = await air.hub()
    await hub.radio.allow_join(METER, METER_KEY)
    await hub.radio.permit_joining(60)
    meter = air.make("ether", METER, Role.SLEEPY_END_DEVICE)
    await meter.radio.start()
    (found,) = await meter.radio.scan([CHANNEL])
    lost = FrameFault(Match(METER, cluster=DEVICE_ANNCE), count=0)
    with AirFaults(air.ether).during(lost):
        await meter.radio.join(found, METER_KEY)
        await asyncio.sleep(1)
    assert not any(isinstance(event, ApsReceived) for event in hub.heard)
    await asyncio.sleep(20)
    await meter.radio.set_awake(awake=True)
    assert (await hub.hears(ApsReceived)).cluster_id == DEVICE_ANNCE
    assert (await hub.radio.send(message(METER, encrypted=True))).delivered


@pytest.mark.parametrize("version", [8, 13, 19])
async def test_a_restarted_dongle_asks_the_air_for_a_router_that_its_firmware_forgot(
    timeline: Timeline, version: int
) -> None:
    air = Air(timeline, f"ezsp{version}")
    hub = await air.hub()
    meter = await air.peer(hub, Role.ROUTER)
    await hub.radio.close()
    again = air.make(air.hub_kind, HUB, Role.COORDINATOR)
    ncp = air.ether.dongles[HUB]
    assert isinstance(ncp, VirtualNcp)
    await again.radio.start()
    assert await again.radio.resume()
    ncp.stack.state.forget_peer(METER)
    assert again.radio.nwk_of(METER) is None
    await again.radio.set_authorised(METER, authorised=True)
    await asyncio.sleep(0.5)
    assert again.radio.nwk_of(METER) == meter.radio.nwk
    await air.close()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"end_device_timeout": 15}, "end_device_timeout is 15"),
        ({"children": 0}, "children is 0"),
        ({"unproven_child_s": 0}, "unproven_child_s is 0"),
    ],
)
def test_what_no_firmware_has_a_place_for_is_refused(changed: dict[str, int], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        ParentSettings(**changed)
