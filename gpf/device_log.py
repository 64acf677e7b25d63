"""The GPF's device log: restored after a change of hubs (GCS59), backed up when it changes (GCS62).

The log itself is that of CS03B, CS04 and CS07, as every device has it.
"""

from __future__ import annotations

import logging
from typing import Final

from device.alerts import Alerts
from device.chassis import Chassis
from device.command import Command, Outcome
from device.joins import Joins
from gbcs.asn1.devices import (
    DeviceLogEntry,
    Join,
    LogBackupAlert,
    LogRestore,
    LogRestoreResponse,
    RestoreOutcome,
)
from gbcs.asn1.names import JoinCode, JoinRole
from gbcs.asn1.payload import decode, encode
from gbcs.catalogue import by_name
from gbcs.envelope import Cra
from gbcs.errors import GbcsError, MalformedMessage
from gbcs.party import Role

_LOG: Final = logging.getLogger(__name__)

DEVICE_LOG_CHANGED: Final = 0x8071
_BACKUP: Final = by_name("GCS62").message_code
_JOIN: Final = by_name("CS03B").message_code


class DeviceLogKeeper:
    """Backs the device log up with the access control broker, and takes a backup over."""

    def __init__(self, chassis: Chassis, joins: Joins, alerts: Alerts) -> None:
        self._chassis, self._joins, self._alerts = chassis, joins, alerts

    def changed(self) -> None:
        """Raise GCS62, inside the unit of the change; without a broker nobody is told."""
        chassis = self._chassis
        entries = self._joins.details().entries or ()
        when = chassis.clock.now().replace(microsecond=0)
        alert = LogBackupAlert(DEVICE_LOG_CHANGED, when, entries)
        try:
            broker = chassis.credentials.party(Role.ACCESS_CONTROL_BROKER)
            payload = encode(_BACKUP, Cra.ALERT, alert)
            self._alerts.raise_alert(_BACKUP, DEVICE_LOG_CHANGED, payload, broker)
        except GbcsError as exc:
            _LOG.warning("%016X: no alert %04X: %s", chassis.eui64, DEVICE_LOG_CHANGED, exc)

    def restore(self, command: Command) -> Outcome:
        """Execute GCS59: each entry is joined by method B, with an outcome of its own."""
        code = command.message.message_code
        asked = decode(code, Cra.COMMAND, command.message.payload)
        if not isinstance(asked, LogRestore):
            raise MalformedMessage("not a device log to restore")
        before = self._joins.details()
        outcomes = tuple(RestoreOutcome(one, self._join(one)) for one in asked.entries)
        if self._joins.details() != before:
            self.changed()
        failed = sum(one.result != JoinCode.SUCCESS for one in outcomes)
        answer = encode(code, Cra.RESPONSE, LogRestoreResponse(outcomes))
        return Outcome(answer, failed=failed)

    def _join(self, entry: DeviceLogEntry) -> JoinCode:
        return self._joins.join(_JOIN, Join(JoinRole.METHOD_B, entry.device, entry.kind))
