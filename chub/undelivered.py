"""Messages that the hub did not carry: why, and who hears of it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from chub.alerts import HubAlerts, HubCode
from chub.device_log import DeviceLog
from device.chassis import Chassis
from device.events import CommandRefused, DeliveryPutOff, MessageExpired
from gbcs.envelope import Message
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64
from gbcs.party import DeviceType


class Undeliverable(Enum):
    """Why the hub did not carry a message."""

    MALFORMED = "the octets follow no message format"
    UNKNOWN_RECIPIENT = "no device of this home has this entity identifier"
    MAILBOX_FULL = "too many messages wait for this gas meter"
    NOT_DELIVERED = "the device did not take it"


class Undelivered:
    """Tells the event stream, and the originators of what did not reach a meter."""

    def __init__(self, chassis: Chassis, device_log: DeviceLog, alerts: HubAlerts) -> None:
        self._chassis, self._device_log, self._alerts = chassis, device_log, alerts

    def refuse(self, reason: Undeliverable, detail: str, message: Message | None = None) -> None:
        """Tell the event stream why something was not carried."""
        self._chassis.events.publish(
            CommandRefused(
                **self._chassis.here(),
                refusal=reason,
                detail=detail,
                message_code=message.message_code if message else None,
                originator=message.originator if message else None,
                originator_counter=message.originator_counter if message else None,
            )
        )

    def put_off(self, peer: int, reason: str, until: datetime) -> None:
        """A message was not taken; it will be tried again until then."""
        here = self._chassis.here()
        self._chassis.events.publish(DeliveryPutOff(**here, peer=peer, reason=reason, until=until))

    def given_up(self, message: Message, reason: str) -> None:
        """A message for a tunnel server was given up: its originator is told if it is an ESME."""
        peer = message.recipient
        self.refuse(Undeliverable.NOT_DELIVERED, f"{format_eui64(peer)}: {reason}", message)
        entry = self._device_log.get(peer)
        if entry is not None and entry.device_type is DeviceType.ESME:
            self._alerts.not_delivered(message)

    def expired(self, peer: int, message: bytes, reason: str) -> None:
        """A gas meter did not fetch a message in time."""
        here = self._chassis.here()
        self._chassis.events.publish(
            MessageExpired(**here, peer=peer, reason=reason, octets=len(message))
        )
        self._not_retrieved(peer, message)

    def _not_retrieved(self, peer: int, octets: bytes) -> None:
        """Tell who sent a message that its meter did not fetch it (GSME Command Not Retrieved)."""
        if peer not in self._device_log:
            return  # it was removed, on purpose
        try:
            originator: int | None = Message.parse(octets).originator
        except MalformedMessage:
            originator = None
        self._alerts.event(HubCode.GSME_COMMAND_NOT_RETRIEVED, peer, originator)

    def noise(self, peer: int, octets: bytes) -> None:
        """A gas meter put octets that are no message."""
        detail = f"from {format_eui64(peer)}: neither GET nor PUT ({len(octets)} octets)"
        self.refuse(Undeliverable.MALFORMED, detail)
