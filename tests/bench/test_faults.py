"""Things go wrong on a bench: the radio dies, counters repeat, octets flip. It keeps running."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bench.home import living_home
from bench.remote_party import RemoteParty
from bench.rig import Rig
from device.event import Event, EventStream
from device.events import CommandRefused, DeliveryPutOff, RadioLost, RadioUp
from device.timeline import Timeline
from gbcs.catalogue import by_name
from gbcs.party import DeviceType
from han.exchange import Announced, NodeEvent
from han.radio import link_key_of_install_code
from hw.ether import Ether, Link
from hw.vncp.ncp import VirtualNcp
from hw.vncp.transport import publish, withdraw


@pytest.mark.parametrize("fault", ["crash", "cable", "mute"])
async def test_a_dongle_that_dies_comes_back_and_no_command_is_lost(
    fault: str, timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    ether = Ether(seed=1)
    rig = Rig.model_validate({"hub": {"radio": "vncp://dying"}})
    ncp = VirtualNcp(ether, rig.hub.gpf, ezsp_version=13)
    publish("dying", ncp)
    monkeypatch.setattr("bench.parts.ether_of", lambda rig: ether)
    events, seen = EventStream(), list[Event]()
    events.subscribe(seen.append, RadioLost, RadioUp)
    try:
        async with living_home(rig, timeline, events=events) as home:
            await timeline.sleep(timedelta(minutes=31))
            meter = home.meter
            assert meter is not None
            supplier = RemoteParty(rig.parties.supplier, home.keys)
            arrived: list[bytes] = []
            home.upward.append(arrived.append)
            for counter in (1, 2):
                command = supplier.command(by_name("GCS13a"), meter.chassis.eui64, counter)
                home.hub.deliver(command.to_bytes())
            await timeline.sleep_until(timeline.start + timedelta(minutes=60, milliseconds=300))
            if fault == "crash":
                ncp.crash()
            elif fault == "cable":
                ncp.drop_line()
            else:
                ncp.mute = True
                await timeline.sleep(timedelta(minutes=1))
                ncp.mute = False
            await timeline.sleep(timedelta(minutes=95))
            answer = await home.ask(supplier.command(by_name("GCS13a"), home.gpf.entity, 3))
            opened = [supplier.open(octets) for octets in arrived]
    finally:
        withdraw("dying")
    hub = [event for event in seen if event.device == rig.hub.gpf]
    assert isinstance(hub[-1], RadioUp)
    assert any(isinstance(event, RadioLost) for event in hub)
    assert {1, 2} <= {one.message.originator_counter for one in opened}
    stamp = supplier.open(answer).message.date_time
    assert stamp is not None
    assert stamp.at is not None
    assert stamp.at >= timeline.start + timedelta(minutes=120)


async def test_a_counter_that_repeats_is_refused_and_changes_nothing(timeline: Timeline) -> None:
    rig = Rig.model_validate(
        {"hub": {"radio": "ether:"}, "gas_meter": None, "electricity_meter": {}}
    )
    events, refused = EventStream(), list[CommandRefused]()
    events.subscribe(refused.append, CommandRefused)
    async with living_home(rig, timeline, events=events) as home:
        await timeline.sleep(timedelta(minutes=1))
        station = home.electricity_meter
        assert station is not None
        supplier = RemoteParty(rig.parties.supplier, home.keys)
        command = supplier.command(by_name("ECS05"), station.device.chassis.eui64, 1000)
        first = await home.ask(command)
        home.hub.deliver(command.to_bytes())
        await timeline.sleep(timedelta(minutes=1))
    assert supplier.open(first).verification.is_authentic
    assert [event.refusal.name for event in refused] == ["REPLAYED"]


async def test_a_message_for_a_meter_that_is_not_there_fails_by_name_in_the_end(
    timeline: Timeline,
) -> None:
    eui64 = 0x000D6F00ABCDEF01
    absent = {"kind": "ESME", "eui64": f"{eui64:016X}", "install_code": "00" * 16}
    rig = Rig.model_validate({"hub": {"radio": "ether:"}, "gas_meter": None, "admitted": [absent]})
    events, refused, put_off = EventStream(), list[CommandRefused](), list[DeliveryPutOff]()
    events.subscribe(refused.append, CommandRefused)
    events.subscribe(put_off.append, DeliveryPutOff)
    async with living_home(rig, timeline, events=events) as home:
        supplier = RemoteParty(rig.parties.supplier, home.keys)
        sent_at = timeline.now()
        home.hub.deliver(supplier.command(by_name("ECS05"), eui64, 1).to_bytes())
        await timeline.sleep(timedelta(minutes=59))
        assert refused == []
        await timeline.sleep(timedelta(minutes=2))
    assert [one.until - sent_at for one in put_off] == [timedelta(hours=1)]
    [event] = refused
    assert event.refusal.name == "NOT_DELIVERED"
    assert event.detail == f"{eui64:016X}: it is not on the network"


async def test_every_flipped_bit_of_a_command_is_refused_by_name(timeline: Timeline) -> None:
    rig = Rig.model_validate({"hub": {"radio": "ether:"}})
    events, refused = EventStream(), list[CommandRefused]()
    events.subscribe(refused.append, CommandRefused)
    async with living_home(rig, timeline, events=events) as home:
        await timeline.sleep(timedelta(minutes=31))
        arrived: list[bytes] = []
        home.upward.append(arrived.append)
        supplier = RemoteParty(rig.parties.supplier, home.keys)
        octets = supplier.command(by_name("GCS13a"), home.gpf.entity, 1).to_bytes()
        for bit in range(8 * len(octets)):
            flipped = bytearray(octets)
            flipped[bit // 8] ^= 1 << bit % 8
            home.hub.deliver(bytes(flipped))
        await timeline.sleep(timedelta(hours=1))
        assert arrived == []
        assert len(refused) == 8 * len(octets)
        home.hub.deliver(octets)
        assert len(arrived) == 1


async def test_a_seventeenth_device_finds_no_place(timeline: Timeline) -> None:
    from chub.device_log import DeviceLogFull, Entry

    rig = Rig.model_validate({"hub": {"radio": "ether:"}})
    key = link_key_of_install_code(bytes(16))
    async with living_home(rig, timeline) as home:
        for number in range(15):
            assert await home.hub.add_device(Entry(0x1000 + number, DeviceType.IHD, key))
        assert not await home.hub.add_device(Entry(0x1000, DeviceType.IHD, key))
        with pytest.raises(DeviceLogFull, match="16 devices"):
            await home.hub.add_device(Entry(0x2000, DeviceType.IHD, key))
        assert len(home.hub.device_log.entries()) == 16


async def test_a_meter_that_was_out_of_range_when_asked_gets_its_tunnel_later(
    timeline: Timeline,
) -> None:
    rig = Rig.model_validate(
        {"hub": {"radio": "ether:"}, "gas_meter": False, "electricity_meter": {}}
    )
    async with living_home(rig, timeline) as home:
        meter = home.electricity_meter
        assert meter is not None
        esme, hub = meter.device.chassis.eui64, home.gpf.entity

        def out_of_range(event: NodeEvent) -> None:
            if isinstance(event, Announced):
                home.ether.set_link(hub, esme, Link(loss=1.0))

        home.host.on_node_event(out_of_range)
        await timeline.sleep(timedelta(seconds=15))
        assert meter.radio.on_network
        assert not home.hub.opener.clients.is_open(esme)
        home.ether.set_link(hub, esme, Link())
        await timeline.sleep(timedelta(minutes=2))
        assert home.hub.opener.clients.is_open(esme)


async def test_a_hub_that_starts_again_opens_the_tunnels_it_had(
    timeline: Timeline, tmp_path: Path
) -> None:
    rig = Rig.model_validate(
        {
            "hub": {"radio": "ether:"},
            "gas_meter": False,
            "electricity_meter": {},
            "store": tmp_path / "rig.sqlite",
        }
    )
    for _ in range(2):
        async with living_home(rig, timeline) as home:
            meter = home.electricity_meter
            assert meter is not None
            await timeline.sleep(timedelta(minutes=2))
            assert home.hub.opener.clients.is_open(meter.device.chassis.eui64)
