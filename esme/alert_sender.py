"""Alerts of a device that speaks DLMS on their way: numbered, protected, kept in its outbox."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from device.chassis import Chassis
from device.events import AlertRaised
from esme.alerts import Alert
from gbcs.dlms.data import Data, encode
from gbcs.dlms.protected import ProtectionParameters
from gbcs.dlms.values import octets as octets_data
from gbcs.envelope import Cra, Message
from gbcs.errors import MissingKey
from gbcs.party import Role
from gbcs.protection import attribute_cipher, protect

_LOG: Final = logging.getLogger(__name__)


class AlertSender:
    """Raises the alerts of one device."""

    def __init__(self, chassis: Chassis) -> None:
        self._chassis = chassis

    def raise_all(self, alerts: Iterable[Alert]) -> None:
        """Raise alerts, as part of the open unit; one without its key is left out, and logged."""
        for alert in alerts:
            try:
                self._raise(alert)
            except MissingKey as exc:
                eui64, code = self._chassis.eui64, alert.alert_code
                _LOG.warning("%016X: no alert %04X: %s", eui64, code, exc)

    def _party_or_none(self, role: Role | None) -> int | None:
        try:
            return None if role is None else self._chassis.credentials.party(role)
        except MissingKey:
            return None

    def _raise(self, alert: Alert) -> None:
        """Number an alert, protect it, and keep it until it is delivered."""
        chassis = self._chassis
        recipient = chassis.credentials.party(alert.recipient)
        number = chassis.own_counter.next()
        message = Message(
            cra=Cra.ALERT,
            originator_counter=number,
            originator=chassis.eui64,
            recipient=recipient,
            message_code=alert.message_code,
            payload=b"",
            supplementary_id=self._party_or_none(alert.concerns),
        )
        message = replace(message, payload=alert.payload(number, *self._sealed(alert, message)))
        protected = protect(message, chassis.credentials.keys)
        raised = AlertRaised(
            **chassis.here(),
            alert_code=alert.alert_code,
            message_code=alert.message_code,
            recipient=recipient,
            originator_counter=number,
        )
        with chassis.store.transaction() as unit:
            unit.on_commit(lambda: chassis.events.publish(raised))
            chassis.outbox.put(protected.to_bytes())

    def _sealed(self, alert: Alert, message: Message) -> tuple[Data, ...]:
        """The secret of an alert as its last two elements; nothing when it has none."""
        if alert.secret is None:
            return ()
        cipher = attribute_cipher(message, self._chassis.credentials.keys)
        parameters = ProtectionParameters(
            message.originator_counter, message.originator, message.recipient
        )
        sealed = cipher.seal(encode(alert.secret))
        return parameters.to_data(), octets_data(sealed)
