"""What the CHF tells the remote parties unasked: alerts in DLMS, and what goes into its event log.

Alerts go to the access control broker, which is the hub's remote party; those about a message that
was lost go to whoever sent it.
"""

from __future__ import annotations

import logging
from enum import IntEnum
from typing import Final

from device.alerts import GENERIC_CRITICAL, GENERIC_NON_CRITICAL, Alerts
from device.chassis import Chassis
from gbcs.alerts import DlmsAlert, UndeliveredMessage
from gbcs.dlms.apdu import invoke_id
from gbcs.dlms.data import Data
from gbcs.envelope import Message
from gbcs.errors import GbcsError
from gbcs.party import Role
from gbcs.stamp import NEVER, Reliability, Stamp

_LOG: Final = logging.getLogger(__name__)
_FIRST_CRITICAL: Final = 0x8F00
_EUI64_OCTETS: Final = 8


class HubCode(IntEnum):
    """Event and alert codes of the CHF."""

    COMMAND_ACTIONED = 0x8154
    COMMAND_NOT_ACTIONED = 0x8155
    GSME_COMMAND_NOT_RETRIEVED = 0x819D
    CONNECTED_TO_ESME = 0x81A2
    DISCONNECTED_FROM_ESME = 0x81A3
    CLOSE_TUNNEL_REJECTED = 0x81A4
    REQUEST_TUNNEL_REJECTED = 0x81BA
    DEVICE_LOG_CHANGED = 0x8F12
    CHANNEL_SCAN_OUTCOME = 0x8F28
    SUB_GHZ_CONFIGURATION_CHANGED = 0x8F2A
    NOT_DELIVERED_TO_ESME = 0x8F84


class _MessageCode(IntEnum):
    CS14 = 0x0018
    NOT_DELIVERED_TO_ESME = 0x00D5
    DBCH08 = 0x0112
    DBCH09 = 0x0113
    CCS08 = 0x0128


class HubAlerts:
    """The alerts and events of one CHF. ``alerted`` are the events that are alerts as well."""

    def __init__(self, chassis: Chassis, alerted: frozenset[int]) -> None:
        self._chassis = chassis
        self._alerts = Alerts(chassis)
        self._alerted = alerted

    def event(self, code: int, peer: int | None = None, recipient: int | None = None) -> None:
        """Log an event about a device, and raise it as an alert if it is one."""
        other = b"" if peer is None else peer.to_bytes(_EUI64_OCTETS)
        with self._chassis.store.transaction():
            self._chassis.event_log.add(int(code), other)
            if code in self._alerted:
                self.generic(code, recipient)

    def command_executed(self, message_code: int, *, actioned: bool) -> None:
        """Log a command and its outcome."""
        code = HubCode.COMMAND_ACTIONED if actioned else HubCode.COMMAND_NOT_ACTIONED
        self._chassis.event_log.add(int(code), message_code.to_bytes(2))

    def generic(self, code: int, recipient: int | None = None) -> None:
        """Raise an alert that carries nothing but its code and time."""
        critical = code >= _FIRST_CRITICAL
        message_code = GENERIC_CRITICAL if critical else GENERIC_NON_CRITICAL
        self._raise(message_code, code, recipient=recipient)

    def device_log_changed(self, backup: Data) -> None:
        """CS14: the device log, with hashes of keys."""
        self._raise(_MessageCode.CS14, HubCode.DEVICE_LOG_CHANGED, backup)

    def sub_ghz_configured(self, configuration: Data) -> None:
        """DBCH09: the sub-GHz configuration was set."""
        self._raise(_MessageCode.DBCH09, HubCode.SUB_GHZ_CONFIGURATION_CHANGED, configuration)

    def channels_scanned(self, outcome: Data) -> None:
        """DBCH08: what came of a channel scan."""
        self._raise(_MessageCode.DBCH08, HubCode.CHANNEL_SCAN_OUTCOME, outcome)

    def not_delivered(self, message: Message) -> None:
        """A message for the ESME was given up: tell its originator which one."""
        lost = UndeliveredMessage(
            message.originator, message.recipient, message.cra, message.originator_counter
        )
        code = HubCode.NOT_DELIVERED_TO_ESME
        self._raise(
            _MessageCode.NOT_DELIVERED_TO_ESME,
            code,
            details=lost,
            recipient=message.originator,
        )

    def firmware_transferred(self, code: int, payload: bytes) -> None:
        """CCS08: how the download of a display or a controller ended."""
        try:
            recipient = self._chassis.credentials.party(Role.ACCESS_CONTROL_BROKER)
            self._alerts.raise_alert(int(_MessageCode.CCS08), code, payload, recipient)
        except GbcsError as exc:
            _LOG.warning("%016X: no alert %04X: %s", self._chassis.eui64, code, exc)

    def _raise(
        self,
        message_code: int,
        alert_code: int,
        *members: Data,
        details: UndeliveredMessage | None = None,
        recipient: int | None = None,
    ) -> None:
        """Raise an alert; one that nobody could read is left out with a warning."""
        clock = self._chassis.clock
        stamp = NEVER if clock.status is Reliability.INVALID else Stamp.of(clock.now())

        def payload(numbered: Message) -> bytes:
            invoke = invoke_id(numbered.originator_counter)
            return DlmsAlert(invoke, alert_code, stamp, details, members).to_bytes()

        try:
            if recipient is None:
                recipient = self._chassis.credentials.party(Role.ACCESS_CONTROL_BROKER)
            self._alerts.raise_alert(int(message_code), int(alert_code), payload, recipient)
        except GbcsError as exc:
            _LOG.warning("%016X: no alert %04X: %s", self._chassis.eui64, alert_code, exc)
