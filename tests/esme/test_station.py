"""A meter on the virtual air, with a hub that tunnels commands to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bench.home import Home, open_home
from bench.keys import derived_key_store
from bench.radio_memory import RadioMemory
from bench.rig import Hub, Rig
from chub.device_log import Entry
from device.chassis import Chassis
from device.clock import DeviceClock, Occurrence
from device.cosem.fields import elements
from device.cosem.shape import plain
from device.cosem.table import Place
from device.credentials import Credentials
from device.events import ClockStepped
from device.station import Station
from device.store import MemoryStore
from device.timeline import Timeline
from esme.physics.site import Site
from esme.station import ElectricityMeterStation
from gbcs.catalogue import by_name
from gbcs.dlms.apdu import (
    AccessRequest,
    AccessResponse,
    DataNotification,
    Kind,
    RequestItem,
    invoke_id,
)
from gbcs.dlms.selection import LogRange
from gbcs.envelope import Cra, Message
from gbcs.party import DeviceType
from gbcs.protection import protect
from gbcs.stamp import Reliability
from han.radio import Role
from hw.radio_string import open_radio
from tests.esme.bench import mains, volts, watts
from tests.joining import credentials
from tests.virtual_time import START

ESME = 0x02434855420000A0
LINK_KEY = bytes(range(16))
RIG = Rig(hub=Hub(radio="ether:"), gas_meter=None, start=START)


@asynccontextmanager
async def home_with(
    timeline: Timeline, site: Site, status: Reliability = Reliability.RELIABLE
) -> AsyncIterator[tuple[Home, ElectricityMeterStation]]:
    keys = derived_key_store("chub", RIG.parties.by_role(), [RIG.hub.gpf, RIG.hub.chf, ESME])
    async with open_home(RIG, timeline, keys=keys) as home, asyncio.TaskGroup() as tasks:
        await home.hub.add_device(Entry(ESME, DeviceType.ESME, LINK_KEY))
        store = MemoryStore()
        chassis = Chassis(
            Credentials(ESME, DeviceType.ESME, home.keys),
            true_time=timeline.now,
            clock=DeviceClock(timeline.now, status=status),
            store=store,
            events=home.events,
        )
        memory = RadioMemory(store.scope("radio"))
        radio = open_radio("ether:", Role.ROUTER, ether=home.ether, eui64=ESME, store=memory)
        place = Station(chassis, timeline, radio, credentials(ESME, LINK_KEY))
        station = ElectricityMeterStation(place, site)
        living = tasks.create_task(station.live())
        await timeline.sleep(timedelta(minutes=2))
        yield home, station
        living.cancel()
        await radio.close()


def read_voltage(home: Home, counter: int) -> Message:
    places = [f"3/1-0:32.{group}.0.4/{n}" for group in (32, 36) for n in (2, 3)]
    items = [RequestItem(Kind.GET, *Place.parse(place)) for place in places]
    profile, period = (Place.parse(f"7/1-0:32.24.0.255/{n}") for n in (2, 4))
    everything = LogRange(0, 0xFFFFFFFF).to_data()
    items.append(RequestItem(Kind.GET_WITH_SELECTION, *profile, selector=1, selection=everything))
    items.append(RequestItem(Kind.GET, *period))
    message = Message(
        cra=Cra.COMMAND,
        originator_counter=counter,
        originator=RIG.parties.network_operator,
        recipient=ESME,
        message_code=by_name("ECS23").message_code,
        payload=AccessRequest(invoke_id(counter), tuple(items)).to_bytes(),
    )
    return protect(message, home.keys)


async def test_a_network_operator_reads_the_voltage_over_the_air(timeline: Timeline) -> None:
    site = mains(volts(233), watts(500))
    async with home_with(timeline, site) as (home, _):
        await timeline.sleep(timedelta(hours=1))
        octets = await home.ask(read_voltage(home, 1000), timedelta(minutes=5))
    response = AccessResponse.parse(Message.parse(octets).payload)
    assert [mean for _, mean in map(elements, elements(plain(response.results[4].data)))] == [
        233,
        233,
    ]


@pytest.mark.parametrize(("minutes", "code"), [(0.5, 0x8F35), (10, 0x8F36), (200, 0x8F36)])
async def test_an_outage_is_told_to_the_network_operator(
    timeline: Timeline, minutes: float, code: int
) -> None:
    off = START + timedelta(minutes=10)
    on = off + timedelta(minutes=minutes)
    site = mains(volts(230, (off, 0), (on, 230)))
    told: list[Message] = []
    async with home_with(timeline, site) as (home, _):
        home.upward.append(lambda octets: told.append(Message.parse(octets)))
        await home.ask(read_voltage(home, 1000), timedelta(minutes=5))
        await timeline.sleep_until(on + timedelta(minutes=1))
    alerts = [message for message in told if message.cra is Cra.ALERT]
    bodies = [elements(plain(DataNotification.parse(alert.payload).body)) for alert in alerts]
    assert [body[0] for body in bodies] == [code]
    assert alerts[0].recipient == RIG.parties.network_operator


async def test_the_meter_reads_the_hubs_time(timeline: Timeline) -> None:
    async with home_with(timeline, mains(volts(230)), Reliability.UNRELIABLE) as (_, station):
        await timeline.sleep(timedelta(minutes=1))
        assert station.device.chassis.clock.status is Reliability.RELIABLE
        assert station.hub_time() is not None


def on_the_air(station: ElectricityMeterStation) -> bool:
    return station.radio.on_network


async def test_a_meter_without_a_supply_is_off_the_air_and_comes_back_with_it(
    timeline: Timeline,
) -> None:
    off, on = START + timedelta(minutes=10), START + timedelta(minutes=50)
    site = mains(volts(230, (off, 0), (on, 230)))
    stepped: list[ClockStepped] = []
    async with home_with(timeline, site) as (home, station):
        home.events.subscribe(stepped.append, ClockStepped)
        await home.ask(read_voltage(home, 1000), timedelta(minutes=5))
        await timeline.sleep_until(off + timedelta(minutes=1))
        assert not on_the_air(station)
        asked = asyncio.create_task(home.ask(read_voltage(home, 1001), timedelta(hours=2)))
        await timeline.sleep_until(on - timedelta(seconds=1))
        assert not asked.done()
        assert station.device.chassis.clock.status is Reliability.RELIABLE
        await asked
        assert timeline.now() >= on
        assert on_the_air(station)
        await timeline.sleep(timedelta(minutes=1))
        assert station.device.chassis.clock.status is Reliability.RELIABLE
    assert [one.occurrence for one in stepped if one.device == ESME][-2:] == [
        Occurrence.POWER_BRIDGED,
        Occurrence.SYNC_WITHIN,
    ]


async def test_a_meter_that_is_switched_on_without_a_supply_joins_when_it_comes(
    timeline: Timeline,
) -> None:
    on = START + timedelta(minutes=1)
    async with home_with(timeline, mains(volts(0, (on, 230)))) as (_, station):
        assert station.joining.authorised
        [joined] = station.device.chassis.event_log.entries()
        assert joined.at is not None
        assert joined.at >= on
