"""Devices on the virtual air and on stock bellows with a virtual dongle, in virtual time."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from device.events import Event, EventStream
from device.host import Host, RadioGone, payload_limits
from device.timeline import Timeline
from han.endpoint import Endpoint
from han.node import Node
from han.radio import HanRadio, NetworkParameters, Role
from han.settings import NodeSettings
from hw.ether import Ether
from hw.ether_radio import EtherRadio
from hw.radio_string import open_radio
from tests.device.pair import METER, metering, read, value_of

HUB = 0x00DB1234567890A2
LINK_KEY, NETWORK_KEY = bytes(range(16)), bytes(range(16, 32))


async def started(radio: HanRadio, timeline: Timeline, events: EventStream, role: int) -> Host:
    endpoints = [Endpoint(1, 0x0501, [metering()] if role else [])]
    radio.set_endpoints([endpoint.descriptor for endpoint in endpoints])
    await radio.start()
    settings = NodeSettings(limits=payload_limits(radio))
    return Host(Node(radio.eui64, endpoints, settings, radio), radio, timeline, events)


@pytest.mark.parametrize("kind", ["ether:", "vncp:?ezsp=13&heartbeat=0"])
async def test_a_hub_reads_a_meter_for_a_week(kind: str, timeline: Timeline) -> None:
    if kind.startswith("vncp"):
        pytest.importorskip("bellows")
    before = time.perf_counter()
    ether, events, seen = Ether(seed=1), EventStream(), list[Event]()
    events.subscribe(seen.append)
    hub_radio = open_radio(kind, Role.COORDINATOR, ether=ether, eui64=HUB)
    meter_radio = EtherRadio(ether, METER, Role.ROUTER)
    hub = await started(hub_radio, timeline, events, 0)
    meter = await started(meter_radio, timeline, events, 1)
    await hub_radio.form(NetworkParameters(15, 0xABCD, HUB, NETWORK_KEY))
    await hub_radio.allow_join(METER, LINK_KEY)
    await hub_radio.permit_joining(120)
    async with hub.running(), meter.running():
        await meter_radio.join((await meter_radio.scan([15]))[0], LINK_KEY)
        await hub_radio.set_link_key(METER, LINK_KEY)
        await timeline.sleep(timedelta(seconds=2))
        for _ in range(7 * 48):
            assert value_of(await hub.request(read(0))) == 500
            await timeline.sleep(timedelta(minutes=30))
        assert value_of(await hub.request(read(1))) == bytes(200)
        await meter_radio.close()
        with pytest.raises(RadioGone, match="closed"):
            await meter.request(read(0, peer=HUB))
    await hub_radio.close()
    assert timeline.now() - timeline.start > timedelta(days=7)
    assert time.perf_counter() - before < 60
