"""What leaves the meter unasked: alerts with their code, time and what goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gbcs.dlms import values as v
from gbcs.dlms.apdu import DataNotification, invoke_id
from gbcs.dlms.data import Bits, Data
from gbcs.party import Role
from gbcs.stamp import NEVER, Stamp

GENERIC_CRITICAL: Final = 0x1000
GENERIC: Final = 0x1001
FUTURE_DATED: Final = 0x00CC
SUPPLY_RESTORED: Final = 0x0067
BILLING_DATA: Final = 0x0061
LIMIT_SET: Final = 0x0121
LIMIT_OVER: Final = 0x0122
OPERATIONAL_UPDATE: Final = 0x0123
FIRMWARE_RECEIPT: Final = 0x00CE
"""Message codes; those named by what they tell are ECS80, ECS68, ECS101, ECS102."""

BEHAVIOUR_BITS: Final = 256
_OPERATOR_CODES: Final = 0x80
_SUPPLIER_CODES: Final = 0x81


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert before it has a counter and a protection. ``elements`` follow its time."""

    message_code: int
    alert_code: int
    at: datetime | None
    recipient: Role
    elements: tuple[Data, ...] = ()
    concerns: Role | None = None
    """The party whom it concerns and who gets it from the recipient, if the meter knows one."""
    secret: Data | None = None
    """What goes with it encrypted, for the recipient alone."""

    def payload(self, originator_counter: int, *sealed: Data) -> bytes:
        """The payload under a counter of the meter's own; ``sealed`` is the secret's form."""
        time = NEVER if self.at is None else Stamp.of(self.at)
        body = v.structure(v.u16(self.alert_code), v.date_time(time), *self.elements, *sealed)
        return DataNotification(invoke_id(originator_counter), body).to_bytes()


def owner(code: int) -> Role:
    """Which party configures and receives an event code that names no use case of its own."""
    return Role.NETWORK_OPERATOR if code >> 8 == _OPERATOR_CODES else Role.SUPPLIER


def is_configurable(code: int) -> bool:
    """Whether behaviour bits exist for a code; 0x8Fnn always happens."""
    return code >> 8 in (_OPERATOR_CODES, _SUPPLIER_CODES)


def is_on(behaviour: Bits, code: int) -> bool:
    """The bit of a code: its low octet counts bits from the last one."""
    return bool(int.from_bytes(behaviour.octets, "big") >> (code & 0xFF) & 1)


def merged(behaviour: Bits, mask_and_actions: Bits) -> Bits:
    """A new behaviour: where the mask has a one the actions' bit, elsewhere the old one."""
    octets = BEHAVIOUR_BITS // 8
    old = int.from_bytes(behaviour.octets, "big")
    mask = int.from_bytes(mask_and_actions.octets[:octets], "big")
    actions = int.from_bytes(mask_and_actions.octets[octets:], "big")
    return Bits(BEHAVIOUR_BITS, (old & ~mask | actions & mask).to_bytes(octets, "big"))


ALL_ON: Final = Bits(BEHAVIOUR_BITS, b"\xff" * (BEHAVIOUR_BITS // 8))
