"""A dongle that is lost, in all the ways there are, and what its radio makes of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from device.timeline import REAL, Timeline, run
from han.radio import (
    POWER_CUT,
    DeliveryStatus,
    NetworkUp,
    RadioError,
    RadioEvent,
    RadioLost,
    Role,
)
from hw.bellows_messages import AddressBook
from hw.bellows_radio import BellowsRadio
from hw.bellows_recovery import FIRST_RETRY_S
from hw.bellows_trust_centre import DongleTrustCentre
from hw.ether import Ether
from hw.ezsp_port import EzspPort
from hw.stack import FileStore, MemoryStore
from hw.vncp.ash import ResetCode
from hw.vncp.ncp import VirtualNcp
from hw.vncp.serve import Dongle, serving
from hw.vncp.transport import publish, withdraw
from tests.hw.air import HUB, METER, METER_KEY, NETWORK, Air, message, published
from tests.virtual_time import START


async def test_an_unexpected_reset_is_a_lost_radio_that_comes_back(timeline: Timeline) -> None:
    air = Air(timeline, "ezsp13")
    ncp = VirtualNcp(air.ether, HUB, store=MemoryStore())
    async with published(ncp) as path:
        radio = BellowsRadio(path, Role.COORDINATOR, heartbeat_s=None)
        radio.set_endpoints(())
        await radio.start()
        await radio.form(NETWORK)
        events = radio.events()
        await anext(events)
        ncp.crash(ResetCode.ASSERT)
        assert isinstance(await anext(events), RadioLost)
        await anext(events)
        assert radio.on_network
        await radio.close()
    await air.close()


async def test_a_dongle_lost_again_while_it_comes_back_is_rebuilt_once(timeline: Timeline) -> None:
    air = Air(timeline, "ezsp13")
    ncp = VirtualNcp(air.ether, HUB, store=MemoryStore())
    lost: list[RadioEvent] = []
    async with published(ncp) as path:
        radio = BellowsRadio(path, Role.COORDINATOR, heartbeat_s=None)
        await radio.start()
        await radio.form(NETWORK)

        async def listen() -> None:
            lost.extend([event async for event in radio.events() if isinstance(event, RadioLost)])

        listening = asyncio.create_task(listen())
        for turns in range(0, 120, 12):
            ncp.drop_line()
            await asyncio.sleep(FIRST_RETRY_S + 0.001)
            for _ in range(turns):  # into opening, configuring, resuming
                await asyncio.sleep(0)
            ncp.drop_line()
            await asyncio.sleep(0.001)
            rebuilding = [t for t in asyncio.all_tasks() if t.get_name().endswith(" rebuild")]
            assert len(rebuilding) == 1 or radio.on_network  # there was no line to drop yet
            await asyncio.sleep(60)
            assert radio.on_network
        await radio.close()
        await listening
    assert len(lost) <= 2 * 10
    await air.close()


async def test_a_mute_dongle_is_noticed_within_ten_seconds(timeline: Timeline) -> None:
    ncp = VirtualNcp(Ether(), HUB)
    async with published(ncp) as path:
        radio = BellowsRadio(path, Role.COORDINATOR, heartbeat_s=5)
        await radio.start()
        await radio.form(NETWORK)
        events = radio.events()
        await anext(events)
        ncp.mute = True
        before = timeline.elapsed_s
        assert isinstance(await anext(events), RadioLost)
        assert timeline.elapsed_s - before <= 10
        await asyncio.sleep(60)
        ncp.mute = False
        assert isinstance(await anext(events), NetworkUp)
        assert radio.on_network
        await radio.close()


async def test_the_window_and_the_keys_are_applied_again_after_a_loss(timeline: Timeline) -> None:
    air = Air(timeline, "ezsp13")
    hub = await air.hub()
    await hub.radio.allow_join(METER, METER_KEY)
    await hub.radio.permit_joining(250)
    hub.kill()
    await hub.hears(RadioLost)
    await asyncio.sleep(5)
    meter = air.make("ether", METER, Role.ROUTER)
    await meter.radio.start()
    (beacon,) = await meter.radio.scan([15])
    assert beacon.permits_joining
    await meter.radio.join(beacon, METER_KEY)
    assert (await meter.radio.send(message(HUB, encrypted=True))).delivered
    await air.close()


async def test_a_supply_cut_while_the_dongle_comes_back_leaves_it_off_its_network(
    timeline: Timeline,
) -> None:
    air = Air(timeline, "ezsp13")
    hub = await air.hub()
    await hub.hears(NetworkUp)
    for turns in range(0, 120, 12):
        hub.kill()
        await asyncio.sleep(FIRST_RETRY_S + 0.001)
        for _ in range(turns):  # into opening, configuring, resuming
            await asyncio.sleep(0)
        await hub.radio.cut_power()
        hub.heard.clear()
        await asyncio.sleep(60)
        assert not hub.radio.on_network
        assert NetworkUp() not in hub.heard
        assert await hub.radio.resume()
        assert hub.radio.on_network
    await air.close()


async def test_a_dongle_that_does_not_open_again_after_a_supply_cut_is_sought(
    timeline: Timeline,
) -> None:
    ncp = VirtualNcp(Ether(), HUB)
    publish("pulled-out", ncp)
    radio = BellowsRadio("vncp://pulled-out", Role.COORDINATOR, heartbeat_s=None)
    await radio.start()
    await radio.form(NETWORK)
    withdraw("pulled-out")
    await radio.cut_power()
    events = radio.events()
    assert await anext(events) == NetworkUp()
    assert await anext(events) == RadioLost(POWER_CUT)
    with pytest.raises(RadioError, match="lost"):
        await radio.resume()
    publish("pulled-out", ncp)
    await asyncio.sleep(60)
    assert await radio.resume()
    await radio.close()
    withdraw("pulled-out")
    ncp.drop_line()


async def test_a_joiner_that_comes_before_its_dongle_is_taken_up_again_keeps_its_key() -> None:
    written: list[tuple[int, bytes]] = []

    class Port:
        """What a trust centre asks of a port, which is its own key store here."""

        eui64 = HUB

        @property
        def keys(self) -> Port:
            return self

        async def children(self) -> dict[int, int]:
            return {}

        async def hand_out_keys(self, *, allowed: bool) -> None:
            assert not allowed

        async def set_link_key(self, eui64: int, link_key: bytes) -> None:
            written.append((eui64, link_key))

    tasks: list[asyncio.Task[object]] = []
    desk = DongleTrustCentre(
        AddressBook(), lambda _: None, lambda work, _: tasks.append(asyncio.ensure_future(work))
    )
    await desk.allow(METER, METER_KEY)
    desk.device_update(METER, 0x1234, 1, 0)
    await asyncio.gather(*tasks)
    assert written == []
    for _ in range(2):  # once, however often it is taken up
        await desk.attach(cast("EzspPort", Port()))
        desk.detach()
    assert written == [(METER, METER_KEY)]
    desk.close()


async def test_a_radio_that_is_lost_is_not_started_again(timeline: Timeline) -> None:
    ncp = VirtualNcp(Ether(), HUB)
    async with published(ncp) as path:
        radio = BellowsRadio(path, Role.COORDINATOR, heartbeat_s=None)
        await radio.start()
        ncp.drop_line()
        await asyncio.sleep(0.1)
        with pytest.raises(RadioError, match="once"):
            await radio.start()
        await radio.close()


def test_a_dongle_whose_process_dies_is_taken_up_again(tmp_path: Path) -> None:
    async def main() -> None:
        file = tmp_path / "dongle.json"
        async with serving(Dongle(eui64=HUB, memory=FileStore(file), blank=True), Ether()) as path:
            radio = BellowsRadio(path, Role.COORDINATOR)
            await radio.start()
            await radio.form(NETWORK)
            await radio.set_link_key(METER, METER_KEY)
            events = radio.events()
            await anext(events)
        assert isinstance(await anext(events), RadioLost)
        with pytest.raises(RadioError):
            await radio.send(message(METER))
        port = int(path.rsplit(":", 1)[1])
        await asyncio.sleep(0.6)
        async with serving(Dongle(port=port, eui64=HUB, memory=FileStore(file)), Ether()):
            assert isinstance(await anext(events), NetworkUp)
            assert radio.on_network
            await radio.close()

    run(main(), Timeline(START, REAL))


@pytest.mark.parametrize("acknowledged", [False, True])
async def test_a_message_that_never_left_ends_with_its_radio(
    timeline: Timeline, acknowledged: bool
) -> None:
    air = Air(timeline, "ether")
    hub = await air.hub()
    await air.peer(hub)
    frame = replace(message(METER), acknowledged=acknowledged)
    sending = [asyncio.create_task(hub.radio.send(frame)) for _ in range(3)]
    await asyncio.sleep(0)
    hub.kill()
    reports = await asyncio.gather(*sending)
    assert {report.status for report in reports} == {DeliveryStatus.RADIO_LOST}
    await air.close()
