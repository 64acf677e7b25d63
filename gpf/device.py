"""The GPF: mirrors the gas meter on the HAN, and answers remote parties from the mirror."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from device.chassis import Chassis
from device.command import Answered, Executed
from device.gbz_engine import EngineSettings, GbzEngine
from device.pipeline import Pipeline
from device.settings import PipelineSettings
from gbcs.catalogue import Technology
from gbcs.stamp import Stamp
from gpf.han_side import HanSide, HubEndpoints
from gpf.mirror import Mirror
from gpf.settings import GpfSettings
from gpf.stamp import stamp_of
from gpf.tariff import Tariff
from gpf.views import remote_server

USE_CASES: Final = ("GCS13a", "GCS13b", "GCS13c", "GCS14", "GCS60", "GCS60a")
"""Use cases that the GPF answers."""


class GasProxy:
    """The Gas Proxy Function of one hub.

    The gas meter is learnt from its frames: what it pushes is held with its provenance, and the
    stamp of a Response is derived from the values that the Response returns.
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
    ) -> None:
        self.chassis = chassis
        self.settings = settings or GpfSettings()
        self.tariff = Tariff()
        self.mirror = Mirror(
            own_reliability=lambda: chassis.clock.status,
            completion=timedelta(seconds=self.settings.push_completion_s),
        )
        self.han = HanSide(chassis, self.mirror, self.tariff, admits, endpoints)
        self.remote = remote_server(self.mirror, self.tariff)
        self.pipeline = Pipeline(
            chassis,
            use_cases=USE_CASES,
            engines={Technology.GBZ: GbzEngine(self.remote, engine_settings)},
            stamp=self._stamp,
            settings=pipeline_settings,
        )

    @property
    def entity(self) -> int:
        """Entity identifier, which is the hub's HAN IEEE address too."""
        return self.chassis.eui64

    def answer(self, octets: bytes) -> bytes | None:
        """Execute one command addressed to the GPF; None when it is refused."""
        outcome = self.pipeline.receive(octets)
        return outcome.octets if isinstance(outcome, Answered) else None

    def _stamp(self, executed: Executed) -> Stamp:
        """Stamp from the values returned; when none could be, from those that were asked for."""
        returned = executed.outcome.returned
        good = [(one.cluster_id, one.attribute_id) for one in returned if one.ok]
        asked = [(one.cluster_id, one.attribute_id) for one in returned]
        held = self.mirror.provenances(good) or self.mirror.provenances(asked)
        return stamp_of(held, executed.command.now, self.settings)
