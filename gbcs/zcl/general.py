"""General (profile-wide) ZCL commands: read, write, report, configure, discover, default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final, Protocol, Self, TypeVar

from gbcs.errors import MalformedMessage
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, decode, encode, is_analog

_ID: Final = Struct("<H")
_STATUS_AND_ID: Final = Struct("<BH")
_DIRECTION_AND_ID: Final = Struct("<BH")
_STATUS_DIRECTION_ID: Final = Struct("<BBH")
_REPORTED: Final = Struct("<BHBHH")
_RECEIVED: Final = Struct("<BHH")
_ID_AND_TYPE: Final = Struct("<HB")
_ID_TYPE_ACCESS: Final = Struct("<HBB")
_START_ATTRIBUTE: Final = Struct("<HB")


class GeneralCommand(IntEnum):
    """General command identifiers."""

    READ_ATTRIBUTES = 0x00
    READ_ATTRIBUTES_RESPONSE = 0x01
    WRITE_ATTRIBUTES = 0x02
    WRITE_ATTRIBUTES_UNDIVIDED = 0x03
    WRITE_ATTRIBUTES_RESPONSE = 0x04
    WRITE_ATTRIBUTES_NO_RESPONSE = 0x05
    CONFIGURE_REPORTING = 0x06
    CONFIGURE_REPORTING_RESPONSE = 0x07
    READ_REPORTING_CONFIGURATION = 0x08
    READ_REPORTING_CONFIGURATION_RESPONSE = 0x09
    REPORT_ATTRIBUTES = 0x0A
    DEFAULT_RESPONSE = 0x0B
    DISCOVER_ATTRIBUTES = 0x0C
    DISCOVER_ATTRIBUTES_RESPONSE = 0x0D
    DISCOVER_COMMANDS_RECEIVED = 0x11
    DISCOVER_COMMANDS_RECEIVED_RESPONSE = 0x12
    DISCOVER_COMMANDS_GENERATED = 0x13
    DISCOVER_COMMANDS_GENERATED_RESPONSE = 0x14
    DISCOVER_ATTRIBUTES_EXTENDED = 0x15
    DISCOVER_ATTRIBUTES_EXTENDED_RESPONSE = 0x16


@dataclass(frozen=True, slots=True)
class ReadAttributes:
    """Ask for attributes by identifier, in this order."""

    attribute_ids: tuple[int, ...]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        if len(payload) % 2:
            raise MalformedMessage("attribute identifiers are two octets each", len(payload) - 1)
        return cls(tuple(i for (i,) in _ID.iter_unpack(payload)))

    def to_bytes(self) -> bytes:
        """Encode."""
        return b"".join(map(_ID.pack, self.attribute_ids))


@dataclass(frozen=True, slots=True)
class AttributeStatus:
    """One attribute of a read answer; ``type_id`` and ``value`` only count on SUCCESS."""

    attribute_id: int
    status: int
    type_id: int = 0
    value: Value = None

    @classmethod
    def read(cls, payload: bytes, at: int) -> tuple[Self, int]:
        """Decode one record."""
        attribute_id, at = _u16(payload, at)
        status, at = _u8(payload, at)
        if status != Status.SUCCESS:
            return cls(attribute_id, status), at
        type_id, at = _u8(payload, at)
        value, at = decode(type_id, payload, at)
        return cls(attribute_id, status, type_id, value), at

    def to_bytes(self) -> bytes:
        """Encode."""
        head = _ID.pack(self.attribute_id) + bytes((self.status,))
        if self.status != Status.SUCCESS:
            return head
        return head + bytes((self.type_id,)) + encode(self.type_id, self.value)


@dataclass(frozen=True, slots=True)
class ReadAttributesResponse:
    """Answer to a read, one record per attribute asked for."""

    records: tuple[AttributeStatus, ...]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        return cls(_all(AttributeStatus.read, payload))

    def to_bytes(self) -> bytes:
        """Encode."""
        return b"".join(record.to_bytes() for record in self.records)


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """One attribute with type and value: to be written, or reported."""

    attribute_id: int
    type_id: int
    value: Value

    @classmethod
    def read(cls, payload: bytes, at: int) -> tuple[Self, int]:
        """Decode one record."""
        attribute_id, at = _u16(payload, at)
        type_id, at = _u8(payload, at)
        value, at = decode(type_id, payload, at)
        return cls(attribute_id, type_id, value), at

    def to_bytes(self) -> bytes:
        """Encode."""
        return _ID_AND_TYPE.pack(self.attribute_id, self.type_id) + encode(self.type_id, self.value)


@dataclass(frozen=True, slots=True)
class AttributeValues:
    """Write Attributes (all three forms) and Report Attributes."""

    records: tuple[AttributeValue, ...]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        return cls(_all(AttributeValue.read, payload))

    def to_bytes(self) -> bytes:
        """Encode."""
        return b"".join(record.to_bytes() for record in self.records)


@dataclass(frozen=True, slots=True)
class WriteAttributesResponse:
    """Failed writes as (status, attribute identifier); empty when every write succeeded."""

    failures: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        if payload == bytes((Status.SUCCESS,)):
            return cls()
        return cls(_pairs(_STATUS_AND_ID, payload))

    def to_bytes(self) -> bytes:
        """Encode."""
        if not self.failures:
            return bytes((Status.SUCCESS,))
        return b"".join(_STATUS_AND_ID.pack(*failure) for failure in self.failures)


@dataclass(frozen=True, slots=True)
class ReportingRecord:
    """How one attribute shall be reported: intervals in seconds, least change in its own unit.

    With ``is_timeout`` the receiver of reports is told how long to wait for one instead.
    """

    attribute_id: int
    type_id: int = 0
    min_interval_s: int = 0
    max_interval_s: int = 0
    change: Value = None
    is_timeout: bool = False
    timeout_s: int = 0

    @classmethod
    def read(cls, payload: bytes, at: int) -> tuple[Self, int]:
        """Decode one record."""
        direction, at = _u8(payload, at)
        if direction == 1:
            fields, at = _fields(_ID_PAIR, payload, at)
            return cls(fields[0], is_timeout=True, timeout_s=fields[1]), at
        if direction != 0:
            raise MalformedMessage(f"reporting direction {direction}", at - 1)
        (attribute_id, type_id, least, most), at = _fields(_INTERVALS, payload, at)
        change: Value = None
        if is_analog(type_id):
            change, at = decode(type_id, payload, at)
        return cls(attribute_id, type_id, least, most, change), at

    def to_bytes(self) -> bytes:
        """Encode."""
        if self.is_timeout:
            return _RECEIVED.pack(1, self.attribute_id, self.timeout_s)
        head = _REPORTED.pack(
            0, self.attribute_id, self.type_id, self.min_interval_s, self.max_interval_s
        )
        return head + encode(self.type_id, self.change) if is_analog(self.type_id) else head


@dataclass(frozen=True, slots=True)
class ConfigureReporting:
    """Configure reports of attributes."""

    records: tuple[ReportingRecord, ...]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        return cls(_all(ReportingRecord.read, payload))

    def to_bytes(self) -> bytes:
        """Encode."""
        return b"".join(record.to_bytes() for record in self.records)


@dataclass(frozen=True, slots=True)
class ConfigureReportingResponse:
    """Failed records as (status, direction, attribute identifier); empty when all succeeded."""

    failures: tuple[tuple[int, int, int], ...] = ()

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        if payload == bytes((Status.SUCCESS,)):
            return cls()
        _whole(_STATUS_DIRECTION_ID, payload)
        return cls(tuple((s, d, a) for s, d, a in _STATUS_DIRECTION_ID.iter_unpack(payload)))

    def to_bytes(self) -> bytes:
        """Encode."""
        if not self.failures:
            return bytes((Status.SUCCESS,))
        return b"".join(_STATUS_DIRECTION_ID.pack(*failure) for failure in self.failures)


@dataclass(frozen=True, slots=True)
class ReadReportingConfiguration:
    """Ask how attributes are reported: (direction, attribute identifier)."""

    attributes: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        return cls(_pairs(_DIRECTION_AND_ID, payload))

    def to_bytes(self) -> bytes:
        """Encode."""
        return b"".join(_DIRECTION_AND_ID.pack(*pair) for pair in self.attributes)


@dataclass(frozen=True, slots=True)
class ReportingStatus:
    """One record of the answer: a status and, on SUCCESS, the configuration."""

    status: int
    record: ReportingRecord

    @classmethod
    def read(cls, payload: bytes, at: int) -> tuple[Self, int]:
        """Decode one record."""
        status, at = _u8(payload, at)
        if status == Status.SUCCESS:
            record, at = ReportingRecord.read(payload, at)
            return cls(status, record), at
        (direction, attribute_id), at = _fields(_DIRECTION_AND_ID, payload, at)
        if direction > 1:
            raise MalformedMessage(f"reporting direction {direction}", at - 3)
        return cls(status, ReportingRecord(attribute_id, is_timeout=direction == 1)), at

    def to_bytes(self) -> bytes:
        """Encode."""
        if self.status == Status.SUCCESS:
            return bytes((self.status,)) + self.record.to_bytes()
        direction = int(self.record.is_timeout)
        return _STATUS_DIRECTION_ID.pack(self.status, direction, self.record.attribute_id)


@dataclass(frozen=True, slots=True)
class ReadReportingConfigurationResponse:
    """Answer to Read Reporting Configuration."""

    records: tuple[ReportingStatus, ...]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        return cls(_all(ReportingStatus.read, payload))

    def to_bytes(self) -> bytes:
        """Encode."""
        return b"".join(record.to_bytes() for record in self.records)


@dataclass(frozen=True, slots=True)
class DefaultResponse:
    """Outcome of a command that has no answer of its own."""

    command_id: int
    status: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        if len(payload) != 2:
            raise MalformedMessage(f"default response of {len(payload)} octets, not 2", 0)
        return cls(payload[0], payload[1])

    def to_bytes(self) -> bytes:
        """Encode."""
        return bytes((self.command_id, self.status))


@dataclass(frozen=True, slots=True)
class DiscoverAttributes:
    """Ask which attributes exist from an identifier on (also the extended form)."""

    start: int
    limit: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        if len(payload) != _START_ATTRIBUTE.size:
            raise MalformedMessage("discover attributes is three octets", 0)
        return cls(*_START_ATTRIBUTE.unpack(payload))

    def to_bytes(self) -> bytes:
        """Encode."""
        return _START_ATTRIBUTE.pack(self.start, self.limit)


@dataclass(frozen=True, slots=True)
class DiscoverAttributesResponse:
    """Attributes found as (identifier, type); ``complete`` when none are left."""

    complete: bool
    attributes: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        complete, rest = _complete(payload)
        return cls(complete, _pairs(_ID_AND_TYPE, rest))

    def to_bytes(self) -> bytes:
        """Encode."""
        found = b"".join(_ID_AND_TYPE.pack(*pair) for pair in self.attributes)
        return bytes((self.complete,)) + found


@dataclass(frozen=True, slots=True)
class DiscoverAttributesExtendedResponse:
    """Attributes found as (identifier, type, access bits: 1 read, 2 write, 4 report)."""

    complete: bool
    attributes: tuple[tuple[int, int, int], ...]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        complete, rest = _complete(payload)
        _whole(_ID_TYPE_ACCESS, rest)
        return cls(complete, tuple((i, t, a) for i, t, a in _ID_TYPE_ACCESS.iter_unpack(rest)))

    def to_bytes(self) -> bytes:
        """Encode."""
        found = b"".join(_ID_TYPE_ACCESS.pack(*entry) for entry in self.attributes)
        return bytes((self.complete,)) + found


@dataclass(frozen=True, slots=True)
class DiscoverCommands:
    """Ask which commands a cluster receives or generates, from an identifier on."""

    start: int
    limit: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        if len(payload) != 2:
            raise MalformedMessage("discover commands is two octets", 0)
        return cls(payload[0], payload[1])

    def to_bytes(self) -> bytes:
        """Encode."""
        return bytes((self.start, self.limit))


@dataclass(frozen=True, slots=True)
class DiscoverCommandsResponse:
    """Command identifiers found; ``complete`` when none are left."""

    complete: bool
    command_ids: tuple[int, ...]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode."""
        complete, rest = _complete(payload)
        return cls(complete, tuple(rest))

    def to_bytes(self) -> bytes:
        """Encode."""
        return bytes((self.complete, *self.command_ids))


class General(Protocol):
    """What every general command can do."""

    def to_bytes(self) -> bytes:
        """Encode the payload."""
        ...


def decode_general(command_id: int, payload: bytes) -> General:
    """Decode the payload of a general command; MalformedMessage for one that does not exist."""
    parse = _PARSERS.get(command_id)
    if parse is None:
        raise MalformedMessage(f"no general command 0x{command_id:02X}")
    return parse(payload)


_Record = TypeVar("_Record")
_ID_PAIR: Final = Struct("<HH")
_INTERVALS: Final = Struct("<HBHH")


def _all(read: Callable[[bytes, int], tuple[_Record, int]], payload: bytes) -> tuple[_Record, ...]:
    records: list[_Record] = []
    at = 0
    while at < len(payload):
        record, at = read(payload, at)
        records.append(record)
    return tuple(records)


def _whole(layout: Struct, payload: bytes) -> None:
    if len(payload) % layout.size:
        raise MalformedMessage(f"records are {layout.size} octets each", len(payload))


def _pairs(layout: Struct, payload: bytes) -> tuple[tuple[int, int], ...]:
    _whole(layout, payload)
    return tuple((first, second) for first, second in layout.iter_unpack(payload))


def _fields(layout: Struct, payload: bytes, at: int) -> tuple[tuple[int, ...], int]:
    if at + layout.size > len(payload):
        raise MalformedMessage("record is cut short", at)
    return layout.unpack_from(payload, at), at + layout.size


def _u8(payload: bytes, at: int) -> tuple[int, int]:
    if at >= len(payload):
        raise MalformedMessage("record is cut short", at)
    return payload[at], at + 1


def _u16(payload: bytes, at: int) -> tuple[int, int]:
    fields, at = _fields(_ID, payload, at)
    return fields[0], at


def _complete(payload: bytes) -> tuple[bool, bytes]:
    if not payload or payload[0] > 1:
        raise MalformedMessage("discovery complete is neither 0 nor 1", 0)
    return bool(payload[0]), payload[1:]


_PARSERS: Final[dict[int, Callable[[bytes], General]]] = {
    GeneralCommand.READ_ATTRIBUTES: ReadAttributes.parse,
    GeneralCommand.READ_ATTRIBUTES_RESPONSE: ReadAttributesResponse.parse,
    GeneralCommand.WRITE_ATTRIBUTES: AttributeValues.parse,
    GeneralCommand.WRITE_ATTRIBUTES_UNDIVIDED: AttributeValues.parse,
    GeneralCommand.WRITE_ATTRIBUTES_RESPONSE: WriteAttributesResponse.parse,
    GeneralCommand.WRITE_ATTRIBUTES_NO_RESPONSE: AttributeValues.parse,
    GeneralCommand.CONFIGURE_REPORTING: ConfigureReporting.parse,
    GeneralCommand.CONFIGURE_REPORTING_RESPONSE: ConfigureReportingResponse.parse,
    GeneralCommand.READ_REPORTING_CONFIGURATION: ReadReportingConfiguration.parse,
    GeneralCommand.READ_REPORTING_CONFIGURATION_RESPONSE: ReadReportingConfigurationResponse.parse,
    GeneralCommand.REPORT_ATTRIBUTES: AttributeValues.parse,
    GeneralCommand.DEFAULT_RESPONSE: DefaultResponse.parse,
    GeneralCommand.DISCOVER_ATTRIBUTES: DiscoverAttributes.parse,
    GeneralCommand.DISCOVER_ATTRIBUTES_RESPONSE: DiscoverAttributesResponse.parse,
    GeneralCommand.DISCOVER_COMMANDS_RECEIVED: DiscoverCommands.parse,
    GeneralCommand.DISCOVER_COMMANDS_RECEIVED_RESPONSE: DiscoverCommandsResponse.parse,
    GeneralCommand.DISCOVER_COMMANDS_GENERATED: DiscoverCommands.parse,
    GeneralCommand.DISCOVER_COMMANDS_GENERATED_RESPONSE: DiscoverCommandsResponse.parse,
    GeneralCommand.DISCOVER_ATTRIBUTES_EXTENDED: DiscoverAttributes.parse,
    GeneralCommand.DISCOVER_ATTRIBUTES_EXTENDED_RESPONSE: DiscoverAttributesExtendedResponse.parse,
}
