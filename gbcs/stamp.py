"""The 12-octet date-time: the stamp of a response, and every COSEM date-time.

In a response's grouping header it says when the returned values were taken, by whose clock, and
how far that clock can be trusted (SECMP0015).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, IntFlag
from struct import Struct
from typing import Final, Self

from gbcs.errors import LocalError, MalformedMessage

_LAYOUT: Final = Struct(">HBBBBBBBhB")
SIZE: Final = _LAYOUT.size
NO_DEVIATION: Final = -0x8000
"""Deviation "not specified": the time is UTC."""
NOT_SPECIFIED_STATUS: Final = 0xFF

# Wildcards and special values next to the ordinary range (Blue Book date and time formats).
_MONTHS: Final = frozenset({*range(1, 13), 0xFD, 0xFE, 0xFF})
_DAYS: Final = frozenset({*range(1, 32), 0xFD, 0xFE, 0xFF})
_WEEKDAYS: Final = frozenset({*range(1, 8), 0xFF})


class ClockStatus(IntFlag):
    """Bits of the last octet; 0xFF as a whole says "not specified"."""

    INVALID_VALUE = 0x01
    DOUBTFUL_VALUE = 0x02
    DIFFERENT_CLOCK_BASE = 0x04
    INVALID_STATUS = 0x08
    DAYLIGHT_SAVING = 0x80


class Source(Enum):
    """Whose clock took the time."""

    OWN = "own"
    GSME = "GSME"


class Reliability(Enum):
    """How far the clock could be trusted at that moment."""

    RELIABLE = "reliable"
    UNRELIABLE = "unreliable"
    INVALID = "invalid"
    NOT_SPECIFIED = "not specified"


_TRUST: Final = {
    Reliability.RELIABLE: 0,
    Reliability.UNRELIABLE: int(ClockStatus.DOUBTFUL_VALUE),
    Reliability.INVALID: int(ClockStatus.INVALID_VALUE),
}


def status_octet(source: Source, reliability: Reliability) -> int:
    """Combine whose clock and how reliable into the clock status octet."""
    if reliability is Reliability.NOT_SPECIFIED:
        return NOT_SPECIFIED_STATUS
    base = ClockStatus.DIFFERENT_CLOCK_BASE if source is Source.GSME else 0
    return _TRUST[reliability] | base


@dataclass(frozen=True, slots=True)
class Stamp:
    """Twelve octets as sent, so that wildcards and unknown status bits survive."""

    octets: bytes

    @classmethod
    def of(
        cls,
        moment: datetime,
        source: Source = Source.OWN,
        reliability: Reliability = Reliability.NOT_SPECIFIED,
    ) -> Self:
        """Stamp an aware moment (whole seconds, written in UTC)."""
        return cls.with_status(moment, status_octet(source, reliability))

    @classmethod
    def with_status(cls, moment: datetime, status: int = NOT_SPECIFIED_STATUS) -> Self:
        """Stamp an aware moment with a status octet chosen bit by bit."""
        if moment.tzinfo is None:
            raise LocalError("a stamp needs an aware moment")
        t = moment.astimezone(UTC)
        date, time = (t.year, t.month, t.day, 0xFF), (t.hour, t.minute, t.second, 0)
        return cls(_LAYOUT.pack(*date, *time, NO_DEVIATION, status))

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Decode 12 octets; MalformedMessage for a wrong length or an impossible field."""
        if len(octets) != SIZE:
            raise MalformedMessage(f"date-time is {len(octets)} octets, not {SIZE}", offset=0)
        if octets[:11] != _NOW_FIELDS:
            _check_fields(octets)
        return cls(bytes(octets))

    def to_bytes(self) -> bytes:
        """Encode."""
        return self.octets

    @property
    def status(self) -> int:
        """Clock status octet as sent."""
        return self.octets[11]

    @property
    def source(self) -> Source:
        """Whose clock; the responder's own unless the different-base bit is set."""
        if (
            self.status == NOT_SPECIFIED_STATUS
            or not self.status & ClockStatus.DIFFERENT_CLOCK_BASE
        ):
            return Source.OWN
        return Source.GSME

    @property
    def reliability(self) -> Reliability:
        """How far the time can be trusted; "invalid" outweighs "doubtful"."""
        if self.status == NOT_SPECIFIED_STATUS:
            return Reliability.NOT_SPECIFIED
        if self.status & ClockStatus.INVALID_VALUE:
            return Reliability.INVALID
        if self.status & ClockStatus.DOUBTFUL_VALUE:
            return Reliability.UNRELIABLE
        return Reliability.RELIABLE

    @property
    def at(self) -> datetime | None:
        """The moment in UTC, whole seconds; None when a wildcard leaves it open."""
        year, month, day, _, hour, minute, second, _, deviation, _ = _LAYOUT.unpack(self.octets)
        try:
            moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            return moment if deviation == NO_DEVIATION else moment + timedelta(minutes=deviation)
        except (ValueError, OverflowError):
            return None

    @property
    def is_vague(self) -> bool:
        """Whether it names no moment, and means neither "now" nor "never"."""
        return self.at is None and self.octets[:11] not in (_NOW_FIELDS, _NEVER_FIELDS)

    def __str__(self) -> str:
        """Describe the stamp in words."""
        moment = self.at
        when = moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else self._wildcard_text()
        if self.reliability is Reliability.NOT_SPECIFIED:
            return f"{when}, clock status not specified"
        when = when if moment else "no time"
        return f"{when}, {self.source.value} clock, {self.reliability.value} (0x{self.status:02X})"

    def _wildcard_text(self) -> str:
        if self.octets[:11] == _NOW_FIELDS:
            return "now"
        return "never" if self.octets[:11] == _NEVER_FIELDS else self.octets.hex().upper()


def _check_fields(octets: bytes) -> None:
    _, month, day, weekday, hour, minute, second, hundredths, deviation, _ = _LAYOUT.unpack(octets)
    checks = (
        (month in _MONTHS, "month", 2),
        (day in _DAYS, "day of month", 3),
        (weekday in _WEEKDAYS, "day of week", 4),
        (hour < 24 or hour == 0xFF, "hour", 5),
        (minute < 60 or minute == 0xFF, "minute", 6),
        (second < 60 or second == 0xFF, "second", 7),
        (hundredths < 100 or hundredths == 0xFF, "hundredths", 8),
        (-720 <= deviation <= 840 or deviation == NO_DEVIATION, "deviation", 9),
    )
    for valid, name, offset in checks:
        if not valid:
            raise MalformedMessage(f"impossible {name} in date-time {octets.hex().upper()}", offset)


def without_moment(status: int) -> Stamp:
    """A stamp that names no moment, every field "not specified": the clock has no time."""
    return Stamp(b"\xff" * 9 + b"\x80\x00" + bytes((status,)))


_NOW_FIELDS: Final = bytes.fromhex("0000000000000000008000")
_NEVER_FIELDS: Final = bytes.fromhex("FFFFFFFFFFFFFFFFFF8000")
NOW: Final = Stamp(_NOW_FIELDS + b"\xff")
"""Activation time "now": the change is made at once."""
NEVER: Final = Stamp(_NEVER_FIELDS + b"\xff")
"""Activation time "never": a stored change is cancelled."""
