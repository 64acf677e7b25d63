"""The gas meter as a device: works, pipeline, events and alerts; everything but the radio."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from device.alerts import Alerts, Payload
from device.answering import own_stamp
from device.chassis import Chassis
from device.clock import ClockChange
from device.command import Answered, Command, Executed, Outcome
from device.common import AUTHORITY as COMMON_AUTHORITY
from device.common import CommonCommands
from device.events import LogEntry
from device.firmware import Firmware
from device.gbz_engine import EngineSettings, GbzEngine
from device.instructions import Executed as ExecutedInstruction
from device.instructions import Instructions
from device.log import CAPACITY, NO_TIME
from device.own_events import OwnEventLogs
from device.pipeline import Pipeline
from device.settings import PipelineSettings
from device.tokens import PrepaySettings, TokenGate
from gbcs.alerts import FirmwareReceipt, gbz_alert
from gbcs.asn1.devices import ClockReport, ClockWindow
from gbcs.asn1.payload import decode, encode
from gbcs.catalogue import Technology, all_use_cases
from gbcs.catalogue.use_case import Kind
from gbcs.envelope import Cra, Message
from gbcs.errors import MalformedMessage, MissingKey
from gbcs.gbz import Component, GbzAlert
from gbcs.party import DeviceType, Role
from gbcs.protection import attribute_cipher
from gbcs.stamp import Reliability, Source, Stamp, status_octet, without_moment
from gbcs.utrn import Token, is_authentic
from gbcs.zcl.types import zcl_seconds
from gsme import codes
from gsme.model import GasMeterModel
from gsme.prepayment import GasTill, mode_response
from gsme.settings import GsmeSettings
from gsme.snapshots import BLOCK_TIER_NO_BILLING, published
from gsme.views import remote_server
from gsme.works import Works
from han.clusters import METERING, PREPAYMENT
from han.clusters.events import EventLog
from han.commands.events import EventEntry
from han.commands.metering import SnapshotCause
from han.deadlines import earliest
from han.logs import Snapshot

_LOG: Final = logging.getLogger(__name__)

EXECUTION_ALERT: Final = 0x00CD
"""Future dated execution of a GBZ instruction."""
FIRMWARE_RECEIPT: Final = 0x00CF
"""Receipt of a firmware image."""
BILLING_ALERT: Final = 0x008B
"""Push of the billing data log (GCS53)."""
_CHANGE_PAYMENT_MODE: Final = 0x06
_WITH_STATUS: Final = frozenset({"GCS13a", "GCS13b", "GCS13c", "GCS14", "GCS60", "GCS60a"})
"""Use cases whose date-time says how reliable it is; that of others does not (reference messages).
"""
_SUPPLIER_ONLY: Final = (
    *("GCS13a", "GCS13b", "GCS13c", "GCS14", "GCS60", "GCS60a"),
    *("GCS15b", "GCS15c", "GCS16a", "GCS16b", "GCS17"),
)
AUTHORITY: Final[Mapping[str, frozenset[Role]]] = {
    name: frozenset({Role.SUPPLIER}) for name in _SUPPLIER_ONLY
}
"""A gas meter answers these for its supplier only; other parties ask the GPF."""

_WRITTEN_AS: Final[Mapping[int, int]] = {0x006F: 0x01}
"""Frame control in the alerts of a command, where it is not that of the component (GCS05: the
reference messages write 01 for those of its calendar, too)."""
_SNAPSHOTS_BEFORE: Final[Mapping[int, SnapshotCause]] = {
    0x006B: SnapshotCause.CHANGE_OF_TARIFF_INFORMATION,
    0x00A3: SnapshotCause.CHANGE_OF_TARIFF_INFORMATION,
}
"""Commands that change the tariff, and what the billing snapshot before them says."""


def use_cases() -> tuple[str, ...]:
    """Names of the use cases that the gas meter answers."""
    found = (
        each.name
        for each in all_use_cases()
        if each.kind is Kind.COMMAND
        and each.technology is Technology.GBZ
        and DeviceType.GSME in each.targets
    )
    return (*found, "GCS28")


class GasMeterDevice:
    """One GSME on a bench.

    Its alerts wait in the outbox of its chassis; ``hub_time`` tells the hub's time when it is
    known. :meth:`act` is to be called when :attr:`next_due` is there, and is called before every
    command.
    """

    def __init__(
        self,
        chassis: Chassis,
        model: GasMeterModel,
        *,
        hub_time: Callable[[], datetime | None],
        settings: GsmeSettings,
        pipeline_settings: PipelineSettings | None = None,
        engine_settings: EngineSettings | None = None,
        prepay_settings: PrepaySettings | None = None,
    ) -> None:
        self.chassis, self.model = chassis, model
        self.works = Works(chassis, model, settings, self.tell, self._snapshot_taken)
        self.events = OwnEventLogs(chassis)
        gate = TokenGate(lambda: model.tokens, self._is_authentic, prepay_settings)
        self.server = remote_server(self.works, GasTill(self.works, gate), self.events)
        self.instructions = Instructions(
            self.server,
            lambda: model.pending,
            {(PREPAYMENT.cluster_id, _CHANGE_PAYMENT_MODE): lambda _: mode_response(model)},
        )
        self.works.instructions = self.instructions
        self.alerts = Alerts(chassis)
        self.firmware = Firmware(
            chassis.store, lambda: model.configuration.firmware_version, chassis.broken
        )
        self.common = CommonCommands(chassis, self.tell, self.firmware)
        self._hub_time = hub_time
        self._engine = GbzEngine(self.instructions, engine_settings)
        self.pipeline = Pipeline(
            chassis,
            use_cases=[name for name in use_cases() if name != "GCS28"],
            engines={Technology.GBZ: self._execute},
            handlers={"GCS28": self._set_clock, **self.common.handlers},
            authority={**AUTHORITY, **COMMON_AUTHORITY},
            stamp=self._stamp,
            alert=self._alert,
            settings=pipeline_settings,
        )
        chassis.clock.watch(self._clock_changed)
        for log in (chassis.event_log, chassis.security_log):
            log.watch(self._logged)

    @property
    def next_due(self) -> datetime | None:
        """When the meter has something to do, by its own clock; None without one."""
        return earliest((self.works.next_due, self.common.next_due))

    def answer(self, octets: bytes) -> bytes | None:
        """Execute one command; its Response, or None when it is refused."""
        self.act()
        outcome = self.pipeline.receive(octets)
        return outcome.octets if isinstance(outcome, Answered) else None

    def act(self) -> None:
        """Do what is due by now: measure, charge, log, execute what waited for its time."""
        self.works.advance()
        if not self.works.knows_time:
            return
        now, configuration = self.chassis.clock.now(), self.model.configuration
        self.common.advance(now)
        waiting = any(each.is_due(now) for each in self.model.pending)
        if not waiting and configuration.firmware_version == self.firmware.running:
            return
        with self.chassis.store.transaction() as unit:
            unit.on_rollback(self.works.memory.undo_point())
            configuration.firmware_version = self.firmware.running
            for executed in self._take_due():
                self.chassis.event_log.add(executed.alert_code)
                self._raise_execution(executed)
            self.works.keep()

    def tell(self, code: int) -> None:
        """Log a code, and alert of it, as the supplier has configured."""
        if code >= codes.FIRST_CRITICAL:
            self.chassis.event_log.add(code)
            self._alert(code)
            return
        chosen = self.model.configuration.event_settings.get(code, 0)
        if chosen & codes.LOG == codes.GENERAL_LOG:
            self.chassis.event_log.add(code)
        elif chosen & codes.LOG == codes.SECURITY_LOG:
            self.chassis.security_log.add(code)
        if chosen & codes.TELL_WAN:
            self._alert(code)

    def firmware_receipt(self, code: int, image_hash: bytes) -> None:
        """Tell the supplier of a firmware image that was verified (0x8F72), or was not (0x8F1C)."""
        payload = gbz_alert(code, self.alerts.time_s(), FirmwareReceipt(image_hash)).to_bytes()
        self._raise(FIRMWARE_RECEIPT, code, payload)

    # -- commands --------------------------------------------------------------------------------

    def _execute(self, command: Command) -> Outcome:
        """Execute the components; what they change is kept with the command's unit."""
        command.unit.on_rollback(self.works.memory.undo_point())
        cause = _SNAPSHOTS_BEFORE.get(command.message.message_code)
        outcome = self._engine(command)
        if cause is not None and not outcome.failed and not self._all_wait(command):
            self.works.snapshot_for(cause)
        if command.role is None:
            failed = codes.COMMAND_NOT_ACTIONED if outcome.failed else codes.COMMAND_ACTIONED
            self.chassis.event_log.add(failed, command.message.message_code.to_bytes(2, "big"))
        self.works.keep()
        return outcome

    def _set_clock(self, command: Command) -> Outcome:
        """GCS28: take the hub's time if it is within the window; the time and status after that."""
        code = command.message.message_code
        window = decode(code, Cra.COMMAND, command.message.payload)
        if not isinstance(window, ClockWindow):
            raise MalformedMessage("not a window for the clock")
        clock = self.chassis.clock
        clock.set_clock(self._hub_time(), window.not_before, window.not_after)
        self.works.keep()
        report = ClockReport(clock.now().replace(microsecond=0), _STATUS[clock.status])
        return Outcome(encode(code, Cra.RESPONSE, report))

    def _all_wait(self, command: Command) -> bool:
        counter = command.message.originator_counter
        return any(each.counter == counter for each in self.model.pending)

    def _take_due(self) -> list[ExecutedInstruction]:
        now = self.chassis.clock.now()
        due_codes = {each.message_code for each in self.model.pending if each.is_due(now)}
        for cause in {_SNAPSHOTS_BEFORE[code] for code in due_codes if code in _SNAPSHOTS_BEFORE}:
            self.works.snapshot_for(cause)
        return self.instructions.take_due(now)

    def _stamp(self, executed: Executed) -> Stamp:
        """The meter's own time; with how far it trusts it, or without, by use case."""
        if executed.command.use_case.name not in _WITH_STATUS:
            return own_stamp(executed)
        status = status_octet(Source.OWN, self.chassis.clock.status)
        if not self.works.knows_time:
            return without_moment(status)
        return Stamp.with_status(self.chassis.clock.now().replace(microsecond=0), status)

    def _is_authentic(self, token: Token, counter: int) -> bool:
        """Check a token with the supplier's prepayment key; False when it is not held."""
        credentials = self.chassis.credentials
        try:
            supplier = credentials.party(Role.SUPPLIER)
            return is_authentic(token, supplier, self.chassis.eui64, counter, credentials.keys)
        except MissingKey:
            return False

    # -- alerts ----------------------------------------------------------------------------------

    def _alert(self, code: int) -> None:
        try:
            self.alerts.generic(code)
        except MissingKey as exc:
            _LOG.warning("%016X: no alert %04X: %s", self.chassis.eui64, code, exc)

    def _raise_execution(self, executed: ExecutedInstruction) -> None:
        code, details = executed.alert_code, executed.details
        if details.message_code in _WRITTEN_AS:
            details = replace(details, frame_control=_WRITTEN_AS[details.message_code])
        payload = gbz_alert(code, self.alerts.time_s(), details).to_bytes()
        self._raise(EXECUTION_ALERT, code, payload, executed.instruction.originator)

    def _raise(
        self, message_code: int, code: int, payload: Payload, recipient: int | None = None
    ) -> None:
        try:
            self.alerts.raise_alert(message_code, code, payload, recipient)
        except MissingKey as exc:
            _LOG.warning("%016X: no alert %04X: %s", self.chassis.eui64, code, exc)

    def _snapshot_taken(self, snapshot: Snapshot) -> None:
        """A billing snapshot is told to the supplier, too (GCS53)."""
        general = snapshot.cause == SnapshotCause.GENERAL
        if general or snapshot.payload_type != BLOCK_TIER_NO_BILLING:
            return
        self.chassis.event_log.add(codes.BILLING_LOG_UPDATED)
        component = Component(METERING.cluster_id, published(snapshot), encrypted=True)

        def payload(message: Message) -> bytes:
            closed = component.closed(attribute_cipher(message, self.chassis.credentials.keys))
            code, time_s = codes.BILLING_LOG_UPDATED, self.alerts.time_s()
            return GbzAlert.with_components(code, time_s, (closed,)).to_bytes()

        self._raise(BILLING_ALERT, codes.BILLING_LOG_UPDATED, payload)

    def _logged(self, entry: LogEntry) -> None:
        """Let the proxy have a copy of every entry of the logs: what it lacks is kept with it."""
        log_id = EventLog.SECURITY if entry.log == "security" else EventLog.GENERAL
        at_s = NO_TIME if entry.at is None else zcl_seconds(entry.at)
        with self.chassis.store.transaction() as unit:
            unit.on_rollback(self.works.memory.undo_point())
            self.model.untold.append(EventEntry(log_id, entry.code, at_s, entry.other))
            del self.model.untold[:-CAPACITY]
            self.works.keep()

    def _clock_changed(self, change: ClockChange) -> None:
        if change.alert:
            self._alert(codes.CLOCK_NOT_ADJUSTED)


_STATUS: Final = {Reliability.RELIABLE: 0, Reliability.INVALID: 1, Reliability.UNRELIABLE: 2}
