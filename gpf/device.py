"""The GPF: mirrors the gas meter on the HAN, and answers remote parties from the mirror."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from device.alerts import Alerts, Send
from device.chassis import Chassis
from device.command import Answered, Executed
from device.common import AUTHORITY as COMMON_AUTHORITY
from device.common import CommonCommands
from device.gbz_engine import EngineSettings, GbzEngine
from device.host import Host
from device.pipeline import Pipeline
from device.sample_log import DAILY, PROFILE, SampleLogs
from device.settings import PipelineSettings
from gbcs.catalogue import Technology
from gbcs.stamp import Stamp
from gpf.device_log import DeviceLogKeeper
from gpf.event import TenancyChanged
from gpf.han_side import HanSide, HubEndpoints
from gpf.mirror import Mirror
from gpf.settings import GpfSettings
from gpf.stamp import stamp_of
from gpf.tariff import Tariff
from gpf.tenancy import ChangeOfTenancy, Tenancy
from gpf.views import GasData, remote_server

USE_CASES: Final = (
    "GCS09",
    "GCS13a",
    "GCS13b",
    "GCS13c",
    "GCS14",
    "GCS17",
    "GCS60",
    "GCS60a",
    "GCS61",
)
"""Use cases that the GPF answers from what it mirrors and keeps of the gas meter."""
LOG_USE_CASES: Final = ("GCS59",)
"""Those of its device log, beside the ones that every device has."""


class GasProxy:
    """The Gas Proxy Function of one hub.

    The gas meter is learnt from its frames: what it pushes is held with its provenance, and the
    stamp of a Response is derived from the values that the Response returns. ``send`` takes its
    alerts to the WAN.
    """

    def __init__(
        self,
        chassis: Chassis,
        admits: Callable[[int], bool] = lambda _: True,
        *,
        endpoints: HubEndpoints | None = None,
        settings: GpfSettings | None = None,
        pipeline_settings: PipelineSettings | None = None,
        engine_settings: EngineSettings | None = None,
        send: Send = lambda octets, recipient: None,
    ) -> None:
        self.chassis = chassis
        self.settings = settings or GpfSettings()
        self.tariff = Tariff()
        self.mirror = Mirror(
            own_reliability=lambda: chassis.clock.status,
            completion=timedelta(seconds=self.settings.push_completion_s),
        )
        self.tenancy = Tenancy(chassis.store, self.settings, self._tenancy_changed)
        self.samples = SampleLogs(
            chassis.store, (PROFILE, DAILY), timedelta(seconds=self.settings.push_grace_s)
        )
        self.data = GasData(self.mirror, self.tariff, self.tenancy, self.samples, chassis.clock.now)
        self.han = HanSide(chassis, self.data, self.settings, admits, endpoints)
        self.remote = remote_server(self.data)
        alerts = Alerts(chassis, send)
        self.common = CommonCommands(
            chassis, send, alerts.event, partner_changed=lambda peer, kind: self.log.changed()
        )
        self.log = DeviceLogKeeper(chassis, self.common.joins, alerts)
        self.pipeline = Pipeline(
            chassis,
            use_cases=USE_CASES,
            engines={Technology.GBZ: GbzEngine(self.remote, engine_settings)},
            handlers={**self.common.handlers, "GCS59": self.log.restore},
            authority=COMMON_AUTHORITY,
            stamp=self._stamp,
            settings=pipeline_settings,
        )

    @property
    def entity(self) -> int:
        """Entity identifier, which is the hub's HAN IEEE address too."""
        return self.chassis.eui64

    def attach(self, host: Host) -> None:
        """Work on this node, before the host runs."""
        self.han.attach(host)
        host.node.attach(self.common)

    def answer(self, octets: bytes) -> bytes | None:
        """Execute one command addressed to the GPF; None when it is refused."""
        outcome = self.pipeline.receive(octets)
        return outcome.octets if isinstance(outcome, Answered) else None

    def _tenancy_changed(self, newest: ChangeOfTenancy | None) -> None:
        self.chassis.events.publish(
            TenancyChanged(
                **self.chassis.here(),
                at=None if newest is None else newest.at,
                control=0 if newest is None else int(newest.control),
            )
        )

    def _stamp(self, executed: Executed) -> Stamp:
        """Stamp from the values returned; when none could be, from those that were asked for."""
        returned = executed.outcome.returned
        good = [(one.cluster_id, one.attribute_id) for one in returned if one.ok]
        asked = [(one.cluster_id, one.attribute_id) for one in returned]
        held = self.mirror.provenances(good) or self.mirror.provenances(asked)
        return stamp_of(held, executed.command.now, self.settings)
