"""General commands about reports: configure, read the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final, Self

from gbcs.errors import MalformedMessage
from gbcs.zcl.records import check_whole, read_all, read_fields, read_pairs, read_u8
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, decode, encode, is_analog

_DIRECTION_AND_ID: Final = Struct("<BH")
_STATUS_DIRECTION_ID: Final = Struct("<BBH")
_REPORTED: Final = Struct("<BHBHH")
_RECEIVED: Final = Struct("<BHH")
_ID_PAIR: Final = Struct("<HH")
_INTERVALS: Final = Struct("<HBHH")


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
        direction, at = read_u8(payload, at)
        if direction == 1:
            fields, at = read_fields(_ID_PAIR, payload, at)
            return cls(fields[0], is_timeout=True, timeout_s=fields[1]), at
        if direction != 0:
            raise MalformedMessage(f"reporting direction {direction}", at - 1)
        (attribute_id, type_id, least, most), at = read_fields(_INTERVALS, payload, at)
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
        return cls(read_all(ReportingRecord.read, payload))

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
        check_whole(_STATUS_DIRECTION_ID, payload)
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
        return cls(read_pairs(_DIRECTION_AND_ID, payload))

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
        status, at = read_u8(payload, at)
        if status == Status.SUCCESS:
            record, at = ReportingRecord.read(payload, at)
            return cls(status, record), at
        (direction, attribute_id), at = read_fields(_DIRECTION_AND_ID, payload, at)
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
        return cls(read_all(ReportingStatus.read, payload))

    def to_bytes(self) -> bytes:
        """Encode."""
        return b"".join(record.to_bytes() for record in self.records)
