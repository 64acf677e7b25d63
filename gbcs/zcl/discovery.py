"""General commands that discover attributes and commands of a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final, Self

from gbcs.errors import MalformedMessage
from gbcs.zcl.records import check_whole, read_complete, read_pairs

_ID_AND_TYPE: Final = Struct("<HB")
_ID_TYPE_ACCESS: Final = Struct("<HBB")
_START_ATTRIBUTE: Final = Struct("<HB")


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
        complete, rest = read_complete(payload)
        return cls(complete, read_pairs(_ID_AND_TYPE, rest))

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
        complete, rest = read_complete(payload)
        check_whole(_ID_TYPE_ACCESS, rest)
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
        complete, rest = read_complete(payload)
        return cls(complete, tuple(rest))

    def to_bytes(self) -> bytes:
        """Encode."""
        return bytes((self.complete, *self.command_ids))
