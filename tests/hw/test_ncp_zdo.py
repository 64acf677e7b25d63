"""The ZDO inside the virtual dongle, read with zigpy's types by a device on the air."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import zigpy.types as zigpy_t
import zigpy.zdo.types as zdo_t

from device.timeline import Timeline
from han.radio import ApsFrame, ApsReceived, Broadcast, Role, SimpleDescriptor
from hw.vncp.memory import CONFIG_ZDO_FLAGS
from hw.vncp.ncp import VirtualNcp
from tests.hw.air import CHANNEL, HUB, METER, METER_KEY, SMART_ENERGY, Air, Node

REQUEST, RESPONSE = 0x0000, 0x8000
CLUSTERS = SimpleDescriptor(1, SMART_ENERGY, 0x0500, (0x0000, 0x0700), (0x0702,), 2)


@dataclass
class Pair:
    ncp: VirtualNcp
    device: Node

    async def ask(self, cluster: zdo_t.ZDOCmd, *fields: object) -> list[object] | None:
        """The response's fields after sequence number and status; None where nothing came."""
        _, kinds = zdo_t.CLUSTERS[cluster]
        body = b"".join(kind(f).serialize() for kind, f in zip(kinds, fields, strict=True))
        request = ApsFrame(HUB, 0, int(cluster), 0, 0, b"\x2a" + body)
        assert (await self.device.radio.send(request)).delivered
        try:
            heard = await self.device.hears(ApsReceived, 2)
        except TimeoutError:
            return None
        assert heard.cluster_id == int(cluster) | RESPONSE
        assert heard.payload[0] == 0x2A
        _, kinds = zdo_t.CLUSTERS[zdo_t.ZDOCmd(heard.cluster_id)]
        values, rest = [], heard.payload[1:]
        for kind in kinds:
            if not rest:
                break
            value, rest = kind.deserialize(rest)
            values.append(value)
        assert not rest
        return values


@pytest.fixture
async def pair(timeline: Timeline) -> AsyncIterator[Pair]:
    air = Air(timeline, "ether")
    ncp = VirtualNcp(air.ether, HUB)
    ncp.form_once(CHANNEL)
    ncp.stack.power_on()
    await ncp.stack.resume()
    ncp.ram.endpoints[1] = CLUSTERS
    ncp.stack.trust_centre.preconfigured = lambda eui64, kind: METER_KEY
    ncp.stack.trust_centre.permit_joining(60)
    device = air.make("ether", METER, Role.ROUTER)
    device.radio.set_endpoints(())
    await device.radio.start()
    (beacon,) = await device.radio.scan([CHANNEL])
    await device.radio.join(beacon, METER_KEY)
    yield Pair(ncp, device)
    await air.close()
    ncp.stack.power_off()


async def test_it_describes_the_node(pair: Pair) -> None:
    answer = await pair.ask(zdo_t.ZDOCmd.Node_Desc_req, 0)
    assert answer is not None
    status, node, descriptor = answer
    assert (status, node) == (zdo_t.Status.SUCCESS, 0)
    assert isinstance(descriptor, zdo_t.NodeDescriptor)
    assert descriptor.logical_type == zdo_t.LogicalType.Coordinator
    assert descriptor.is_mains_powered
    assert descriptor.maximum_incoming_transfer_size == 1500
    assert descriptor.server_mask & 0x0001
    power = await pair.ask(zdo_t.ZDOCmd.Power_Desc_req, 0)
    assert power is not None
    assert power[0] == zdo_t.Status.SUCCESS


async def test_it_describes_its_endpoints(pair: Pair) -> None:
    assert await pair.ask(zdo_t.ZDOCmd.Active_EP_req, 0) == [zdo_t.Status.SUCCESS, 0, [1]]
    answer = await pair.ask(zdo_t.ZDOCmd.Simple_Desc_req, 0, 1)
    assert answer is not None
    described = answer[2]
    assert isinstance(described, zdo_t.SizePrefixedSimpleDescriptor)
    assert (described.profile, described.device_type) == (SMART_ENERGY, 0x0500)
    assert (described.input_clusters, described.output_clusters) == ([0x0000, 0x0700], [0x0702])
    missing = await pair.ask(zdo_t.ZDOCmd.Simple_Desc_req, 0, 9)
    assert missing is not None
    assert missing[0] == zdo_t.Status.NOT_ACTIVE


async def test_it_matches_clusters(pair: Pair) -> None:
    ask = pair.ask
    found = await ask(zdo_t.ZDOCmd.Match_Desc_req, 0, SMART_ENERGY, [], [0x0702])
    assert found == [zdo_t.Status.SUCCESS, 0, [1]]
    found = await ask(zdo_t.ZDOCmd.Match_Desc_req, 0, 0x0104, [0x0700], [])
    assert found == [zdo_t.Status.SUCCESS, 0, []]


async def test_it_tells_addresses(pair: Pair) -> None:
    eui64 = zigpy_t.EUI64.deserialize(HUB.to_bytes(8, "little"))[0]
    kind = zdo_t.AddrRequestType.Single
    assert await pair.ask(zdo_t.ZDOCmd.NWK_addr_req, eui64, kind, 0) == [0, eui64, 0]
    assert await pair.ask(zdo_t.ZDOCmd.IEEE_addr_req, 0, kind, 0) == [0, eui64, 0]
    unknown = await pair.ask(zdo_t.ZDOCmd.IEEE_addr_req, 0x1234, kind, 0)
    assert unknown is not None
    assert unknown[0] == zdo_t.Status.DEVICE_NOT_FOUND


async def test_it_refuses_what_is_not_its_business(pair: Pair) -> None:
    other = await pair.ask(zdo_t.ZDOCmd.Node_Desc_req, 0x1234)
    assert other is not None
    assert other[0] == zdo_t.Status.DEVICE_NOT_FOUND
    unsupported = await pair.ask(zdo_t.ZDOCmd.Mgmt_Lqi_req, 0)
    assert unsupported is not None
    assert unsupported[0] == zdo_t.Status.NOT_SUPPORTED


async def test_the_host_takes_over_what_the_flags_say(pair: Pair) -> None:
    pair.ncp.ram.configuration[CONFIG_ZDO_FLAGS] = 0x0E
    for cluster, fields in (
        (zdo_t.ZDOCmd.Active_EP_req, (0,)),
        (zdo_t.ZDOCmd.Match_Desc_req, (0, SMART_ENERGY, [], [0x0702])),
        (zdo_t.ZDOCmd.Mgmt_Lqi_req, (0,)),
    ):
        assert await pair.ask(cluster, *fields) is None
    assert await pair.ask(zdo_t.ZDOCmd.Node_Desc_req, 0) is not None


async def test_a_broadcast_that_matches_nothing_meets_silence(pair: Pair) -> None:
    for profile, answers in ((0x0104, 0), (SMART_ENERGY, 1)):
        body = b"\x01\xfd\xff" + profile.to_bytes(2, "little") + b"\x00\x01\x02\x07"
        frame = ApsFrame(Broadcast.RX_ON_WHEN_IDLE, 0, 0x0006, 0, 0, body, acknowledged=False)
        await pair.device.radio.send(frame)
        heard = 0
        try:
            await pair.device.hears(ApsReceived, 2)
            heard = 1
        except TimeoutError:
            pass
        assert heard == answers
