"""The SAPC as a device on a radio: joins, answers through the hub's tunnel, switches in time."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from device.command import Answered
from device.common import AUTHORITY, CommonCommands, common_use_cases
from device.cosem.engine import CosemEngine
from device.firmware import Firmware
from device.host import Host
from device.hub_tunnel import HubTunnel
from device.pipeline import Pipeline
from device.settings import PipelineSettings
from device.station import Station
from esme.alert_sender import AlertSender
from esme.control.event import event_of
from esme.control.settings import ControlSettings
from esme.sapc.model import Sapc
from esme.sapc.objects import server
from esme.settings import EsmeSettings
from gbcs.catalogue import Technology
from gbcs.party import DeviceType
from gbcs.stamp import Reliability
from gbcs.zcl.types import Value
from han.clusters import BASIC, TIME
from han.clusters.mirrored import fixed
from han.deadlines import earliest
from han.endpoint import Endpoint
from han.zcl.tables import Cluster, Side

CONTROL_DEVICE: Final = 0x0504
CONTROL_USE_CASES: Final = (
    "ECS15c",
    "ECS35g",
    "ECS38",
    "ECS46a",
    "ECS46d",
    "ECS47a",
    "ECS47e",
    "ECS52",
    "ECS61d",
    "ECS61e",
)
"""What its objects answer. Published lists name an SAPC for ECS46d and ECS52; recorded alerts show
ECS47e, and without the others it could be neither commanded nor read."""
USE_CASES: Final = (*CONTROL_USE_CASES, *common_use_cases(DeviceType.SAPC))
_IDENTITY: Final[dict[int, Value]] = {0x0000: 3, 0x0004: "chub", 0x0005: "SAPC", 0x0007: 0x01}


class SapcStation:
    """One SAPC on one radio; ``firmware`` is the version it was made with."""

    def __init__(
        self,
        station: Station,
        *,
        firmware: bytes = bytes(4),
        settings: EsmeSettings | None = None,
        control_settings: ControlSettings | None = None,
        pipeline_settings: PipelineSettings | None = None,
    ) -> None:
        chassis, timeline, endpoint = station.chassis, station.timeline, station.endpoint
        self.chassis, self.joining = chassis, station.joining
        self._station, self._timeline = station, timeline
        self.settings = settings or EsmeSettings()
        self._tunnel = HubTunnel(chassis, timeline, station.radio, endpoint, self.execute)
        self._alerts = AlertSender(chassis)
        self._changed = asyncio.Event()
        version = Firmware(chassis.store, lambda: firmware, chassis.broken)
        self.sapc = Sapc(chassis.clock, chassis.store, version, control_settings)
        self.server = server(self.sapc)
        self.common = CommonCommands(chassis, self._tell, version)
        self.pipeline = Pipeline(
            chassis,
            use_cases=CONTROL_USE_CASES,
            engines={
                Technology.DLMS: CosemEngine(
                    self.server,
                    chassis.credentials.keys,
                    chassis.own_counter,
                    self._keep,
                    self.sapc.undo_point,
                )
            },
            handlers=self.common.handlers,
            authority=AUTHORITY,
            alert=self._tell,
            settings=pipeline_settings,
        )
        chassis.clock.watch(lambda _: self._changed.set())

    # -- life ------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Join, then answer and switch, until cancelled."""
        host = await self._start()
        async with host.running():
            await self.joining.join()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.joining.stay(), name="SAPC stays on its HAN")
                tasks.create_task(self._keep_time(host), name="SAPC's clock")
                tasks.create_task(self._keep_switching(), name="SAPC's controllers")

    async def _start(self) -> Host:
        time: Cluster[None] = Cluster(TIME, Side.CLIENT)
        served = (
            fixed(BASIC, _IDENTITY),
            *self.joining.served(),
            self._tunnel.served(),
            time.on(None),
        )
        endpoint = Endpoint(self._station.endpoint, CONTROL_DEVICE, served=served)
        host = await self._station.start(endpoint)
        self._tunnel.attach(host)
        return host

    async def _keep_time(self, host: Host) -> None:
        period_s, retry_s = self.settings.time_sync_period_s, self.settings.time_retry_s
        await self._station.keep_time(host, period_s=period_s, retry_s=retry_s)

    async def _keep_switching(self) -> None:
        while True:
            self._changed.clear()
            self.advance()
            await self._timeline.wait_for(self._changed, self._next_stop())

    def _next_stop(self) -> datetime | None:
        clock = self.chassis.clock
        due = earliest((self.sapc.next_due, self.common.next_due))
        if due is None or clock.status is Reliability.INVALID:
            return None
        return max(clock.true_time_of(due), self._timeline.now() + timedelta(milliseconds=1))

    # -- commands --------------------------------------------------------------------------------

    def execute(self, octets: bytes) -> bytes | None:
        """Execute one command; its Response, or None when it is refused."""
        self.advance()
        outcome = self.pipeline.receive(octets)
        self._changed.set()
        return outcome.octets if isinstance(outcome, Answered) else None

    def advance(self) -> None:
        """Do what is due, and send what there is to tell."""
        with self.chassis.store.transaction() as unit:
            unit.on_rollback(self.sapc.undo_point())
            self.sapc.advance()
            self._keep()
        if self.sapc.own_now is not None:
            self.common.advance(self.sapc.now)

    def _tell(self, code: int) -> None:
        self.sapc.event(code)
        self._keep()

    def _keep(self) -> None:
        """Save what changed and raise the alerts, as part of the open unit."""
        events, here = self.chassis.events, self.chassis.here()
        with self.chassis.store.transaction() as unit:
            for happening in self.sapc.controllers.take_happenings():
                event = event_of(happening, here, self.sapc.controllers.levels())
                unit.on_commit(partial(events.publish, event))
        self._alerts.raise_all(self.sapc.reporter.take_alerts())
        self.sapc.save()
