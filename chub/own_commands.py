"""The commands that the CHF executes itself (CCS, DBCH, ECS35c and the like)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from chub.alerts import HubAlerts
from chub.device_log import DeviceLog
from chub.joining import Joining
from chub.model import HubModel
from chub.objects import server
from chub.settings import ChfSettings
from device.chassis import Chassis
from device.command import Answered, Command, Handler, Outcome
from device.common import AUTHORITY, CommonCommands
from device.cosem.engine import CosemEngine
from device.pipeline import Pipeline
from device.settings import PipelineSettings
from gbcs.asn1.devices import DeviceLogEntry, JoinDetails
from gbcs.asn1.names import Kind, ReadCode
from gbcs.asn1.payload import encode
from gbcs.catalogue import Technology
from gbcs.envelope import Cra
from gbcs.party import DeviceType

USE_CASES: Final = (
    "CCS01",
    "CCS02",
    "CCS03",
    "CCS05CCS04",
    "CCS06",
    "CCS07",
    "ECS26i",
    "ECS26n",
    "ECS35c",
    "ECS35d",
    "ECS52",
)
"""Use cases that every CHF answers."""
DUAL_BAND_USE_CASES: Final = ("DBCH01", "DBCH02", "DBCH03", "DBCH04", "DBCH05")
"""Those of a hub with a sub-GHz radio."""


_KINDS: Final[Mapping[DeviceType, Kind]] = {
    DeviceType.GSME: Kind.GSME,
    DeviceType.ESME: Kind.ESME,
    DeviceType.CHF: Kind.CHF,
    DeviceType.GPF: Kind.GPF,
    DeviceType.HCALCS: Kind.HCALCS,
    DeviceType.PPMID: Kind.PPMID,
}


def use_cases(*, dual_band: bool = True) -> tuple[str, ...]:
    """What a hub of one band or two answers."""
    return USE_CASES + (DUAL_BAND_USE_CASES if dual_band else ())


class OwnCommands:
    """The CHF as the target of commands: its model, its objects, its pipeline."""

    def __init__(
        self,
        chassis: Chassis,
        settings: ChfSettings,
        device_log: DeviceLog,
        joining: Joining,
        alerts: HubAlerts,
        home: Callable[[], Iterable[int]],
        common: CommonCommands,
        pipeline_settings: PipelineSettings | None = None,
    ) -> None:
        self.common = common
        self.model = HubModel(chassis, settings, device_log, joining, alerts, home)
        self.server = server(self.model)
        engine = CosemEngine(
            self.server,
            chassis.credentials.keys,
            chassis.own_counter,
            self.model.save,
            self.model.undo_point,
        )
        executor = _logged(engine, alerts) if settings.logged_commands else engine
        self.pipeline = Pipeline(
            chassis,
            use_cases=use_cases(dual_band=settings.dual_band),
            engines={Technology.DLMS: executor},
            handlers={**common.handlers, "CS07": self._join_details},
            authority=AUTHORITY,
            alert=alerts.generic,
            settings=pipeline_settings,
        )

    def _join_details(self, command: Command) -> Outcome:
        """CS07: the devices of the log, of the kinds that have a name there."""
        entries = tuple(
            DeviceLogEntry(
                entry.eui64,
                _KINDS.get(entry.device_type, Kind.TYPE2) if entry.device_type else Kind.TYPE2,
            )
            for entry in self.model.device_log.entries()
        )
        details = JoinDetails(ReadCode.SUCCESS, entries)
        return Outcome(encode(command.message.message_code, Cra.RESPONSE, details))

    def answer(self, octets: bytes) -> bytes | None:
        """Execute one command; None when it is refused."""
        outcome = self.pipeline.receive(octets)
        return outcome.octets if isinstance(outcome, Answered) else None


def _logged(engine: Handler, alerts: HubAlerts) -> Handler:
    """The engine, with an entry of the event log for each command."""

    def execute(command: Command) -> Outcome:
        outcome = engine(command)
        alerts.command_executed(command.message.message_code, actioned=not outcome.failed)
        return outcome

    return execute
