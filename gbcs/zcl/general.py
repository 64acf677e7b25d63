"""General (profile-wide) ZCL commands: read, write, report, configure, discover, default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final, Protocol, Self

from gbcs.errors import MalformedMessage
from gbcs.zcl.discovery import (
    DiscoverAttributes,
    DiscoverAttributesExtendedResponse,
    DiscoverAttributesResponse,
    DiscoverCommands,
    DiscoverCommandsResponse,
)
from gbcs.zcl.records import read_all, read_pairs, read_u8, read_u16
from gbcs.zcl.reporting import (
    ConfigureReporting,
    ConfigureReportingResponse,
    ReadReportingConfiguration,
    ReadReportingConfigurationResponse,
    ReportingRecord,
    ReportingStatus,
)
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, decode, encode

__all__ = [
    "AttributeStatus",
    "AttributeValue",
    "AttributeValues",
    "ConfigureReporting",
    "ConfigureReportingResponse",
    "DefaultResponse",
    "DiscoverAttributes",
    "DiscoverAttributesExtendedResponse",
    "DiscoverAttributesResponse",
    "DiscoverCommands",
    "DiscoverCommandsResponse",
    "General",
    "GeneralCommand",
    "ReadAttributes",
    "ReadAttributesResponse",
    "ReadReportingConfiguration",
    "ReadReportingConfigurationResponse",
    "ReportingRecord",
    "ReportingStatus",
    "WriteAttributesResponse",
    "decode_general",
]

_ID: Final = Struct("<H")
_STATUS_AND_ID: Final = Struct("<BH")
_ID_AND_TYPE: Final = Struct("<HB")


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
        attribute_id, at = read_u16(payload, at)
        status, at = read_u8(payload, at)
        if status != Status.SUCCESS:
            return cls(attribute_id, status), at
        type_id, at = read_u8(payload, at)
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
        return cls(read_all(AttributeStatus.read, payload))

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
        attribute_id, at = read_u16(payload, at)
        type_id, at = read_u8(payload, at)
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
        return cls(read_all(AttributeValue.read, payload))

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
        return cls(read_pairs(_STATUS_AND_ID, payload))

    def to_bytes(self) -> bytes:
        """Encode."""
        if not self.failures:
            return bytes((Status.SUCCESS,))
        return b"".join(_STATUS_AND_ID.pack(*failure) for failure in self.failures)


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
