"""Alerts a device raises on its own: built, counted and kept in its outbox as one unit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from device.chassis import Chassis
from device.events import AlertRaised
from device.log import time_s
from gbcs.catalogue import by_code
from gbcs.envelope import Cra, Message
from gbcs.errors import LocalError, MissingKey
from gbcs.gbz import GbzAlert
from gbcs.party import Role
from gbcs.protection import protect

_LOG: Final = logging.getLogger(__name__)

GENERIC_CRITICAL: Final = 0x1000
GENERIC_NON_CRITICAL: Final = 0x1001
_FIRST_CRITICAL: Final = 0x8F00

Payload = bytes | Callable[[Message], bytes]
"""The octets of an alert, or what makes them once it is numbered: to hold the number, to encrypt.
"""


class Alerts:
    """The alerts of one device. Each takes the next number of the device's own counter."""

    def __init__(self, chassis: Chassis) -> None:
        self._chassis = chassis

    def generic(self, alert_code: int, recipient: int | None = None) -> Message:
        """Raise an alert of GBZ devices that carries nothing but its code and time.

        Codes from 0x8F00 on are critical. Without a recipient it goes to the supplier.
        """
        critical = alert_code >= _FIRST_CRITICAL
        message_code = GENERIC_CRITICAL if critical else GENERIC_NON_CRITICAL
        payload = GbzAlert(alert_code, self.time_s()).to_bytes()
        return self.raise_alert(message_code, alert_code, payload, recipient)

    def event(self, code: int) -> None:
        """Log a code in the event log and tell of it; without a key for that it is only logged."""
        with self._chassis.store.transaction():
            self._chassis.event_log.add(code)
            try:
                self.generic(code)
            except MissingKey as exc:
                _LOG.warning("%016X: no alert %04X: %s", self._chassis.eui64, code, exc)

    def raise_alert(
        self, message_code: int, alert_code: int, payload: Payload, recipient: int | None = None
    ) -> Message:
        """Raise any alert: number it, protect it as its use case says, keep it until delivered.

        MissingKey when a key for it is not held: then nothing happened.
        """
        if by_code(message_code) is None:
            raise LocalError(f"no use case has message code {message_code:04X}")
        chassis = self._chassis
        if recipient is None:
            recipient = chassis.credentials.party(Role.SUPPLIER)
        with chassis.store.transaction() as unit:
            message = Message(
                cra=Cra.ALERT,
                originator_counter=chassis.own_counter.next(),
                originator=chassis.eui64,
                recipient=recipient,
                message_code=message_code,
                payload=b"",
            )
            octets = payload if isinstance(payload, bytes) else payload(message)
            message = replace(message, payload=octets)
            protected = protect(message, chassis.credentials.keys)
            unit.on_commit(lambda: self._tell(protected, alert_code))
            chassis.outbox.put(protected.to_bytes())
        return protected

    def time_s(self) -> int:
        """The device's own time for a GBZ alert."""
        return time_s(self._chassis.clock)

    def _tell(self, message: Message, alert_code: int) -> None:
        self._chassis.events.publish(
            AlertRaised(
                **self._chassis.here(),
                alert_code=alert_code,
                message_code=message.message_code,
                recipient=message.recipient,
                originator_counter=message.originator_counter,
            )
        )
