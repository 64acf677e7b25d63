"""One home on the bench: a hub (CHF and GPF on one radio), meters, displays, the air between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from bench.keys import derived_key_store, network_secret
from bench.partner_keys import PartnerKeys
from bench.radio_memory import RadioMemory
from bench.rig import Admitted, ElectricityMeter, Rig, RigError
from bench.rig import Display as DisplaySection
from bench.rig import GasMeter as GasMeterSection
from bench.settings import Settings
from bench.site import site_of
from chub.device_log import Entry
from chub.hub import CommunicationsHub
from chub.settings import ChfSettings
from device.chassis import Chassis
from device.clock import ClockSettings, DeviceClock
from device.credentials import Credentials
from device.events import EventStream
from device.gbz_engine import EngineSettings
from device.host import Host
from device.settings import PipelineSettings
from device.station import start_station
from device.store import MemoryStore, SqliteStore, Store
from device.timeline import Timeline
from esme.physics.site import Site
from esme.settings import EsmeSettings
from esme.station import ElectricityMeterStation
from gbcs.envelope import Message
from gbcs.eui64 import format_eui64
from gbcs.keys import KeyStore
from gbcs.party import DeviceType
from gbcs.stamp import Reliability
from gpf.device import GasProxy
from gpf.han_side import HubEndpoints
from gpf.settings import GpfSettings
from gsme.device import GasMeter
from gsme.model import GasMeterModel
from gsme.settings import GsmeSettings
from han.node import NodeSettings
from han.radio import HanRadio, NetworkParameters, Role, link_key_of_install_code
from hw.capture import PcapWriter
from hw.ether import Ether
from hw.radio_string import open_radio
from peers.display import Display
from peers.settings import DisplaySettings

ANSWER_LIMIT: Final = timedelta(hours=25)
"""Longest a message may wait for its Response in virtual time: a mailbox keeps it for a day."""


@dataclass(slots=True)
class Home:
    """What stands on the bench. ``capture_keys`` open a capture in Wireshark."""

    rig: Rig
    timeline: Timeline
    events: EventStream
    keys: KeyStore
    ether: Ether
    settings: Settings
    hub: CommunicationsHub
    gpf: GasProxy
    host: Host
    meter: GasMeter | None
    electricity_meter: ElectricityMeterStation | None = None
    displays: tuple[Display, ...] = ()
    partners: PartnerKeys = field(default_factory=lambda: PartnerKeys(""))
    capture_keys: tuple[bytes, ...] = field(repr=False, default=())
    upward: list[Callable[[bytes], object]] = field(default_factory=list)

    async def ask(self, command: Message, limit: timedelta = ANSWER_LIMIT) -> bytes:
        """Send a command through the WAN side and wait for its Response; TimeoutError if none."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes] = loop.create_future()

        def take(octets: bytes) -> None:
            if _answers(octets, command) and not answered.done():
                answered.set_result(octets)

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
        builder = _Builder(rig, timeline, stack, keys, events or EventStream(), site)
        path = capture or rig.capture
        if path is not None:
            writer = _writer(path, timeline, stack)
            builder.ether.tap(writer)
            stack.callback(builder.ether.untap, writer)
        home = await builder.build()
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
        asyncio.TaskGroup() as tasks,
    ):
        meters = [one for one in (home.meter, home.electricity_meter) if one is not None]
        end_handing_out = home.partners.hand_out(home.events, tasks)
        devices = (*meters, *home.displays)
        living = [tasks.create_task(one.live(), name=type(one).__name__) for one in devices]
        yield home
        end_handing_out()
        for task in living:
            task.cancel()


class _Builder:
    """Puts the parts of one home together, in the order in which they need each other."""

    def __init__(
        self,
        rig: Rig,
        timeline: Timeline,
        stack: AsyncExitStack,
        keys: KeyStore | None,
        events: EventStream,
        site: Site | None,
    ) -> None:
        self.site = site
        self.rig, self.timeline, self.stack, self.events = rig, timeline, stack, events
        self.settings = Settings(rig.settings)
        self.random = random.Random(rig.seed)
        self.ether = Ether(seed=rig.seed)
        self.store: Store = MemoryStore() if rig.store is None else SqliteStore(rig.store)
        stack.callback(self.store.close)
        self.keys = keys or load_keys(rig)
        self.partners = PartnerKeys(rig.keys.seed)

    async def build(self) -> Home:
        upward: list[Callable[[bytes], object]] = []

        def to_wan(octets: bytes) -> None:
            for take in tuple(upward):
                take(octets)

        hub = CommunicationsHub(
            self._chassis(self.rig.hub.chf, DeviceType.CHF),
            to_wan,
            settings=self.settings.of(ChfSettings),
            endpoint=self.rig.hub.chf_endpoint,
        )
        gpf = GasProxy(
            self._chassis(self.rig.hub.gpf, DeviceType.GPF),
            hub.device_log.__contains__,
            endpoints=HubEndpoints(self.rig.hub.esi_endpoint, self.rig.hub.mirror_endpoint),
            settings=self.settings.of(GpfSettings),
            pipeline_settings=self.settings.of(PipelineSettings),
            engine_settings=self.settings.of(EngineSettings),
        )
        hub.add_function(gpf.entity, gpf.answer)
        hub.pending_changed = gpf.han.set_tunnel_pending
        hub.device_removed = gpf.han.forget
        host = await self._start_hub(hub, gpf)
        network_key = await self._network(host.radio)
        meter = await self._gas_meter(hub)
        electricity_meter = await self._electricity_meter(hub)
        displays = [await self._display(hub, section) for section in self.rig.displays]
        for section in self.rig.admitted:
            await self._admit(hub, section, DeviceType(section.kind))
        if meter is not None:
            gpf.mirror.gsme_reliability = lambda: meter.clock_status
        return Home(
            rig=self.rig,
            timeline=self.timeline,
            events=self.events,
            keys=self.keys,
            ether=self.ether,
            settings=self.settings,
            hub=hub,
            gpf=gpf,
            host=host,
            meter=meter,
            electricity_meter=electricity_meter,
            displays=tuple(displays),
            partners=self.partners,
            capture_keys=(
                network_key,
                *(one.link_key for one in hub.device_log.entries()),
                *self.partners.all_keys(),
            ),
            upward=upward,
        )

    async def _start_hub(self, hub: CommunicationsHub, gpf: GasProxy) -> Host:
        wanted = self.rig.hub
        radio = self._closing(self._radio(wanted.radio, Role.COORDINATOR, wanted.gpf))
        host = await start_station(
            radio,
            [*gpf.han.endpoints, hub.endpoint],
            self.timeline,
            self.events,
            self.settings.of(NodeSettings),
        )
        if radio.eui64 != self.rig.hub.gpf:
            raise RigError(
                f"radio {self.rig.hub.radio!r} has EUI-64 {format_eui64(radio.eui64)}: the GPF's "
                f"entity identifier is the same, so write it as hub.gpf in the rig"
            )
        gpf.han.attach(host)
        hub.attach(host)
        await self.stack.enter_async_context(host.running())
        return host

    async def _network(self, radio: HanRadio) -> bytes:
        network = self.rig.network
        key = network.network_key or network_secret(self.rig.keys.seed, "network key")
        if not await radio.resume():
            await radio.form(NetworkParameters(network.channel, network.pan_id, radio.eui64, key))
        return key

    async def _gas_meter(self, hub: CommunicationsHub) -> GasMeter | None:
        section = self.rig.gas_meter
        if section is None:
            return None
        link_key = await self._admit(hub, section, DeviceType.GSME)
        settings = self.settings
        return GasMeter(
            self._chassis(section.eui64, DeviceType.GSME, Reliability(section.clock)),
            self.timeline,
            self._closing(self._radio(section.radio, Role.SLEEPY_END_DEVICE, section.eui64)),
            link_key,
            model=_model(section),
            settings=settings.of(GsmeSettings),
            node_settings=settings.of(NodeSettings),
            pipeline_settings=settings.of(PipelineSettings),
            engine_settings=settings.of(EngineSettings),
            draw_jitter=lambda limit_s: self.random.uniform(0, limit_s),
        )

    async def _electricity_meter(self, hub: CommunicationsHub) -> ElectricityMeterStation | None:
        section = self.rig.electricity_meter
        if section is None:
            return None
        link_key = await self._admit(hub, section, DeviceType.ESME)
        return ElectricityMeterStation(
            self._chassis(section.eui64, DeviceType.ESME, Reliability(section.clock)),
            self.timeline,
            self._partner(section),
            link_key,
            self.site or site_of(section),
            settings=self.settings.of(EsmeSettings),
            pipeline_settings=self.settings.of(PipelineSettings),
            node_settings=self.settings.of(NodeSettings),
        )

    async def _display(self, hub: CommunicationsHub, section: DisplaySection) -> Display:
        kind = DeviceType(section.kind)
        link_key = await self._admit(hub, section, kind)
        return Display(
            self._chassis(section.eui64, kind, Reliability.INVALID),
            self.timeline,
            self._partner(section),
            link_key,
            settings=self.settings.of(DisplaySettings),
            node_settings=self.settings.of(NodeSettings),
        )

    async def _admit(
        self,
        hub: CommunicationsHub,
        section: GasMeterSection | ElectricityMeter | DisplaySection | Admitted,
        kind: DeviceType,
    ) -> bytes:
        """Put a device into the device log and open joining for it; its link key."""
        code = section.install_code or network_secret(
            self.rig.keys.seed, f"install code {format_eui64(section.eui64)}"
        )
        link_key = link_key_of_install_code(code)
        await hub.add_device(Entry(section.eui64, kind, link_key))
        return link_key

    def _partner(self, section: ElectricityMeter | DisplaySection) -> HanRadio:
        """The radio of a device that others talk to past the hub."""
        radio = self._closing(self._radio(section.radio, Role.ROUTER, section.eui64))
        self.partners.radios[section.eui64] = radio
        return radio

    def _closing(self, radio: HanRadio) -> HanRadio:
        """Close a radio with the home."""
        self.stack.push_async_callback(radio.close)
        return radio

    def _radio(self, text: str, role: Role, eui64: int) -> HanRadio:
        memory = RadioMemory(self.store.scope(f"radio {format_eui64(eui64)}"))
        return open_radio(text, role, ether=self.ether, eui64=eui64, store=memory)

    def _chassis(
        self, eui64: int, kind: DeviceType, status: Reliability = Reliability.RELIABLE
    ) -> Chassis:
        clock = DeviceClock(
            self.timeline.now, settings=self.settings.of(ClockSettings), status=status
        )
        return Chassis(
            Credentials(eui64, kind, self.keys),
            true_time=self.timeline.now,
            clock=clock,
            store=self.store,
            events=self.events,
        )


def load_keys(rig: Rig) -> KeyStore:
    """The keys of a rig: a directory of PEM files, or test keys derived from its seed."""
    if rig.keys.directory is not None:
        keys = KeyStore.from_directory(rig.keys.directory)
        keys.access_control_broker = rig.parties.access_control_broker
        return keys
    devices = [rig.hub.gpf, rig.hub.chf, *rig.device_types]
    return derived_key_store(rig.keys.seed, rig.parties.by_role(), devices)


def _model(section: GasMeterSection) -> GasMeterModel:
    return GasMeterModel(
        volume_dm3=section.volume_dm3,
        flow_dm3_per_h=section.flow_dm3_per_h,
        credit_remaining=section.credit_remaining_millipence,
        emergency_credit_remaining=section.emergency_credit_remaining_millipence,
        accumulated_debt=section.accumulated_debt_millipence,
        bill_to_date=section.bill_to_date_millipence,
    )


def _writer(path: Path, timeline: Timeline, stack: AsyncExitStack) -> PcapWriter:
    try:
        file = stack.enter_context(path.open("wb"))
    except OSError as error:
        raise RigError(f"capture {path}: {error.strerror}") from error
    return PcapWriter(file, timeline.now)


def _answers(octets: bytes, command: Message) -> bool:
    answer = Message.parse(octets)
    return (answer.originator, answer.recipient, answer.originator_counter) == (
        command.recipient,
        command.originator,
        command.originator_counter,
    )
