"""An HCALCS: a switch of a load that obeys its electricity meter over the HAN.

It joins, finds the meter that serves Demand Response and Load Control, asks what it is to do
(HECS01), and switches as events begin and end. Its supplier reaches it with GBCS commands through
the tunnel that the hub opens. When the meter falls silent for long, the load goes to its default.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from device.alerts import Alerts
from device.asking import read_attributes
from device.command import Answered
from device.common import AUTHORITY, CommonCommands, common_use_cases
from device.download import FirmwareDownload
from device.firmware import Firmware
from device.host import Host, HostError
from device.hub_tunnel import HubTunnel
from device.partner_keys import PartnerKeys
from device.pipeline import Pipeline
from device.settings import PipelineSettings
from device.station import Station
from gbcs.party import DeviceType
from han.clusters import BASIC, DEMAND_RESPONSE
from han.load_control import LoadController
from han.radio import RadioError
from han.requests import Far
from peers.event import ControlAsked, RelaySwitched
from peers.search import Search
from peers.settings import HcalcsSettings
from peers.views import load_switch_endpoint

USE_CASES: Final = common_use_cases(DeviceType.HCALCS)
_ZCL_VERSION: Final = 0x0000
NOT_IN_USE: Final = 0xFF
"""Duty cycle of an event that leaves it out."""


class LoadControlSwitch:
    """One HCALCS on one radio. ``on`` is its load; ``firmware`` the version it was made with."""

    def __init__(
        self,
        station: Station,
        *,
        firmware: bytes = bytes(4),
        settings: HcalcsSettings | None = None,
        pipeline_settings: PipelineSettings | None = None,
    ) -> None:
        chassis, timeline, endpoint = station.chassis, station.timeline, station.endpoint
        self.chassis, self.joining = chassis, station.joining
        self._station, self._timeline, self._endpoint = station, timeline, endpoint
        self.settings = settings or HcalcsSettings()
        self.on = self.settings.default_on
        self.load = LoadController(None, self.settings.device_class, self.settings.enrolment_group)
        self._tunnel = HubTunnel(chassis, timeline, station.radio, endpoint, self.execute)
        self._alerts = Alerts(chassis)
        held = Firmware(chassis.store, lambda: firmware, chassis.broken)
        self.common = CommonCommands(chassis, self._tell, held)
        self._download = FirmwareDownload(chassis, timeline, endpoint, held)
        self.joining.on_joined(self._download.look)
        self.pipeline = Pipeline(
            chassis,
            handlers=self.common.handlers,
            authority=AUTHORITY,
            alert=self._tell,
            settings=pipeline_settings,
        )
        self._due_changed = asyncio.Event()

    # -- life ------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Join, then obey, until cancelled."""
        host = await self._start()
        search, keys = Search(host, self._timeline), PartnerKeys(host)
        async with host.running():
            await self.joining.join()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.joining.stay(), name="HCALCS stays on its HAN")
                tasks.create_task(self._keep_time(host), name="HCALCS's clock")
                tasks.create_task(self._keep_contact(host, search, keys), name="HCALCS's meter")
                tasks.create_task(self._keep_appointments(), name="HCALCS's commands")

    async def _start(self) -> Host:
        served = (
            *self.joining.served(),
            self._tunnel.served(),
            self.load.served(),
            self._download.served(),
        )
        host = await self._station.start(load_switch_endpoint(self._endpoint, served))
        self._tunnel.attach(host)
        self._download.attach(host)
        host.node.attach(self.load)
        host.on_progress(self._progress)
        return host

    async def _keep_time(self, host: Host) -> None:
        period_s, retry_s = self.settings.time_sync_period_s, self.settings.search_retry_s
        await self._station.keep_time(host, period_s=period_s, retry_s=retry_s)

    # -- the meter -------------------------------------------------------------------------------

    async def _keep_contact(self, host: Host, search: Search, keys: PartnerKeys) -> None:
        """Find the meter and ask it for control; then see whether it is still there."""
        settings = self.settings
        while True:
            try:
                await self._contact(host, search, keys)
                wait_s = settings.contact_period_s
            except (HostError, RadioError):
                self._lost(keys)
                wait_s = settings.search_retry_s
            await self._timeline.sleep(timedelta(seconds=wait_s))

    async def _contact(self, host: Host, search: Search, keys: PartnerKeys) -> None:
        server = self.load.server
        if server is not None:
            basic = Far(server.peer, server.endpoint, BASIC.cluster_id, self._endpoint)
            await read_attributes(host, basic, (_ZCL_VERSION,))
            self.load.heard_at = self._timeline.now()
            return
        found = await search.servers_of(DEMAND_RESPONSE.cluster_id)
        meters = [one for one in found if one.peer != self._station.radio.trust_centre]
        if not meters:
            raise HostError("no meter serves Demand Response and Load Control")
        meter = meters[0]
        await keys.ensure(meter.peer)
        cluster_id = DEMAND_RESPONSE.cluster_id
        self.load.server = Far(meter.peer, meter.endpoint, cluster_id, self._endpoint)
        self.load.heard_at = self._timeline.now()
        self.chassis.events.publish(ControlAsked(**self.chassis.here(), peer=meter.peer))
        self.load.ask()
        host.kick()

    def _lost(self, keys: PartnerKeys) -> None:
        """The meter does not answer: it is looked for again, and given up after a while."""
        if self.load.server is not None:
            keys.doubt(self.load.server.peer)
            self.load.server = None
        if self.load.active is not None and self._silent_for() >= self._patience:
            self.load.drop_all()
            self._progress("the meter is silent")

    @property
    def _patience(self) -> timedelta:
        return timedelta(seconds=self.settings.default_after_s)

    def _silent_for(self) -> timedelta:
        heard_at = self.load.heard_at
        return self._patience if heard_at is None else self._timeline.now() - heard_at

    # -- the load --------------------------------------------------------------------------------

    def _progress(self, reason: str = "") -> None:
        for changed in self.load.events():
            event = changed.event
            on = self.settings.default_on
            if event is not None and event.duty_cycle_percent != NOT_IN_USE:
                on = event.duty_cycle_percent > 0
            issuer_event_id = None if event is None else event.issuer_event_id
            why = "nothing is asked" if event is None else "asked by the meter"
            self._switch(issuer_event_id, reason or why, on=on)

    def _switch(self, issuer_event_id: int | None, reason: str, *, on: bool) -> None:
        if on == self.on:
            return
        self.on = on
        self.chassis.events.publish(
            RelaySwitched(
                **self.chassis.here(), on=on, issuer_event_id=issuer_event_id, reason=reason
            )
        )

    # -- GBCS ------------------------------------------------------------------------------------

    def execute(self, octets: bytes) -> bytes | None:
        """Execute one command; its Response, or None when it is refused."""
        outcome = self.pipeline.receive(octets)
        self._due_changed.set()
        return outcome.octets if isinstance(outcome, Answered) else None

    def _tell(self, code: int) -> None:
        self.chassis.event_log.add(code)
        self._alerts.generic(code)

    async def _keep_appointments(self) -> None:
        """Execute commands that wait for their time, by the device's own clock."""
        while True:
            self._due_changed.clear()
            self.common.advance(self.chassis.clock.now())
            due = self.common.next_due
            until = None if due is None else self.chassis.clock.true_time_of(due)
            await self._timeline.wait_for(self._due_changed, until)
