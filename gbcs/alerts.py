"""Bodies of alerts: what a device adds to alert code and time, by message code.

DLMS and GBZ alerts share the contents and differ in the wrapping: an octet string in a
data-notification, or octets behind the GBZ alert header.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError
from typing import Final, Self, TypeAlias

from gbcs.dlms import values as v
from gbcs.dlms.apdu import DataNotification
from gbcs.dlms.data import Data, Tag
from gbcs.dlms.obis import Obis
from gbcs.errors import LocalError, MalformedMessage
from gbcs.gbz import GbzAlert
from gbcs.stamp import Stamp

_EXECUTED_ACTION: Final = Struct(">HQH6sB")
_EXECUTED_COMMAND: Final = Struct(">HQHBB")
_REFUSED: Final = Struct(">HQ")
_DISCARDED: Final = Struct(">QQBQ")
_CAUSE: Final = Struct(">H")
_HASH_OCTETS: Final = 32


@dataclass(frozen=True, slots=True)
class ExecutedInstruction:
    """One future-dated DLMS instruction came due (8F66 done, 8F67 failed): which one."""

    message_code: int
    originator_counter: int
    class_id: int
    logical_name: Obis
    index: int

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Decode 19 octets."""
        _check_size(_EXECUTED_ACTION, octets)
        code, counter, class_id, name, index = _EXECUTED_ACTION.unpack(octets)
        return cls(code, counter, class_id, Obis(name), index)

    def to_bytes(self) -> bytes:
        """Encode."""
        fields = (self.message_code, self.originator_counter, self.class_id)
        return _pack(_EXECUTED_ACTION, *fields, self.logical_name, self.index)


@dataclass(frozen=True, slots=True)
class ExecutedCommand:
    """One future-dated GBZ command came due (8F66 done, 8F67 failed): which one."""

    message_code: int
    originator_counter: int
    cluster_id: int
    frame_control: int
    command_id: int

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Decode 14 octets."""
        _check_size(_EXECUTED_COMMAND, octets)
        return cls(*_EXECUTED_COMMAND.unpack(octets))

    def to_bytes(self) -> bytes:
        """Encode."""
        fields = (self.message_code, self.originator_counter, self.cluster_id)
        return _pack(_EXECUTED_COMMAND, *fields, self.frame_control, self.command_id)


@dataclass(frozen=True, slots=True)
class FirmwareReceipt:
    """A firmware image was received: its hash (32 octets)."""

    image_hash: bytes

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Decode 32 octets."""
        if len(octets) != _HASH_OCTETS:
            raise MalformedMessage(f"image hash of {len(octets)} octets, not {_HASH_OCTETS}")
        return cls(octets)

    def to_bytes(self) -> bytes:
        """Encode."""
        return self.image_hash


@dataclass(frozen=True, slots=True)
class IntegrityIssue:
    """Cause of a meter integrity warning (81A0)."""

    cause: int

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Decode two octets."""
        _check_size(_CAUSE, octets)
        return cls(*_CAUSE.unpack(octets))

    def to_bytes(self) -> bytes:
        """Encode."""
        return _pack(_CAUSE, self.cause)


@dataclass(frozen=True, slots=True)
class RefusedCommand:
    """A command the device does not support (8F85)."""

    message_code: int
    originator_counter: int

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Decode ten octets."""
        _check_size(_REFUSED, octets)
        return cls(*_REFUSED.unpack(octets))

    def to_bytes(self) -> bytes:
        """Encode."""
        return _pack(_REFUSED, self.message_code, self.originator_counter)


@dataclass(frozen=True, slots=True)
class UndeliveredMessage:
    """A message the hub gave up: discarded (8F2C) or not delivered to the ESME (8F84)."""

    originator: int
    target: int
    cra: int
    originator_counter: int

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Decode 25 octets."""
        _check_size(_DISCARDED, octets)
        return cls(*_DISCARDED.unpack(octets))

    def to_bytes(self) -> bytes:
        """Encode."""
        return _pack(_DISCARDED, self.originator, self.target, self.cra, self.originator_counter)


OctetDetails: TypeAlias = (
    ExecutedInstruction
    | ExecutedCommand
    | FirmwareReceipt
    | IntegrityIssue
    | RefusedCommand
    | UndeliveredMessage
)

_DLMS_DETAILS: Final[dict[int, type[OctetDetails]]] = {
    0x00CC: ExecutedInstruction,
    0x00CE: FirmwareReceipt,
    0x00D5: UndeliveredMessage,
    0x00F0: IntegrityIssue,
    0x0114: UndeliveredMessage,
    0x0120: RefusedCommand,
}


@dataclass(frozen=True, slots=True)
class DlmsAlert:
    """A data-notification as alert: code, time, and what the use case adds.

    ``details`` is typed where the use case adds one octet string of fixed layout; otherwise
    ``members`` holds the A-XDR data in order.
    """

    invoke: int
    alert_code: int
    stamp: Stamp
    details: OctetDetails | None = None
    members: tuple[Data, ...] = ()

    @classmethod
    def parse(cls, message_code: int, payload: bytes) -> Self:
        """Decode every octet; MalformedMessage otherwise."""
        notification = DataNotification.parse(payload)
        match notification.body:
            case Data(
                Tag.STRUCTURE,
                (
                    Data(Tag.LONG_UNSIGNED, int(alert_code)),
                    Data(Tag.OCTET_STRING, bytes(time)),
                    *rest,
                ),
            ) if not notification.date_time:
                members = tuple(member for member in rest if isinstance(member, Data))
                details = _dlms_details(message_code, members)
                kept = () if details is not None else members
                stamp = Stamp.from_bytes(time)
                return cls(notification.invoke, alert_code, stamp, details, kept)
        raise MalformedMessage("not an alert: no code and time", 6)

    def to_bytes(self) -> bytes:
        """Encode."""
        members = self.members
        if self.details is not None:
            members = (v.octets(self.details.to_bytes()),)
        head = (v.u16(self.alert_code), v.date_time(self.stamp))
        return DataNotification(self.invoke, v.structure(*head, *members)).to_bytes()


def _dlms_details(message_code: int, members: tuple[Data, ...]) -> OctetDetails | None:
    kind = _DLMS_DETAILS.get(message_code)
    if kind is None:
        return None
    match members:
        case (Data(Tag.OCTET_STRING, bytes(octets)),):
            return kind.from_bytes(octets)
    raise MalformedMessage(f"alert {message_code:04X} adds one octet string")


def gbz_details(message_code: int, alert: GbzAlert) -> OctetDetails | None:
    """What a GBZ alert adds; None for generic alerts and for the billing data log."""
    body = alert.body
    if message_code == _EXECUTED:
        if body[:1] != b"\x0e":
            raise MalformedMessage("executed command does not start with 0E")
        return ExecutedCommand.from_bytes(body[1:])
    if message_code == _RECEIPT:
        if body[:2] != b"\x09\x20":
            raise MalformedMessage("image hash does not start with 09 20")
        return FirmwareReceipt.from_bytes(body[2:])
    if message_code == _INTEGRITY:
        return IntegrityIssue.from_bytes(body)
    return None


def gbz_alert(alert_code: int, time_s: int, details: OctetDetails | None = None) -> GbzAlert:
    """Build a GBZ alert; ``time_s`` in seconds since 2000-01-01 UTC."""
    if details is None:
        return GbzAlert(alert_code, time_s)
    octets = details.to_bytes()
    if isinstance(details, ExecutedCommand):
        return GbzAlert(alert_code, time_s, 1, b"\x0e" + octets)
    if isinstance(details, FirmwareReceipt):
        return GbzAlert(alert_code, time_s, 1, b"\x09\x20" + octets)
    if isinstance(details, IntegrityIssue):
        return GbzAlert(alert_code, time_s, 1, octets)
    raise LocalError(f"{type(details).__name__} does not occur in GBZ alerts")


_EXECUTED: Final = 0x00CD
_RECEIPT: Final = 0x00CF
_INTEGRITY: Final = 0x00F2


def _check_size(layout: Struct, octets: bytes) -> None:
    if len(octets) != layout.size:
        raise MalformedMessage(f"alert details of {len(octets)} octets, not {layout.size}")


def _pack(layout: Struct, *fields: int | bytes) -> bytes:
    try:
        return layout.pack(*fields)
    except StructError as exc:
        raise LocalError(f"alert details out of range: {exc}") from exc
