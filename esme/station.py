"""The meter on a radio: joins, is read through the hub's tunnel and by displays, keeps the time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from device.asking import read_hub_time
from device.download import FirmwareDownload
from device.host import Host, HostError
from device.hub_tunnel import HubTunnel
from device.settings import PipelineSettings
from device.station import Station
from device.tokens import PrepaySettings
from esme.control.settings import ControlSettings
from esme.control.state import Boost
from esme.device import ElectricityMeterDevice
from esme.face import HanFace, time_client
from esme.face.prepayment import HouseholdActions
from esme.load_control import LoadControl
from esme.meter import Identity
from esme.physics.site import Site
from esme.settings import EsmeSettings
from han.endpoint import Endpoint
from han.publisher import Publisher
from han.radio import RadioError

METERING_DEVICE: Final = 0x0501


class ElectricityMeterStation:
    """One electricity meter on one radio."""

    def __init__(
        self,
        station: Station,
        site: Site,
        *,
        identity: Identity | None = None,
        settings: EsmeSettings | None = None,
        control_settings: ControlSettings | None = None,
        pipeline_settings: PipelineSettings | None = None,
        token_settings: PrepaySettings | None = None,
    ) -> None:
        chassis, timeline, endpoint = station.chassis, station.timeline, station.endpoint
        self.radio, self.joining = station.radio, station.joining
        self.settings = settings or EsmeSettings()
        self._station, self._timeline, self._endpoint = station, timeline, endpoint
        self._tunnel = HubTunnel(chassis, timeline, self.radio, endpoint, self._answer)
        self._heard: tuple[datetime, datetime] | None = None
        self._changed = asyncio.Event()
        self._advanced = asyncio.Event()
        self._host: Host | None = None
        self._publisher = Publisher(endpoint, list)
        self.device = ElectricityMeterDevice(
            chassis,
            site,
            hub_time=self.hub_time,
            identity=identity,
            settings=self.settings,
            control_settings=control_settings,
            pipeline_settings=pipeline_settings,
            token_settings=token_settings,
        )
        self._download = FirmwareDownload(
            chassis,
            timeline,
            endpoint,
            self.device.meter.firmware,
            self.device.firmware_receipt,
        )
        self.joining.on_joined(self._download.look)
        self.face = HanFace(
            self.device.meter,
            endpoint=endpoint,
            fresh=self.device.freshen,
            acting=self._acting,
        )
        self._load_control = LoadControl(self.device, timeline, endpoint, self._changed.set)

    @property
    def keys(self) -> HouseholdActions:
        """The meter's own keys: what a person standing before it can do."""
        return HouseholdActions(self.device.meter, self._acting, at_keys=True)

    def hub_time(self) -> datetime | None:
        """The hub's time, as it was last read and has gone on since; None before the first time."""
        if self._heard is None:
            return None
        read_at, shown = self._heard
        return shown + (self._timeline.now() - read_at)

    def press_boost(self, minutes: int) -> Boost | None:
        """The consumer presses the boost key: 15, 30, 45 or 60 minutes; None: in vain."""
        boost = self.device.press_boost(minutes)
        self._changed.set()
        return boost

    def end_boost(self) -> None:
        """The consumer ends the boost."""
        self.device.end_boost()
        self._changed.set()

    async def live(self) -> None:
        """Measure; while there is a supply join, answer and tell. Until cancelled."""
        host = await self.start()
        self.device.advance()
        async with host.running(), asyncio.TaskGroup() as tasks:
            tasks.create_task(self._measure(), name="meter")
            tasks.create_task(self._be_on_the_air(host), name="meter's radio")

    async def _be_on_the_air(self, host: Host) -> None:
        """The radio has the supply that the meter has: without one it is silent."""
        while True:
            await self._power_is(on=True)
            async with asyncio.TaskGroup() as tasks:
                present = tasks.create_task(self._be_present(host), name="meter on its HAN")
                await self._power_is(on=False)
                present.cancel()
            self._tunnel.lose_memory()
            await self.radio.cut_power()
            await self._power_is(on=True)
            self.device.chassis.clock.power_loss(backup_held=True)
            await self.joining.rejoin()

    async def _be_present(self, host: Host) -> None:
        await self.joining.join()
        self._load_control.resume()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_time(host), name="meter's clock")
            tasks.create_task(self.joining.stay(), name="meter stays on its HAN")

    async def _power_is(self, *, on: bool) -> None:
        """Return once there is a supply, or none."""
        while self.device.powered is not on:
            self._advanced.clear()
            await self._advanced.wait()

    async def start(self) -> Host:
        """Open the radio and put the meter's node on it."""
        served = (
            *self.face.served(),
            *self.joining.served(),
            self._tunnel.served(),
            self._load_control.served(),
            self._download.served(),
            time_client(),
        )
        endpoint = Endpoint(self._endpoint, METERING_DEVICE, served=served)
        host = await self._station.start(endpoint)
        self._tunnel.attach(host)
        self._download.attach(host)
        self._publisher = Publisher(self._endpoint, lambda: host.node.bindings)
        host.node.attach(self._publisher)
        host.on_node_event(self._publisher.hear)
        host.on_progress(self._progress)
        self._host = host
        self._load_control.attach(host)
        return host

    async def _measure(self) -> None:
        """Advance the meter whenever it has something to do, or a command may have changed that."""
        while True:
            self.device.advance()
            self._advanced.set()
            self._publish()
            self._load_control.send_waiting()
            self._changed.clear()
            await self._timeline.wait_for(self._changed, self._next_stop())

    @contextmanager
    def _acting(self) -> Iterator[None]:
        with self.device.acting():
            yield
        self._changed.set()

    def _publish(self) -> None:
        """Tell displays what changed."""
        news, host = self.face.news(), self._host
        for definition, message in news:
            self._publisher.publish(definition, message)
        if news and host is not None:
            host.kick()

    def _next_stop(self) -> datetime | None:
        deadline = self.device.deadline
        if deadline is None:
            return None
        return max(deadline, self._timeline.now() + timedelta.resolution)

    async def _keep_time(self, host: Host) -> None:
        """Read the hub's time at the start and then once a day."""
        while True:
            try:
                self._take_time(await read_hub_time(host, self._endpoint))
                wait_s = self.settings.time_sync_period_s
            except (HostError, RadioError):
                self.device.chassis.clock.hub_silent()
                wait_s = self.settings.time_retry_s
            await self._timeline.sleep(timedelta(seconds=wait_s))

    def _take_time(self, hub_time: datetime | None) -> None:
        if hub_time is not None:
            self._heard = (self._timeline.now(), hub_time)
            self._changed.set()
        self.device.chassis.clock.hear(hub_time)

    def _progress(self) -> None:
        if self.face.board.has_events:
            self._changed.set()

    def _answer(self, octets: bytes) -> bytes | None:
        response = self.device.answer(octets)
        self._changed.set()
        return response
