"""One home on the bench: a hub (CHF and GPF on one radio), meters, displays, the air between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from bench import devices
from bench.air import FaultBegan, FaultEnded, capture_type, describe, plan_faults
from bench.air_keys import AirKeys
from bench.boosts import press
from bench.elapsed import keep_elapsed
from bench.hub import offer_firmware, start_hub
from bench.network_key import keep_changing, keep_refreshing
from bench.pace import BehindClock, watch_pace
from bench.pairs import pair_devices
from bench.parts import Parts
from bench.remote_party import is_response_to
from bench.rig import Rig, RigError
from bench.rig_air import AirFault
from bench.settings import Settings
from chub.device_log import DeviceLogFull, Entry
from chub.hub import CommunicationsHub
from chub.settings import ChfSettings
from device.events import EventStream
from device.host import Host
from device.outbox import Offer
from device.store import Store
from device.timeline import REAL, Timeline
from esme.physics.site import Site
from esme.sapc.device import SapcStation
from esme.station import ElectricityMeterStation
from gbcs.envelope import Message
from gbcs.keys import KeyStore
from gpf.device import GasProxy
from gsme.device import GasMeter
from han.cbke.authority import RandomOctets
from hw.capture import LinkType, PcapWriter
from hw.ether import Ether
from peers.cad import ConsumerAccessDevice
from peers.display import Display
from peers.hcalcs import LoadControlSwitch

NETWORK_KEY_OCTETS: Final = 16
ANSWER_LIMIT: Final = timedelta(hours=25)
"""Longest a message may wait for its Response in virtual time: a mailbox keeps it for a day."""


@dataclass(slots=True)
class Home:
    """What stands on the bench."""

    rig: Rig
    timeline: Timeline
    events: EventStream
    keys: KeyStore
    ether: Ether
    settings: Settings
    hub: CommunicationsHub
    gpf: GasProxy
    host: Host
    air_keys: AirKeys
    octets: RandomOctets
    store: Store
    meter: GasMeter | None = None
    electricity_meter: ElectricityMeterStation | None = None
    displays: tuple[Display, ...] = ()
    controllers: tuple[LoadControlSwitch | SapcStation, ...] = ()
    access_devices: tuple[ConsumerAccessDevice, ...] = ()
    upward: list[Offer] = field(default_factory=list)
    """Who is offered what goes to the WAN; what all of them answer with False waits in the hub."""

    @property
    def capture_keys(self) -> tuple[bytes, ...]:
        """Keys that open a capture of the home's air in Wireshark, the network key first.

        Ask when the capture ends: link keys are established while the home lives.
        """
        return tuple(dict.fromkeys((*self.air_keys, *self.ether.keys)))

    async def change_network_key(self, key: bytes | None = None) -> None:
        """Give the home a new network key (one made up when none is given); returns when in use."""
        settle = timedelta(seconds=self.settings.of(ChfSettings).network_key_settle_s)
        await self.hub.trust_centre.change_network_key(
            key or self.octets(NETWORK_KEY_OCTETS), lambda: self.timeline.sleep(settle)
        )

    def tell_fault(self, section: AirFault, begins: bool) -> None:
        """Publish that a fault of the rig's air began or ended."""
        named = next(section.stations(), "hub")
        event = FaultBegan if begins else FaultEnded
        self.events.publish(
            event(
                moment=self.timeline.now(),
                device=self.rig.station(named),
                what=describe(section),
            )
        )

    def tell_behind(self, behind: timedelta) -> None:
        """Publish that the bench does not keep up with its clock."""
        here = self.hub.chassis.here()
        waits = self.timeline.rate != REAL
        self.events.publish(BehindClock(**here, behind=behind, waits=waits))

    async def ask(self, command: Message, limit: timedelta = ANSWER_LIMIT) -> bytes:
        """Send a command through the WAN side and wait for its Response; TimeoutError if none."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes] = loop.create_future()

        def take(octets: bytes) -> bool:
            mine = is_response_to(octets, command)
            if mine and not answered.done():
                answered.set_result(octets)
            return mine

        self.upward.append(take)
        try:
            self.hub.deliver(command.to_bytes())
            async with self.timeline.timeout_at(self.timeline.now() + limit):
                return await answered
        finally:
            self.upward.remove(take)


@asynccontextmanager
async def open_home(
    rig: Rig,
    timeline: Timeline,
    *,
    keys: KeyStore | None = None,
    events: EventStream | None = None,
    capture: Path | None = None,
    site: Site | None = None,
) -> AsyncIterator[Home]:
    """Build the home of a rig and run the hub; the meter lives once its ``live`` is started.

    ``site`` is what the electricity meter is connected to, when not what the rig says.
    """
    async with AsyncExitStack() as stack:
        parts = Parts.of(rig, timeline, stack, keys, events or EventStream(), site)
        path = capture or rig.capture
        if path is not None:
            writer = _writer(path, timeline, stack, capture_type(rig))
            parts.ether.tap(writer)
            stack.callback(parts.ether.untap, writer)
        home = await _build(parts)
        stack.callback(plan_faults(rig, parts.ether, home.tell_fault).cancel)
        yield home


@asynccontextmanager
async def living_home(
    rig: Rig,
    timeline: Timeline,
    *,
    keys: KeyStore | None = None,
    events: EventStream | None = None,
    capture: Path | None = None,
    site: Site | None = None,
) -> AsyncIterator[Home]:
    """A home whose meters and displays live too."""
    async with (
        open_home(rig, timeline, keys=keys, events=events, capture=capture, site=site) as home,
        devices_alive(home),
    ):
        yield home


@asynccontextmanager
async def devices_alive(home: Home) -> AsyncIterator[None]:
    """Let the meters and displays of an open home live while the block lasts."""
    async with asyncio.TaskGroup() as tasks:
        meters = [one for one in (home.meter, home.electricity_meter) if one is not None]
        living = [
            tasks.create_task(one.live(), name=type(one).__name__)
            for one in (*meters, *home.displays, *home.controllers, *home.access_devices)
        ]
        section = home.rig.electricity_meter
        if home.electricity_meter is not None and section is not None:
            pressing = press(home.electricity_meter, section.boosts, home.timeline)
            living.append(tasks.create_task(pressing, name="boost key"))
        if home.rig.network.new_key_every_s is not None:
            every = timedelta(seconds=home.rig.network.new_key_every_s)
            living.append(tasks.create_task(keep_changing(home, every), name="network keys"))
        if home.rig.network.new_link_keys_every_s is not None:
            every = timedelta(seconds=home.rig.network.new_link_keys_every_s)
            living.append(tasks.create_task(keep_refreshing(home, every), name="link keys"))
        if home.rig.store is not None and home.rig.has_own_time:
            keeping = keep_elapsed(home.store, home.timeline)
            living.append(tasks.create_task(keeping, name="bench time"))
        pace = watch_pace(home.timeline, home.tell_behind)
        living.append(tasks.create_task(pace, name="pace"))
        yield
        for task in living:
            task.cancel()


async def _build(parts: Parts) -> Home:
    """Put the parts of one home together, in the order in which they need each other."""
    rig, upward = parts.rig, list[Offer]()

    def to_wan(octets: bytes) -> bool:
        taken = [take(octets) is not False for take in tuple(upward)]
        return any(taken)

    hub, gpf, host = await start_hub(parts, to_wan)
    home = Home(
        rig=rig,
        timeline=parts.timeline,
        events=parts.events,
        keys=parts.keys,
        ether=parts.ether,
        settings=parts.settings,
        hub=hub,
        gpf=gpf,
        host=host,
        air_keys=parts.air_keys,
        octets=parts.octets(rig.hub.gpf),
        store=parts.store,
        upward=upward,
    )
    if rig.gas_meter is not None:
        home.meter = meter = devices.gas_meter(parts, rig.gas_meter)
        gpf.mirror.gsme_reliability = lambda: meter.clock_status
    if rig.electricity_meter is not None:
        home.electricity_meter = devices.electricity_meter(parts, rig.electricity_meter)
    home.displays = tuple(devices.display(parts, section) for section in rig.displays)
    home.access_devices = tuple(devices.access_device(parts, one) for one in rig.access_devices)
    home.controllers = tuple(devices.controller(parts, section) for section in rig.controllers)
    if rig.hub.admit == "rig":
        for section, kind in devices.sections(parts):
            await _let_in(hub, Entry(section.eui64, kind, parts.link_key(section)))
    if (rig.pairs or rig.hub.admit) == "rig":
        pair_devices(parts, home)
    offer_firmware(hub, rig.firmware)
    return home


async def _let_in(hub: CommunicationsHub, entry: Entry) -> None:
    try:
        await hub.add_device(entry)
    except DeviceLogFull as error:
        raise RigError(f"{error} (chf.device_log_places)") from error


def _writer(
    path: Path, timeline: Timeline, stack: AsyncExitStack, link_type: LinkType
) -> PcapWriter:
    try:
        file = stack.enter_context(path.open("wb"))
    except OSError as error:
        raise RigError(f"capture {path}: {error.strerror}") from error
    return PcapWriter(file, timeline.now, link_type)
