"""A home with both meters, a supplier, and a display that can be switched off and on again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bench.demo.cot_supplier import Supplier
from bench.home import Home, living_home
from bench.radio_memory import RadioMemory
from bench.remote_party import RemoteParty
from bench.rig import Rig
from chub.device_log import Entry
from device.chassis import Chassis
from device.clock import DeviceClock
from device.credentials import Credentials
from device.events import Event
from device.joining import Joining
from device.station import Station, start_station
from device.store import MemoryStore, Store
from device.timeline import Timeline
from gbcs.catalogue import by_name
from gbcs.envelope import Message
from gbcs.party import DeviceType
from gbcs.plain import Plain
from gbcs.stamp import Stamp
from gbcs.zcl.types import zcl_seconds
from han.clusters import METERING
from han.commands.metering import GetSampledData, GetSampledDataResponse
from han.endpoint import Endpoint
from han.radio import HanRadio, Role
from han.requests import Far, command_of
from han.zcl.payload import decode, encode
from han.zcl.tables import Cluster, Side
from hw.radio_string import open_radio
from peers.display import Display
from peers.event import HistoryWiped, TenancyAsked
from peers.memory import FuelMemory
from peers.reading import Fuel
from peers.settings import DisplaySettings
from tests.joining import credentials
from tests.virtual_time import START

DISPLAY = 0x02434855420000D1
READER = 0x02434855420000C1
ESME = 0x02434855420000A0
LINK_KEY = bytes(range(16))
SETTINGS = DisplaySettings(electricity_poll_s=600, details_poll_s=7200)
_HOME = {"hub": {"radio": "ether:"}, "start": START, "electricity_meter": {"eui64": ESME}}
RIG = Rig.model_validate({**_HOME, "settings": {"gpf": {"cot_publish": False}}})
"""A home whose gas proxy tells nobody of a new tenant: displays have to ask."""
TELLING: Final = Rig.model_validate(_HOME)
"""One whose gas proxy tells them."""
GAS, ELECTRICITY = Fuel.GAS, Fuel.ELECTRICITY


@dataclass
class Bench:
    """``store`` is the display's; it outlives every display."""

    home: Home
    timeline: Timeline
    store: Store
    settings: DisplaySettings
    asked: list[TenancyAsked] = field(default_factory=list)
    wiped: list[HistoryWiped] = field(default_factory=list)
    display: Display | None = None
    _living: asyncio.Task[None] | None = None
    _radio: HanRadio | None = None
    _counter: int = 0
    _readers: int = 0

    def __post_init__(self) -> None:
        self.home.events.subscribe(self._note, TenancyAsked, HistoryWiped)

    def _note(self, event: Event) -> None:
        if isinstance(event, TenancyAsked):
            self.asked.append(event)
        elif isinstance(event, HistoryWiped):
            self.wiped.append(event)

    def switch_on(self) -> Display:
        """A display as it comes up on its store."""
        home = self.home
        chassis = self._chassis(DISPLAY, DeviceType.IHD, self.store)
        memory = RadioMemory(self.store.scope("radio"))
        radio = open_radio("ether:", Role.ROUTER, ether=home.ether, eui64=DISPLAY, store=memory)
        self._radio = radio
        join = credentials(DISPLAY, LINK_KEY)
        station = Station(chassis, self.timeline, radio, join, endpoint=77)
        self.display = Display(station, settings=self.settings)
        self._living = asyncio.create_task(self.display.live())
        return self.display

    def _chassis(self, eui64: int, kind: DeviceType, store: Store) -> Chassis:
        return Chassis(
            Credentials(eui64, kind, self.home.keys),
            true_time=self.timeline.now,
            clock=DeviceClock(self.timeline.now),
            store=store,
            events=self.home.events,
        )

    async def switch_off(self) -> BaseException | None:
        """Cut its power; what had ended its life before, if anything had."""
        assert self._living is not None
        assert self._radio is not None
        self._living.cancel()
        fault: BaseException | None = None
        try:
            await self._living
        except asyncio.CancelledError:
            pass
        except BaseExceptionGroup as group:
            fault = group
        await self._radio.close()
        self.display = None
        return fault

    async def until(self, clock: str, *, days: int = 0) -> None:
        """Let the time go on to an hour and minute of the first day, or of a later one."""
        await self.timeline.sleep_until(at(clock) + timedelta(days=days))

    async def change_gas(self, moment: datetime) -> None:
        """GCS09, as a supplier sends it."""
        values: dict[str, Plain] = {
            "PublishChangeofTenancy.IssuerEventID": zcl_seconds(self.timeline.now()),
            "PublishChangeofTenancy.ImplementationDateTime": zcl_seconds(moment),
        }
        await self._command("GCS09", self.home.gpf.entity, values)

    async def change_electricity(self, moment: datetime) -> None:
        """ECS12, as a supplier sends it."""
        octets = "0x" + Stamp.of(moment).to_bytes().hex()
        await self._command("ECS12", ESME, {"restrictDataDateTime.value": octets})

    async def _command(self, use_case: str, to: int, values: dict[str, Plain]) -> Message:
        self._counter += 1
        supplier = RemoteParty(RIG.parties.supplier, self.home.keys)
        command = supplier.command(by_name(use_case), to, self._counter, values)
        return Message.parse(await self.home.ask(command, timedelta(minutes=5)))

    async def half_hours_at_home(self) -> int:
        """How many half hours of gas one more device of the home reads over the air."""
        home, self._readers = self.home, self._readers + 1
        reader = READER + self._readers
        radio = open_radio("ether:", Role.ROUTER, ether=home.ether, eui64=reader)
        await home.hub.add_device(Entry(reader, DeviceType.CAD, LINK_KEY))
        chassis = self._chassis(reader, DeviceType.CAD, MemoryStore())
        joining = Joining(chassis, self.timeline, radio, credentials(reader, LINK_KEY), 5)
        client: Cluster[None] = Cluster(METERING, Side.CLIENT)
        endpoints = [Endpoint(5, 0x0502, served=[client.on(None), *joining.served()])]
        host = await start_station(radio, endpoints, self.timeline, home.events)
        joining.attach(host)
        async with host.running():
            await joining.join()
            asked = encode(GetSampledData(0, 0, 0, 100))
            mirror = Far(home.gpf.entity, home.gpf.han.mirror_endpoint.number, 0x0702, 5)
            get = command_of(METERING, "GetSampledData")
            answer = await host.request(mirror.command(get, asked))
            await radio.close()
        if not answer.is_cluster_command:
            return 0
        return decode(GetSampledDataResponse, answer.payload).count

    async def half_hours_of_supplier(self) -> int:
        """How many the supplier reads (GCS17)."""
        supplier = Supplier(self.home, ESME, counter=self._counter)
        return await supplier.gas_half_hours()

    def memory(self, fuel: Fuel = GAS) -> FuelMemory:
        """What the display remembers, also while it is off."""
        scope = self.store.scope(f"{DISPLAY:016X}")
        return FuelMemory(scope, fuel, self.settings.history_entries)

    def history(self, fuel: Fuel = GAS) -> list[str]:
        """The half hours of which the display holds an entry."""
        return [f"{entry.at:%H:%M}" for entry in self.memory(fuel).history()]

    def wipes(self, fuel: Fuel = GAS) -> list[str]:
        """When it wiped."""
        return [f"{event.moment:%H:%M}" for event in self.wiped if event.fuel is fuel]


def at(clock: str) -> datetime:
    """An hour and minute of the first day."""
    hour, minute = map(int, clock.split(":"))
    return START + timedelta(hours=hour, minutes=minute)


@asynccontextmanager
async def bench(
    timeline: Timeline,
    *,
    settings: DisplaySettings = SETTINGS,
    store: Store | None = None,
    rig: Rig = RIG,
    capture: Path | None = None,
) -> AsyncIterator[Bench]:
    """A living home whose display is on."""
    async with living_home(rig, timeline, capture=capture) as home:
        await home.hub.add_device(Entry(DISPLAY, DeviceType.IHD, LINK_KEY))
        made = Bench(home, timeline, store or MemoryStore(), settings)
        made.switch_on()
        try:
            yield made
        finally:
            with suppress(AssertionError):
                await made.switch_off()
