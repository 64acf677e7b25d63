"""CCS01 and CCS02 drive joining: who gets in, for how long, and what the broker hears of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bench.home import living_home, open_home
from bench.remote_party import RemoteParty
from chub.device_log import Entry
from device.events import EventStream, KeyNotEstablished, LogEntry
from device.timeline import Timeline
from gbcs.catalogue import by_name
from gbcs.party import DeviceType
from han.radio import HanRadio, RadioError, Role, aes_mmo, link_key_of_install_code
from hw.ether_radio import EtherRadio
from tests.chub.bench import ALL_DONE, CODE, ESME, GSME, NO_PLACE, Broker, rig

PEER = 0x000D6F00ABCDEF01


def is_on_network(radio: HanRadio) -> bool:
    return radio.on_network


@pytest.mark.parametrize("radio", ["ether:", "vncp:"])
async def test_an_electricity_meter_comes_answers_and_goes_by_command(
    radio: str, timeline: Timeline
) -> None:
    wanted = rig(
        hub={"radio": radio, "admit": "commands"},
        electricity_meter={"install_code": CODE.hex()},
    )
    async with living_home(wanted, timeline) as home:
        broker, station = Broker(home), home.electricity_meter
        assert station is not None
        await timeline.sleep(timedelta(minutes=2))
        assert not is_on_network(station.radio)
        assert await broker.admit(ESME) == ALL_DONE
        assert broker.backups() == [{ESME: b""}]
        await timeline.sleep(timedelta(minutes=2))
        assert is_on_network(station.radio)
        entry = home.hub.device_log.get(ESME)
        assert entry is not None
        assert entry.tc_link_key is not None
        assert broker.backups() == [{ESME: b""}, {ESME: aes_mmo(entry.tc_link_key)}]
        supplier = RemoteParty(home.rig.parties.supplier, home.keys)
        command = supplier.command(by_name("ECS52"), ESME, 1)
        answer = await home.ask(command, timedelta(minutes=1))
        assert supplier.open(answer).verification.is_authentic
        assert await broker.remove(ESME) == [0]
        assert broker.backups()[-1] == {}
        await timeline.sleep(timedelta(minutes=5))
        assert not is_on_network(station.radio)
        with pytest.raises(TimeoutError):
            await home.ask(supplier.command(by_name("ECS52"), ESME, 2), timedelta(minutes=1))


async def test_joining_is_open_for_the_time_the_command_says(timeline: Timeline) -> None:
    async with open_home(rig(), timeline) as home:
        broker = Broker(home)
        await broker.admit(PEER, "IHD", timeout_s=90)
        radio = EtherRadio(home.ether, PEER, Role.ROUTER)
        await radio.start()
        assert home.hub.joining.is_open_for(PEER)
        assert [one.permits_joining for one in await radio.scan([15])] == [True]
        await timeline.sleep(timedelta(seconds=91))
        assert not home.hub.joining.is_open
        assert [one.permits_joining for one in await radio.scan([15])] == [False]
        assert await broker.device_log() == {PEER: b""}
        await radio.close()


async def test_a_wrong_install_code_lets_nobody_in(timeline: Timeline) -> None:
    events, logged = EventStream(), list[LogEntry]()
    events.subscribe(logged.append, LogEntry)
    async with open_home(rig(), timeline, events=events) as home:
        await Broker(home).admit(PEER, "IHD")
        radio = EtherRadio(home.ether, PEER, Role.ROUTER)
        await radio.start()
        [beacon] = await radio.scan([15])
        with pytest.raises(RadioError, match="link key"):
            await radio.join(beacon, link_key_of_install_code(bytes(16)))
        assert 0x8183 not in [entry.code for entry in logged]
        assert await Broker(home).device_log() == {PEER: b""}
        await radio.close()


async def test_a_device_that_is_there_keeps_its_keys_and_may_join_again(
    timeline: Timeline,
) -> None:
    async with open_home(rig(), timeline) as home:
        broker = Broker(home)
        await broker.admit(PEER, "IHD", timeout_s=10)
        home.hub.device_log.establish(PEER, bytes(range(16)))
        await timeline.sleep(timedelta(seconds=11))
        assert await broker.admit(PEER, "IHD", code=bytes(16), timeout_s=10) == ALL_DONE
        assert home.hub.joining.is_open_for(PEER)
        entry = home.hub.device_log.get(PEER)
        assert entry is not None
        assert entry.link_key == link_key_of_install_code(CODE)
        assert entry.tc_link_key == bytes(range(16))
        assert broker.backups() == [{PEER: b""}, {PEER: aes_mmo(bytes(range(16)))}]


async def test_a_seventeenth_device_finds_no_place_and_nobody_is_told(timeline: Timeline) -> None:
    async with open_home(rig(), timeline) as home:
        broker = Broker(home)
        for number in range(16):
            assert await broker.admit(PEER + number, "IHD") == ALL_DONE
        told = len(broker.backups())
        assert await broker.admit(PEER + 16, "IHD") == NO_PLACE
        assert len(await broker.device_log()) == 16
        assert len(broker.backups()) == told == 16
        assert not home.hub.joining.is_open_for(PEER + 16)
        assert await broker.admit(home.gpf.entity, "GPF") == ALL_DONE
        assert await broker.admit(PEER, "GPF") == NO_PLACE


async def test_a_device_that_was_removed_is_known_again_by_its_key(timeline: Timeline) -> None:
    key = bytes(range(16, 32))
    async with open_home(rig(), timeline) as home:
        broker = Broker(home)
        await broker.admit(PEER, "IHD")
        home.hub.device_log.establish(PEER, key)
        assert await broker.remove(PEER) == [0]
        assert await broker.historic_log() == {PEER: aes_mmo(key)}
        assert await broker.admit(PEER, "IHD") == ALL_DONE
        assert (await broker.device_log())[PEER] == b""
        radio = EtherRadio(home.ether, PEER, Role.ROUTER)
        await radio.start()
        [beacon] = await radio.scan([15])
        with pytest.raises(RadioError):
            await radio.join(beacon, link_key_of_install_code(CODE))
        await radio.join(beacon, key)
        await timeline.sleep(timedelta(seconds=1))
        assert await broker.device_log() == {PEER: aes_mmo(key)}
        assert broker.backups()[-1] == {PEER: aes_mmo(key)}
        await radio.close()


async def test_a_removed_device_that_lost_its_key_comes_with_its_install_code_later(
    timeline: Timeline,
) -> None:
    async with open_home(rig(), timeline) as home:
        broker = Broker(home)
        await broker.admit(PEER, "IHD")
        home.hub.device_log.establish(PEER, bytes(16))
        await broker.remove(PEER)
        await broker.admit(PEER, "IHD", timeout_s=90)
        await timeline.sleep(timedelta(seconds=95))
        radio = EtherRadio(home.ether, PEER, Role.ROUTER)
        await radio.start()
        [beacon] = await radio.scan([15])
        await radio.join(beacon, link_key_of_install_code(CODE))
        await timeline.sleep(timedelta(seconds=90))
        assert not home.hub.joining.is_open
        assert radio.on_network
        await radio.close()


async def test_the_historic_log_holds_fifteen_devices(timeline: Timeline) -> None:
    async with open_home(rig(), timeline) as home:
        broker = Broker(home)
        for number in range(17):
            await broker.admit(PEER + number, "IHD", timeout_s=1)
            home.hub.device_log.establish(PEER + number, number.to_bytes(16))
            await broker.remove(PEER + number)
        assert list(await broker.historic_log()) == [PEER + number for number in range(2, 17)]


async def test_what_is_not_there_cannot_be_removed(timeline: Timeline) -> None:
    async with open_home(rig(), timeline) as home:
        broker = Broker(home)
        assert await broker.remove(PEER) == [250]
        assert broker.backups() == []


async def test_a_removed_gas_meter_takes_its_mirror_and_messages_along(
    timeline: Timeline,
) -> None:
    code = CODE.hex()
    async with living_home(rig(gas_meter={"install_code": code}), timeline) as home:
        broker, meter = Broker(home), home.meter
        assert meter is not None
        await broker.admit(meter.chassis.eui64, "GSME", timeout_s=3600)
        await timeline.sleep(timedelta(hours=1))
        assert home.gpf.mirror.values
        supplier = RemoteParty(home.rig.parties.supplier, home.keys)
        command = supplier.command(by_name("GCS13a"), meter.chassis.eui64, 1)
        home.hub.deliver(command.to_bytes())
        assert home.hub.mailroom.waiting(meter.chassis.eui64) == 1
        await broker.remove(meter.chassis.eui64)
        await asyncio.sleep(1)
        assert home.hub.mailroom.waiting(meter.chassis.eui64) == 0
        assert home.gpf.mirror.values == {}


async def test_a_restarted_hub_lets_in_whoever_might_come_before(
    timeline: Timeline, tmp_path: Path
) -> None:
    kept = rig(store=tmp_path / "rig.sqlite")
    async with open_home(kept, timeline) as home:
        assert await Broker(home).admit(PEER, "IHD", timeout_s=90) == ALL_DONE
        await timeline.sleep(timedelta(seconds=30))
    async with open_home(kept, timeline) as home:
        radio = EtherRadio(home.ether, PEER, Role.ROUTER)
        await radio.start()
        [beacon] = await radio.scan([15])
        await radio.join(beacon, link_key_of_install_code(CODE))
        assert home.hub.joining.is_open_for(PEER)
        await timeline.sleep(timedelta(seconds=60))
        assert not home.hub.joining.is_open
        assert [one.permits_joining for one in await radio.scan([15])] == [False]
        await radio.close()


async def test_a_hub_that_stops_before_a_device_has_left_puts_it_off_when_it_is_back(
    timeline: Timeline, tmp_path: Path
) -> None:
    kept = rig(store=tmp_path / "rig.sqlite", gas_meter={"install_code": CODE.hex()})
    async with living_home(kept, timeline) as home:
        broker, meter = Broker(home), home.meter
        assert meter is not None
        await broker.admit(GSME, "GSME")
        await timeline.sleep(timedelta(minutes=2))
        assert is_on_network(meter.radio)
        await home.host.radio.close()
        assert await broker.remove(GSME) == [0]
    async with living_home(kept, timeline) as home:
        meter = home.meter
        assert meter is not None
        await timeline.sleep(timedelta(hours=1))
        assert not is_on_network(meter.radio)
        assert home.hub.device_log.entries() == ()


async def test_a_key_that_the_radio_does_not_take_keeps_none_from_the_other_devices(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, failed = EventStream(), list[KeyNotEstablished]()
    events.subscribe(failed.append, KeyNotEstablished)
    devices, code = (ESME, PEER, GSME), link_key_of_install_code(CODE)
    async with open_home(rig(), timeline, events=events) as home:
        log, radio, given = home.hub.device_log, home.host.radio, list[int]()
        for eui64 in devices:
            log.add(Entry(eui64, DeviceType.IHD, code))
            log.establish(eui64, eui64.to_bytes(16))

        async def set_link_key(eui64: int, key: bytes) -> None:
            if eui64 == devices[0]:
                raise RadioError("its key table is full")
            given.append(eui64)

        monkeypatch.setattr(radio, "set_link_key", set_link_key)
        await home.hub.trust_centre._give_radio_its_keys()
        assert given == list(devices[1:])
        [event] = failed
        assert event.peer == devices[0]
        assert "its key table is full" in event.reason
